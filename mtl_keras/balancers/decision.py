"""What a balancer sees in a step, and what it decides."""

from typing import NamedTuple

import tensorflow as tf


class Measured(NamedTuple):
    """What was measured on one batch, the input of a balancer's decision.

    Attributes:
        losses: Mean loss of each task over its present labels, float `(tasks,)`; 0 where the task
            has no label in the batch.
        gramian: Inner products of the tasks' gradients, `(tasks, tasks)`; for a balancer that
            needs it.
        jacobian: The tasks' gradients with respect to the shared parameters, float32 `(tasks, n)`;
            likewise.
        halves: Inner products of the tasks' gradients on the first half of the batch with those on
            the second, `(tasks, tasks)`; 0 for a task with labels in one half only; likewise.
    """

    losses: tf.Tensor
    gramian: tf.Tensor | None = None
    jacobian: tf.Tensor | None = None
    halves: tf.Tensor | None = None


class Decision(NamedTuple):
    """How much each task counts in one step.

    Attributes:
        weights: Weight of each task's gradient in the shared update, `(tasks,)`.
        own_weights: Weight of each task's gradient for its own parameters, `(tasks,)`; None where
            they equal `weights`.
        record: The step as a vector of sums, for the `BalanceTracker`.
        direction: The gradient for the shared parameters, `(n,)`, from a balancer that combines the
            gradients itself; else None.
    """

    weights: tf.Tensor
    own_weights: tf.Tensor | None
    record: tf.Tensor
    direction: tf.Tensor | None = None
