"""The backward pass of a balanced step: per-task gradients in, one gradient per variable out."""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers import Balancer
from mtl_keras.balancers.gradient import Solved
from mtl_keras.balancers.tracker import Gradients, record
from mtl_keras.model.partition import Partition

# A variable's gradients are stacked to find their inner products, which is fast and takes a copy of
# them; beyond so many elements the copy would weigh more than the speed.
LARGE = 2**18


class Forward(NamedTuple):
    """What the forward pass left behind.

    Attributes:
        tape: A persistent tape that saw it.
        losses: Per task its share of the mean loss: on one device the mean loss itself; on several
            replicas these shares add up to it.
        means: Mean losses over all replicas, `(tasks,)`.
        present: Whether a task has a label on any replica, `(tasks,)`.
        extra: Added losses (regularisation), or None.
        boundary: Values of the tensors of `Partition.boundary`.
        scale: Factor that the losses on the tape were multiplied by (mixed precision), or None.
        replicas: How many replicas add up their gradients.
    """

    tape: tf.GradientTape
    losses: list[tf.Tensor]
    means: tf.Tensor
    present: tf.Tensor
    extra: tf.Tensor | None
    boundary: list[tf.Tensor]
    scale: tf.Tensor | None
    replicas: int


def over_replicas(values: tf.Tensor, replicas: int) -> tf.Tensor:
    """The sum of one tensor over all replicas."""
    if replicas == 1:
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def balanced(
    balancer: Balancer, forward: Forward, partition: Partition, variables: list[keras.Variable]
) -> tuple[list[tf.Tensor], Solved]:
    """Gradients of all trainable variables, and what the balancer decided.

    Shared variables get the balanced gradient; own ones their own task's gradient with the weights
    of `Balancer.own_weights`; added losses are on top of both.
    """
    every = balancer.update_every
    if every == 1:
        return _fresh(balancer, forward, partition, variables)
    step = tf.convert_to_tensor(balancer.step.value)
    due = tf.equal(step % every, 0)

    def fresh() -> tuple[list[tf.Tensor], tuple]:
        gradients, solved = _fresh(balancer, forward, partition, variables)
        balancer.kept_weights.assign(solved.weights)
        balancer.kept_own.assign(solved.own)
        return gradients, tuple(solved)

    def kept() -> tuple[list[tf.Tensor], tuple]:
        weights = tf.convert_to_tensor(balancer.kept_weights.value)
        own = tf.convert_to_tensor(balancer.kept_own.value)
        found = weighted(forward, partition, variables, weights, own)
        gradients = [tf.convert_to_tensor(g) for g in found]  # dense, as in the other branch
        tasks = len(forward.losses)
        used = tf.zeros([tasks], tf.bool)
        none = Gradients(
            tf.zeros([tasks]), tf.zeros([tasks, tasks]), used, tf.zeros([]), tf.zeros([])
        )
        return gradients, (weights, own, used, record(weights, forward.present, none))

    balancer.step.assign_add(1.0)
    gradients, solved = tf.cond(due, fresh, kept)
    return gradients, Solved(*solved)


def weighted(
    forward: Forward,
    partition: Partition,
    variables: list[keras.Variable],
    weights: tf.Tensor,
    own: tf.Tensor | None = None,
) -> list[tf.Tensor]:
    """Gradients of the weighted sum of the losses; other weights, perhaps, for own variables."""

    if own is None:
        return _complete(variables, _of_sum(forward, weights, variables))
    mine = {id(v) for own_variables in partition.own for v in own_variables}
    gradients = _of_sum(forward, weights, [v for v in variables if id(v) not in mine])
    gradients |= _of_sum(forward, own, [v for v in variables if id(v) in mine])
    return _complete(variables, gradients)


def _of_sum(
    forward: Forward, weights: tf.Tensor, variables: list[keras.Variable]
) -> dict[int, tf.Tensor]:
    """Gradients of the weighted sum of the losses and of the added losses, by variable."""
    if not variables:
        return {}
    # Weights enter as the gradient of each loss: nothing has to be put on the tape.
    targets, seeds = list(forward.losses), tf.unstack(weights)
    if forward.extra is not None:
        targets, seeds = [*targets, forward.extra], [*seeds, tf.ones([])]
    seeds = [tf.cast(seed, target.dtype) for seed, target in zip(seeds, targets)]
    found = forward.tape.gradient(targets, [v.value for v in variables], output_gradients=seeds)
    return {id(v): g for v, g in zip(variables, found) if g is not None}


def _fresh(
    balancer: Balancer, forward: Forward, partition: Partition, variables: list[keras.Variable]
) -> tuple[list[tf.Tensor], Solved]:
    mode = balancer.gradients
    shared = partition.shared
    if mode == "parameters":
        measured = [v.value for v in shared]
        further: list[tf.Tensor] = []
    elif mode == "last_layer":
        measured = [v.value for v in partition.last]
        further = [*forward.boundary, *(v.value for v in partition.late)]
    else:
        measured = list(forward.boundary)
        further = [v.value for v in partition.late]

    # K backward passes, each to what is measured and to the task's own variables.
    rows: list[list[tf.Tensor]] = []
    others: list[list[tf.Tensor]] = []
    gradients: dict[int, tf.Tensor] = {}
    for loss, own in zip(forward.losses, partition.own):
        sources = [*measured, *further, *(v.value for v in own)]
        found = forward.tape.gradient(loss, sources) if sources else []
        dense = [_dense(g, source) for g, source in zip(found, sources)]
        rows.append(dense[: len(measured)])
        others.append(dense[len(measured) : len(measured) + len(further)])
        gradients |= {id(v): g for v, g in zip(own, dense[len(measured) + len(further) :])}

    if forward.replicas > 1 and mode != "representation" and measured:
        rows = _summed_over_replicas(rows, forward.replicas)
    if balancer.needs == "jacobian":
        flat = tf.stack([_flat(row) for row in rows])
        if forward.scale is not None:
            flat = flat / forward.scale
        direction, solved = balancer.solve(flat, forward.means, forward.present)
        if forward.scale is not None:
            direction = direction * forward.scale
        sizes = [int(np.prod(v.shape)) for v in shared]
        for v, part in zip(shared, tf.split(direction / forward.replicas, sizes)):
            gradients[id(v)] = tf.reshape(part, v.shape)
    else:
        solved = balancer.solve(_gramian(rows, forward, mode), forward.means, forward.present)
        if mode == "parameters":
            for n, v in enumerate(shared):
                gradients[id(v)] = _mixed([row[n] for row in rows], solved) / forward.replicas
        elif partition.nested:  # seeds at the boundary would count the inner part twice
            gradients |= _of_sum(forward._replace(extra=None), solved.weights, shared)
        else:
            at_boundary = mode == "representation"
            gradients |= _through_boundary(
                forward, partition, solved, rows if at_boundary else None, others
            )

    for own_variables, weight in zip(partition.own, tf.unstack(solved.own)):
        for v in own_variables:
            gradient = gradients[id(v)]
            gradients[id(v)] = tf.math.multiply_no_nan(gradient, tf.cast(weight, gradient.dtype))
    if forward.extra is not None:
        added = forward.tape.gradient(forward.extra, [v.value for v in variables])
        for v, gradient in zip(variables, added):
            gradients[id(v)] = _sum(gradient, gradients.get(id(v)))
    return _complete(variables, gradients), solved


def _gramian(rows: list[list[tf.Tensor]], forward: Forward, mode: str) -> tf.Tensor:
    """Inner products of the tasks' gradients, `(tasks, tasks)`."""
    tasks = len(rows)
    gramian = tf.add_n([_products(parts) for parts in zip(*rows)] or [tf.zeros([tasks, tasks])])
    if forward.scale is not None:
        gramian = gramian / forward.scale / forward.scale
    if mode == "representation":  # each replica has rows of its own
        gramian = over_replicas(gramian, forward.replicas)
    return gramian


def _products(parts: tuple[tf.Tensor, ...]) -> tf.Tensor:
    """Inner products of the tasks' gradients of one variable."""
    size = parts[0].shape.num_elements()
    if size is None or size <= LARGE:
        stack = tf.stack([tf.reshape(part, [-1]) for part in parts])
        return tf.cast(tf.matmul(stack, stack, transpose_b=True), tf.float32)
    flat = [tf.reshape(part, [1, -1]) for part in parts]
    upper = {
        (i, j): tf.cast(tf.matmul(flat[i], flat[j], transpose_b=True)[0, 0], tf.float32)
        for i in range(len(parts))
        for j in range(i, len(parts))
    }
    return tf.stack(
        [[upper[min(i, j), max(i, j)] for j in range(len(parts))] for i in range(len(parts))]
    )


def _mixed(parts: list[tf.Tensor], solved: Solved) -> tf.Tensor:
    """The weighted sum of the tasks' gradients; one of weight 0 may be infinite."""
    weights = tf.unstack(solved.weights)
    return tf.add_n(
        [tf.math.multiply_no_nan(p, tf.cast(w, p.dtype)) for p, w in zip(parts, weights)]
    )


def _flat(row: list[tf.Tensor]) -> tf.Tensor:
    return tf.concat([tf.cast(tf.reshape(part, [-1]), tf.float32) for part in row], axis=0)


def _summed_over_replicas(rows: list[list[tf.Tensor]], replicas: int) -> list[list[tf.Tensor]]:
    """All gradients summed over the replicas, as one tensor."""
    whole = over_replicas(tf.stack([_flat(row) for row in rows]), replicas)
    sizes = [part.shape.num_elements() for part in rows[0]]
    return [
        [
            tf.cast(tf.reshape(part, like.shape), like.dtype)
            for part, like in zip(tf.split(flat, sizes), row)
        ]
        for flat, row in zip(tf.unstack(whole), rows)
    ]


def _through_boundary(
    forward: Forward,
    partition: Partition,
    solved: Solved,
    rows: list[list[tf.Tensor]] | None,
    others: list[list[tf.Tensor]],
) -> dict[int, tf.Tensor]:
    """Gradients of the shared variables: one backward pass from the boundary on."""
    count = len(forward.boundary)
    if rows is None:
        rows = [other[:count] for other in others]
        others = [other[count:] for other in others]
    seeds = [_mixed([row[n] for row in rows], solved) for n in range(count)]
    shared = [v.value for v in partition.shared]
    found = forward.tape.gradient(forward.boundary, shared, output_gradients=seeds)
    gradients = {id(v): g for v, g in zip(partition.shared, found) if g is not None}
    for n, v in enumerate(partition.late):
        again = _mixed([other[n] for other in others], solved)
        gradients[id(v)] = again + gradients[id(v)] if id(v) in gradients else again
    return gradients


def _complete(variables: list[keras.Variable], gradients: dict[int, tf.Tensor]) -> list[tf.Tensor]:
    """Gradients in the order of the variables; zeros where there is none."""
    found = [gradients.get(id(v)) for v in variables]
    return [tf.zeros_like(v.value) if g is None else g for v, g in zip(variables, found)]


def _sum(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return tf.convert_to_tensor(a) + tf.convert_to_tensor(b)


def _dense(gradient: Any, source: tf.Tensor) -> tf.Tensor:
    return tf.zeros_like(source) if gradient is None else tf.convert_to_tensor(gradient)
