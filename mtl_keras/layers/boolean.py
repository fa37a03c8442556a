"""Raw yes/no values to network inputs."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtl_keras")
class BooleanEncoding(keras.layers.Layer):
    """Yes as 1, no as -1; missing or any other value as 0, with an indicator of it.

    **Shape:** `(rows,)` to `{"binary": (rows, 2)}`: the value, and 1 where it is neither.

    Args:
        values: The raw values of no and of yes: two strings or two numbers.

    Example:

    >>> BooleanEncoding(["no", "yes"])(tf.constant(["yes", "no", ""]))["binary"].numpy().tolist()
    [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, values: Sequence[str] | Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.values = tuple(values)

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        no = tf.cast(tf.equal(values, tf.constant(self.values[0], values.dtype)), tf.float32)
        yes = tf.cast(tf.equal(values, tf.constant(self.values[1], values.dtype)), tf.float32)
        return {"binary": tf.stack([yes - no, 1.0 - yes - no], axis=1)}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "values": list(self.values)}
