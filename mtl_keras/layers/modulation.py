"""Layers that select numbers of a vector, or strengthen and weaken them."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.layers.mixins import ArgumentsAsConfig, SameShape


@keras.saving.register_keras_serializable("mtl_keras")
class Modulation(SameShape, keras.layers.Layer):
    r"""$x \odot 2\sigma(g)$: each number between zero and twice itself, unchanged where g is 0.

    **Shape:** two `(rows, ..., n)`, x and g, to the same.

    Example:

    >>> Modulation()(tf.constant([[3.0, 3.0]]), tf.constant([[0.0, 99.0]])).numpy().tolist()
    [[3.0, 6.0]]
    """

    def build(self, *shapes: Any) -> None:
        """Does nothing: the layer has no variables."""

    def call(self, x: tf.Tensor, gate: tf.Tensor) -> tf.Tensor:
        return x * (2.0 * keras.ops.sigmoid(gate))


@keras.saving.register_keras_serializable("mtl_keras")
class Select(ArgumentsAsConfig, keras.layers.Layer):
    """Selects some elements of each vector.

    **Shape:** `(rows, ..., n)` to `(rows, ..., len(indices))`.

    Args:
        indices: Integers, positions along the last axis.

    Example:

    >>> Select([2, 0])(tf.constant([[1.0, 2.0, 3.0]])).numpy().tolist()
    [[3.0, 1.0]]
    """

    def __init__(self, indices: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.indices = tuple(indices)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return keras.ops.take(x, keras.ops.array(self.indices, "int32"), axis=-1)

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*x.shape[:-1], len(self.indices)), dtype=x.dtype)
