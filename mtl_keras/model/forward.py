"""What the forward pass of a step leaves behind."""

from typing import Any, NamedTuple

import tensorflow as tf


class Inside(NamedTuple):
    """What one call of the network gave.

    Attributes:
        predictions: Outputs by task.
        members: Outputs of the members of an ensemble, for the tasks that have one.
        boundary: Values of the tensors of `Partition.boundary`, where they are asked for.
    """

    predictions: dict[str, Any]
    members: dict[str, Any]
    boundary: list[Any]


class Sums(NamedTuple):
    """Losses of one batch, to be added up over batches.

    Attributes:
        losses: Per task the sum of weighted losses.
        weights: Per task the sum of weights.
        extra: Added losses (regularisation).
    """

    losses: tuple[tf.Tensor, ...]
    weights: tuple[tf.Tensor, ...]
    extra: tf.Tensor


class Forward(NamedTuple):
    """What the forward pass left behind.

    Attributes:
        tape: A persistent tape that saw it.
        predictions: Outputs by task.
        boundary: Values of the tensors of `Partition.boundary`, where they are asked for.
        sums: Losses and weights of this replica's rows.
        totals: Sums of weights over all replicas, `(tasks,)`.
        means: Mean losses over all replicas, `(tasks,)`.
        present: Whether a task has a label on any replica, `(tasks,)`.
        losses: Per task what gradients are taken of. On one device that is its mean loss; on
            several replicas its share of it, and the shares add up.
        added: Added losses (regularisation), likewise; None where there are none.
        scale: Factor that `losses` and `added` were multiplied by (mixed precision), or None.
        replicas: How many replicas add up their gradients.
    """

    tape: tf.GradientTape
    predictions: dict[str, tf.Tensor]
    boundary: list[tf.Tensor]
    sums: Sums
    totals: tf.Tensor
    means: tf.Tensor
    present: tf.Tensor
    losses: list[tf.Tensor]
    added: tf.Tensor | None
    scale: tf.Tensor | None
    replicas: int


def over_replicas(values: tf.Tensor, replicas: int) -> tf.Tensor:
    """The sum of one tensor over all replicas."""
    if replicas == 1:
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)
