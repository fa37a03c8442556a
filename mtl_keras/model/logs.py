"""What training logs of the losses: true means over the labels of an epoch."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.model.forward import Sums


class LossTracker(keras.metrics.Mean):
    """Losses of an epoch: `loss`, and what `<task>_loss` is read from.

    The loss of a task is the mean over all present labels of the epoch. `loss` is the sum of these
    under the user's weights, plus regularisation; it does not depend on the balancer, so that the
    curves of different balancers, and of training and validation, can be compared. Without any
    label, it is NaN.

    A step of the user's own (a subclass with another `train_step` or `compute_loss`) uses it as the
    `keras.metrics.Mean` that it finds under the name `"loss"` in `model.metrics`; the mean of what
    it adds is then the `loss`.
    """

    def __init__(self, tasks: list[str], loss_weights: list[float]) -> None:
        super().__init__(name="loss")
        self.tasks, self.loss_weights = list(tasks), list(loss_weights)
        self.size = 2 * len(tasks) + 2
        self.sums = self.add_variable((self.size,), "zeros", name="sums")
        self.failed = self.add_variable((len(tasks),), "zeros", name="failed")

    @staticmethod
    def summed(sums: Sums, rows: tf.Tensor) -> tf.Tensor:
        """One batch as a vector of sums, `(2 * tasks + 2,)`, for `add`.

        Args:
            sums: The losses of a batch.
            rows: Number of rows, which its added losses count for; 0 to leave them out.
        """
        return tf.stack([*sums.losses, *sums.divisors, sums.extra * rows, rows])

    def add(self, batches: tf.Tensor) -> None:
        """Add batches, `(batches, 2 * tasks + 2)`, each row made by `summed`."""
        self.sums.assign_add(tf.reduce_sum(batches, axis=0))
        losses = batches[:, : len(self.tasks)]
        bad = tf.cast(tf.math.logical_not(tf.math.is_finite(losses)), tf.float32)
        first = tf.argmax(tf.reduce_max(bad, axis=1))  # the first batch with a failure, else 0
        failed = tf.convert_to_tensor(self.failed.value)
        # Not `bad[first]`: XLA would compile the whole step again for each batch, as it takes the
        # position of a slice, and all that this is computed from, for constants.
        bad_first = tf.gather(bad, first)
        self.failed.assign(tf.where(tf.reduce_any(failed > 0), failed, bad_first))

    def reset_state(self) -> None:
        """Start a new epoch: all variables, where a `Mean` resets its own two."""
        keras.metrics.Metric.reset_state(self)

    def result(self) -> tf.Tensor:
        """The total loss."""
        tasks = len(self.tasks)
        sums = tf.convert_to_tensor(self.sums.value)
        counts, (extra, rows) = sums[tasks : 2 * tasks], tf.unstack(sums[2 * tasks :])
        weighted = sums[:tasks] / counts * tf.constant(self.loss_weights)
        total = tf.reduce_sum(tf.where(counts > 0, weighted, 0.0))
        if tasks:
            total = tf.where(tf.reduce_any(counts > 0), total, float("nan"))
        total += tf.math.divide_no_nan(extra, rows)
        return tf.where(self.count > 0, super().result(), total)

    def by_task(self) -> list[keras.metrics.Metric]:
        """A metric for each of several tasks, named `<task>_loss`; none for a single one."""
        if len(self.tasks) == 1:
            return []
        return [OneLoss(self, number) for number in range(len(self.tasks))]

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss of each task so far (NaN without labels), and the number of its labels."""
        tasks = len(self.tasks)
        sums = self.sums.numpy()
        losses, counts = sums[:tasks], sums[tasks : 2 * tasks]
        with np.errstate(all="ignore"):
            return losses / counts, counts

    def failed_tasks(self) -> Sequence[str]:
        """The tasks whose loss became non-finite first in this epoch."""
        return [task for task, flag in zip(self.tasks, self.failed.numpy()) if flag > 0]


class OneLoss(keras.metrics.Metric):
    """The mean loss of one task over all present labels of an epoch; NaN if there are none.

    Args:
        tracker: Tracks the losses of all tasks.
        number: Index of the task.
    """

    def __init__(self, tracker: LossTracker, number: int) -> None:
        super().__init__(name=f"{tracker.tasks[number]}_loss")
        self.read: Callable[[], tf.Tensor] = lambda: tf.convert_to_tensor(
            tracker.sums.value
        )  # not a variable of its own
        self.number, self.count = number, number + len(tracker.tasks)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing: the tracker of all losses is updated."""

    def result(self) -> tf.Tensor:
        sums: tf.Tensor = self.read()
        return sums[self.number] / sums[self.count]

    def reset_state(self) -> None:
        """Does nothing: the tracker of all losses is reset."""
