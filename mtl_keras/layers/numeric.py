"""Raw numbers to network inputs."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtl_keras")
class NumericEncoding(keras.layers.Layer):
    """A number centred, scaled and clipped; missing (NaN) becomes 0, which is the centre.

    **Shape:** `(rows,)` to `{"numeric": (rows, 1)}`, and `{"binary": (rows, 1)}` beside it, 1 where
    missing, if `indicator`.

    Args:
        center: Float, subtracted after the transform.
        scale: Float > 0, divided by after the centring.
        transform: `"none"` or `"log1p"`, the signed logarithm `sign(x) log(1 + |x|)`.
        indicator: Bool, whether to say which values were missing.
        limit: Float, encoded values are clipped to `[-limit, limit]`: an outlier at serving time
            cannot throw the network out of all it has seen.

    Example:

    >>> layer = NumericEncoding(center=10.0, scale=5.0, indicator=True)
    >>> {group: t.numpy().tolist() for group, t in layer(tf.constant([20.0, float("nan")])).items()}
    {'numeric': [[2.0], [0.0]], 'binary': [[0.0], [1.0]]}
    """

    def __init__(
        self,
        center: float = 0.0,
        scale: float = 1.0,
        transform: str = "none",
        indicator: bool = False,
        limit: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.transform = center, scale, transform
        self.indicator, self.limit = indicator, limit

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        values = tf.cast(values, tf.float32)[:, tf.newaxis]
        missing = tf.math.is_nan(values)
        if self.transform == "log1p":
            values = tf.sign(values) * tf.math.log1p(tf.abs(values))
        encoded = tf.clip_by_value((values - self.center) / self.scale, -self.limit, self.limit)
        groups = {"numeric": tf.where(missing, 0.0, encoded)}
        if self.indicator:
            groups["binary"] = tf.cast(missing, tf.float32)
        return groups

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "center": self.center,
            "scale": self.scale,
            "transform": self.transform,
            "indicator": self.indicator,
            "limit": self.limit,
        }
