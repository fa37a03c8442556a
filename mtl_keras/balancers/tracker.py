"""What a balancer did in an epoch: weights, gradient norms, cosines, conflicts, failures."""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf


class GradientFacts(NamedTuple):
    """What a gradient-based balancer measured in one step.

    Attributes:
        norms: Norms of the tasks' gradients, `(tasks,)`; 0 where not used.
        cosines: Cosines between them, `(tasks, tasks)`; 0 where one is not used.
        used: Whether the task took part: present, its gradient finite and not zero, `(tasks,)`.
        failed: 1 where the method found no finite weights and equal ones were used, else 0.
        residual: How far the weights are from the method's own condition; 0 if it has none.
    """

    norms: tf.Tensor
    cosines: tf.Tensor
    used: tf.Tensor
    failed: tf.Tensor
    residual: tf.Tensor


def step_record(
    weights: tf.Tensor, present: tf.Tensor, gradients: GradientFacts | None = None
) -> tf.Tensor:
    """One step as a vector of summands, for `BalanceTracker.update_state`."""
    counted = tf.cast(present, tf.float32)
    dropped = tf.cast(present & (weights == 0), tf.float32)
    parts = [tf.math.multiply_no_nan(weights, counted), counted, dropped]
    if gradients is not None:
        used = tf.cast(gradients.used, tf.float32)
        cosines = tf.cast(gradients.cosines, tf.float32)
        any_used = tf.reduce_max(used)
        conflict = tf.cast(tf.reduce_any(cosines < 0), tf.float32)
        parts += [
            tf.cast(gradients.norms, tf.float32) * used,
            used,
            tf.reshape(cosines, [-1]),
            tf.reshape(used[:, None] * used, [-1]),
            tf.stack(
                [conflict, any_used, gradients.failed, tf.cast(gradients.residual, tf.float32)]
            ),
        ]
    return tf.concat(parts, axis=0)


class BalanceTracker(keras.metrics.Metric):
    """Sums of `step_record` over an epoch.

    Args:
        tasks: Names of the tasks.
        gradients: Whether the balancer looks at gradients.
        drops: Whether it drops tasks.
    """

    def __init__(self, tasks: list[str], gradients: bool, drops: bool) -> None:
        super().__init__(name="balance")
        self.tasks, self.gradients, self.drops = tasks, gradients, drops
        count = len(tasks)
        self.size = 3 * count + (2 * count + 2 * count**2 + 4 if gradients else 0)
        self.sums = self.add_variable((self.size,), "zeros", name="sums")

    def update_state(self, steps: tf.Tensor) -> None:
        """Add steps, `(steps, size)`, each row made by `step_record`."""
        self.sums.assign_add(tf.reduce_sum(steps, axis=0))

    def result(self) -> dict[str, Any]:
        """Means over the epoch's steps.

        Returns:
            A dict: `weights`, a list per task (NaN for a task never present); `dropped`, the share
            of steps in which it was present and had weight 0; and for a gradient-based balancer
            `gradient_norms`, `cosines` (a list of rows), `conflict` (share of steps in which two
            gradients had a negative cosine), `failures` (number of steps) and `residual`.
        """
        sums, count = self.sums.numpy().astype(float), len(self.tasks)
        weights, present, dropped = np.split(sums[: 3 * count], 3)
        with np.errstate(all="ignore"):
            means: dict[str, Any] = {
                "weights": (weights / present).tolist(),
                "dropped": (dropped / present).tolist(),
            }
            if self.gradients:
                rest = sums[3 * count :]
                norms, used = np.split(rest[: 2 * count], 2)
                cosines, pairs = np.split(rest[2 * count : -4], 2)
                conflict, any_used, failed, residual = rest[-4:]
                means |= {
                    "gradient_norms": (norms / used).tolist(),
                    "cosines": (cosines / pairs).reshape(count, count).tolist(),
                    "conflict": float(conflict / any_used),
                    "failures": int(failed),
                    "residual": float(residual / any_used) if any_used else float("nan"),
                }
        return means

    def logs(self, means: dict[str, Any]) -> dict[str, float]:
        """The numbers of a result under their names in the training logs."""
        logs = {f"{t}_weight": weight for t, weight in zip(self.tasks, means["weights"])}
        if self.drops:
            logs |= {f"{t}_dropped": share for t, share in zip(self.tasks, means["dropped"])}
        if self.gradients:
            norms = zip(self.tasks, means["gradient_norms"])
            logs |= {f"{t}_gradient_norm": norm for t, norm in norms}
            logs |= {
                "conflict": means["conflict"],
                "balancer_failures": float(means["failures"]),
                "balancer_residual": means["residual"],
            }
        return logs
