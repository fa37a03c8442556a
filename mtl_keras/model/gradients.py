"""Arithmetic on the tasks' gradients: sums, weighted sums and inner products."""

from collections.abc import Collection, Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.model.forward import Forward

ByVariable = dict[int, tf.Tensor]  # gradients by their variable's `id`

# The tasks' gradients of a variable are stacked to compute their inner products, which is fast but
# copies them; above this number of elements, the copy costs more than the speed is worth.
LARGE = 2**18


def of_sum(forward: Forward, weights: tf.Tensor, variables: Sequence[keras.Variable]) -> ByVariable:
    """Gradients of the weighted sum of the losses and of the added losses, by variable."""
    if not variables:
        return {}
    # Weights enter as output gradients of the losses, so nothing has to be recorded on the tape.
    losses, seeds = list(forward.losses), tf.unstack(weights)
    if forward.added is not None:
        losses, seeds = [*losses, forward.added], [*seeds, tf.ones([])]
    seeds = [tf.cast(seed, loss.dtype) for seed, loss in zip(seeds, losses)]
    gradients = forward.tape.gradient(losses, [v.value for v in variables], output_gradients=seeds)
    return {id(v): g for v, g in zip(variables, gradients) if g is not None}


def mixed(gradients: Sequence[tf.Tensor], weights: tf.Tensor) -> tf.Tensor:
    """The weighted sum of the tasks' gradients; a gradient of weight 0 may be infinite."""
    parts = zip(gradients, tf.unstack(weights))
    return tf.add_n([weighted(gradient, weight) for gradient, weight in parts])


def weighted(gradient: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """A gradient times a weight; 0 if the weight is 0, even if the gradient is not finite."""
    return tf.math.multiply_no_nan(gradient, tf.cast(weight, gradient.dtype))


def gramian(rows: Sequence[Sequence[tf.Tensor]], scale: tf.Tensor | None) -> tf.Tensor:
    """Inner products of the tasks' gradients, `(tasks, tasks)`.

    Args:
        rows: For each task, its gradients of several tensors.
        scale: Factor of the losses to divide out again, or None.
    """
    tasks = len(rows)
    products = tf.add_n([_products(parts) for parts in zip(*rows)] or [tf.zeros([tasks, tasks])])
    return products if scale is None else products / scale / scale


def row(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Gradients of several tensors as one float32 vector."""
    flat = [tf.cast(tf.reshape(part, [-1]), tf.float32) for part in gradients]
    return tf.concat(flat or [tf.zeros([0])], axis=0)


def dense(gradient: Any, source: tf.Tensor) -> tf.Tensor:
    """A gradient as a dense tensor: zeros for None, and no `IndexedSlices`."""
    return tf.zeros_like(source) if gradient is None else tf.convert_to_tensor(gradient)


def total(one: Any, other: Any) -> Any:
    """The sum of two gradients, each of which may be None."""
    if one is None or other is None:
        return other if one is None else one
    return tf.convert_to_tensor(one) + tf.convert_to_tensor(other)


def complete(
    variables: Sequence[keras.Variable], gradients: ByVariable, reached: Collection[int] = ()
) -> list[Any]:
    """Gradients in the order of the variables.

    Where there is none, they are zeros for the variables in `reached` (their `id`s), and None for
    the others, which an optimizer then leaves as they are. With zeros, they would decay.
    """
    in_order = [(v, gradients.get(id(v))) for v in variables]
    return [tf.zeros_like(v.value) if g is None and id(v) in reached else g for v, g in in_order]


def _products(parts: Sequence[tf.Tensor]) -> tf.Tensor:
    """Inner products of the tasks' gradients of one variable or tensor.

    At the boundary, gradients have half precision under a mixed policy: their products would
    exceed its range, or lose most of their digits.
    """
    if parts[0].dtype.size < 4:
        parts = [tf.cast(part, tf.float32) for part in parts]
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
