"""Ascending numbers from unconstrained ones."""

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.layers.mixins import FullPrecision, SameShape


@keras.saving.register_keras_serializable("mtl_keras")
class Ascending(SameShape, FullPrecision):
    """Keeps the first number; each further output is the previous one plus a softplus.

    **Shape:** `(rows, ..., n)` to the same.

    Example:

    >>> Ascending()(tf.constant([[1.0, -50.0]])).numpy().tolist()
    [[1.0, 1.0]]
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        steps = keras.ops.softplus(x[..., 1:])
        return keras.ops.cumsum(keras.ops.concatenate([x[..., :1], steps], axis=-1), axis=-1)


def ascending_steps(values: np.ndarray) -> np.ndarray:
    """The inputs, after the first, for which `Ascending` returns these values, at least 1e-3 apart.

    Example:

    >>> Ascending()(np.append([2.0], ascending_steps(np.array([2.0, 5.0])))).numpy().round(4)
    array([2., 5.], dtype=float32)
    """
    return np.log(np.expm1(np.maximum(np.diff(values), 1e-3)))  # softplus undone
