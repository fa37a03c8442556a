"""The results of the forward pass of a step."""

from typing import Any, NamedTuple

import tensorflow as tf


class Inside(NamedTuple):
    """The results of one call of the network.

    Attributes:
        predictions: Outputs by task.
        members: Outputs of the ensemble members, for tasks that have them.
        boundary: Values of the tensors of `Partition.boundary`, if needed.
    """

    predictions: dict[str, Any]
    members: dict[str, Any]
    boundary: list[Any]


class Sums(NamedTuple):
    """Losses of one batch, as sums that add up over batches.

    Attributes:
        losses: For each task, the sum of weighted losses.
        divisors: For each task, what its sum is divided by: the number of labels, or their weight.
        weights: For each task, the sum of weights; a task without any takes no part in the step.
        extra: Added losses (regularisation).
    """

    losses: tuple[tf.Tensor, ...]
    divisors: tuple[tf.Tensor, ...]
    weights: tuple[tf.Tensor, ...]
    extra: tf.Tensor


class Half(NamedTuple):
    """The tasks' losses on the first half of a batch, the rows with an even number.

    Attributes:
        losses: For each task, the part of `Forward.losses` that these rows make up.
        totals: Their divisors over all replicas, `(tasks,)`.
    """

    losses: list[tf.Tensor]
    totals: tf.Tensor


class Forward(NamedTuple):
    """The results of the forward pass.

    Attributes:
        tape: The persistent tape that recorded it.
        predictions: Outputs by task.
        boundary: Values of the tensors of `Partition.boundary`, where they are asked for.
        sums: Losses and divisors of this replica's rows.
        totals: Divisors over all replicas, `(tasks,)`.
        means: Mean losses over all replicas, `(tasks,)`.
        present: Whether a task has a label of weight > 0 on any replica, `(tasks,)`.
        losses: For each task, the loss to differentiate: its mean loss; on several replicas, this
            replica's share of it.
        added: Added losses (regularisation), likewise; None if there are none.
        scale: Factor that `losses` and `added` were multiplied by (mixed precision), or None.
        replicas: Number of replicas whose gradients are summed.
        half: The losses of half the batch, for a balancer that needs them; else None.
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
    half: Half | None = None


def over_replicas(values: Any, replicas: int) -> Any:
    """The sum of a tensor, or of each tensor of a nest, over all replicas."""
    if replicas == 1:
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)
