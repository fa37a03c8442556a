"""Values that stand for a missing one, in the exported model."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.datasets import placeholders
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision


@keras.saving.register_keras_serializable("mtl_keras")
class MissingValues(ArgumentsAsConfig, FullPrecision):
    """Replaces texts and numbers that stand for a missing value by an empty string or NaN.

    **Shape:** strings or float `(rows, ...)` to the same shape and type.

    Args:
        values: The texts and numbers.

    Example:

    >>> layer = MissingValues(["?", 999])
    >>> layer(tf.constant(["a", "?"])).numpy().tolist(), layer(tf.constant([31.0, 999.0])).numpy()
    ([b'a', b''], array([31., nan], dtype=float32))
    """

    def __init__(self, values: Sequence[placeholders.Value], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.values = tuple(values)

    def call(self, cells: tf.Tensor) -> tf.Tensor:
        if cells.dtype == tf.string:
            values, nothing = tf.constant(placeholders.texts_of(self.values)), tf.constant("")
        else:
            values = tf.constant(placeholders.numbers_of(self.values), cells.dtype)
            nothing = tf.constant(np.nan, cells.dtype)
        return tf.where(tf.reduce_any(cells[..., tf.newaxis] == values, axis=-1), nothing, cells)
