"""What training logs: true per-task losses, and per-task metrics that ignore missing labels."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import ConfigError, nearest
from mtl_keras.model.task_loss import Masked, TaskLoss


class LossTracker(keras.metrics.Metric):
    """Losses of an epoch: `<task>_loss` per task, and `loss`, their sum under the user's weights.

    `<task>_loss` is the weighted mean over all present labels of the epoch (NaN if there are none).
    `loss` includes regularisation. It does not depend on the balancer, so that the curves of
    different balancers, and of training and validation, can be compared.
    """

    def __init__(self, tasks: list[str], loss_weights: list[float]) -> None:
        super().__init__(name="losses")
        self.tasks, self.loss_weights = list(tasks), list(loss_weights)
        self.size = 2 * len(tasks) + 2
        self.sums = self.add_variable((self.size,), "zeros", name="sums")
        self.failed = self.add_variable((len(tasks),), "zeros", name="failed")

    @staticmethod
    def summed(
        losses: Sequence[tf.Tensor], weights: Sequence[tf.Tensor], extra: tf.Tensor, rows: tf.Tensor
    ) -> tf.Tensor:
        """One batch as a vector of sums, `(2 * tasks + 2,)`.

        Args:
            losses: For each task, the sum of weighted losses.
            weights: For each task, the sum of weights.
            extra: Regularisation and other added losses.
            rows: Number of rows.
        """
        return tf.stack([*losses, *weights, extra * rows, rows])

    def update_state(self, batches: tf.Tensor) -> None:
        """Add batches, `(batches, 2 * tasks + 2)`, each row made by `summed`."""
        self.sums.assign_add(tf.reduce_sum(batches, axis=0))
        losses = batches[:, : len(self.tasks)]
        bad = tf.cast(tf.math.logical_not(tf.math.is_finite(losses)), tf.float32)
        first = tf.argmax(tf.reduce_max(bad, axis=1))  # the first batch with a failure, else 0
        failed = tf.convert_to_tensor(self.failed.value)
        self.failed.assign(tf.where(tf.reduce_any(failed > 0), failed, bad[first]))

    def result(self) -> dict[str, tf.Tensor]:
        tasks = len(self.tasks)
        sums = tf.convert_to_tensor(self.sums.value)
        weight, extra, rows = sums[tasks : 2 * tasks], sums[-2], sums[-1]
        losses = sums[:tasks] / weight
        weighted = tf.where(weight > 0, losses * tf.constant(self.loss_weights), 0.0)
        return {
            "loss": tf.reduce_sum(weighted) + tf.math.divide_no_nan(extra, rows),
            **{f"{task}_loss": loss for task, loss in zip(self.tasks, tf.unstack(losses))},
        }

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss of each task so far (NaN without labels), and the sum of its weights."""
        tasks = len(self.tasks)
        sums = self.sums.numpy()
        losses, weights = sums[:tasks], sums[tasks : 2 * tasks]
        with np.errstate(all="ignore"):
            return losses / weights, weights

    def failed_tasks(self) -> list[str]:
        """The tasks whose loss became non-finite first in this epoch."""
        return [task for task, flag in zip(self.tasks, self.failed.numpy()) if flag > 0]


class TaskMetrics(keras.metrics.Metric):
    """The metrics of all outputs, each under `<task>_<metric>`, over present labels only.

    Args:
        losses: Loss of each task, by name; it determines the format of the labels.
        widths: Size of each output's last axis, by name.
        metrics: For each task, a metric identifier or a list of them, computed without sample
            weights.
        weighted_metrics: Likewise, computed with sample weights.

    Raises:
        ConfigError: if a name is unknown, or the same metric object is used twice.
    """

    def __init__(
        self,
        losses: Mapping[str, TaskLoss],
        widths: Mapping[str, int | None],
        metrics: Mapping[str, Any],
        weighted_metrics: Mapping[str, Any],
    ) -> None:
        super().__init__(name="task_metrics")
        self.entries: list[tuple[str, str, keras.metrics.Metric, bool]] = []
        seen: dict[int, str] = {}
        for weighted, declared in ((False, metrics), (True, weighted_metrics)):
            for task, identifiers in declared.items():
                for identifier in _as_list(identifiers):
                    if isinstance(identifier, keras.metrics.Metric):
                        if id(identifier) in seen:
                            raise ConfigError(
                                f"The metric object {identifier.name!r} is used for outputs "
                                f"{seen[id(identifier)]!r} and {task!r}, which would mix their "
                                "values. Create one object per output."
                            )
                        seen[id(identifier)] = task
                    metric = _resolve(identifier, task, losses[task], widths[task])
                    name = f"{task}_{metric.name}"
                    if any(name == other for other, *_ in self.entries):
                        name = f"{task}_weighted_{metric.name}"
                    self.entries.append((name, task, metric, weighted))

    @property
    def names(self) -> list[str]:
        """The names that the metrics are logged under."""
        return [name for name, *_ in self.entries]

    def __bool__(self) -> bool:
        return bool(self.entries)

    def update_state(
        self, masked: Mapping[str, Masked], predictions: Mapping[str, tf.Tensor]
    ) -> None:
        for _, task, metric, weighted in self.entries:
            y, weight, present = masked[task]
            weight = weight if weighted else present
            y_pred = tf.cast(predictions[task], tf.float32)
            if weight.shape.rank > 1 and not getattr(metric, "multi_label", False):
                y, y_pred, weight = (tf.reshape(t, (-1, 1)) for t in (y, y_pred, weight))
                weight = weight[:, 0]
            metric.update_state(y, y_pred, sample_weight=weight)

    def result(self) -> dict[str, tf.Tensor]:
        return {name: metric.result() for name, _, metric, _ in self.entries}

    def reset_state(self) -> None:
        for _, _, metric, _ in self.entries:
            metric.reset_state()


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _resolve(identifier: Any, task: str, loss: TaskLoss, width: int | None) -> keras.metrics.Metric:
    """A Keras metric; `"accuracy"` and `"crossentropy"` become the kind that fits the loss."""
    if identifier in ("accuracy", "acc", "crossentropy", "ce"):
        suffix = "accuracy" if identifier in ("accuracy", "acc") else "crossentropy"
        kind = "Binary" if width == 1 or "binary" in loss.name else "Categorical"
        kind = "SparseCategorical" if loss.sparse else kind
        cls = getattr(keras.metrics, kind + suffix.capitalize())
        return cls(name=suffix)
    try:
        metric = keras.metrics.get(identifier)
    except ValueError as error:
        names = [name for name in dir(keras.metrics) if name[0].isalpha()]
        raise ConfigError(
            f"Unknown metric {identifier!r} for output {task!r}.{nearest(str(identifier), names)} "
            "Expected the name of a Keras metric, a `keras.metrics.Metric` or a function."
        ) from error
    if not isinstance(metric, keras.metrics.Metric):
        return keras.metrics.MeanMetricWrapper(metric, name=_metric_name(identifier))
    metric.name = _metric_name(identifier)
    return metric


def _metric_name(identifier: Any) -> str:
    """The name to log a metric under: as the user wrote it, without Keras's running number."""
    if isinstance(identifier, str):
        return identifier.lower()
    if isinstance(identifier, keras.metrics.Metric):
        return re.sub(r"_\d+$", "", identifier.name)
    if isinstance(identifier, dict):
        return _metric_name(keras.metrics.get(identifier))
    return getattr(identifier, "__name__", type(identifier).__name__)
