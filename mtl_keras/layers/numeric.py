"""Raw numbers to network inputs."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtl_keras")
class NumericEncoding(keras.layers.Layer):
    r"""A number centred, scaled and clipped; missing (NaN) becomes 0, which is the centre.

    **Shape:** `(rows,)` to `{"numeric": (rows, 1)}`, and `{"binary": (rows, 1)}` beside it, 1 where
    missing, if `indicator`.

    Args:
        center: Float, subtracted after the transform.
        scale: Float > 0, divided by after the centring.
        transform: `"none"` or `"log1p"`, the signed logarithm `sign(x) log(1 + |x|)`.
        indicator: Bool, whether to say which values were missing.
        limit: Float, encoded values are clipped to `[-limit, limit]`: an outlier at serving time
            cannot throw the network out of all it has seen.
        smooth: Bool, whether they are bent instead, $x / \sqrt{1 + (x / \mathrm{limit})^2}$.
        knots: Values whose rank among the training values is known, ascending; with them the
            number is replaced by the normal score of its rank, linear between knots. Default none.
        ranks: The rank of each knot, between 0 and 1. Default none.

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
        smooth: bool = False,
        knots: Sequence[float] | None = None,
        ranks: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.transform = center, scale, transform
        self.indicator, self.limit, self.smooth = indicator, limit, smooth
        self.knots = None if knots is None else tuple(knots)
        self.ranks = None if ranks is None else tuple(ranks)

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        values = tf.cast(values, tf.float32)[:, tf.newaxis]
        missing = tf.math.is_nan(values)
        if self.knots is not None:
            encoded = self._normal_score(tf.where(missing, 0.0, values))
        else:
            if self.transform == "log1p":
                values = tf.sign(values) * tf.math.log1p(tf.abs(values))
            encoded = (values - self.center) / self.scale
        if self.smooth:
            encoded = encoded * tf.math.rsqrt(1 + (encoded / self.limit) ** 2)
        else:
            encoded = tf.clip_by_value(encoded, -self.limit, self.limit)
        groups = {"numeric": tf.where(missing, 0.0, encoded)}
        if self.indicator:
            groups["binary"] = tf.cast(missing, tf.float32)
        return groups

    def _normal_score(self, values: tf.Tensor) -> tf.Tensor:
        knots, ranks = tf.constant(self.knots), tf.constant(self.ranks)
        at = tf.searchsorted(knots, values[:, 0], side="right")[:, tf.newaxis]
        above = tf.clip_by_value(at, 1, knots.shape[0] - 1)
        low, high = tf.gather(knots, above - 1), tf.gather(knots, above)
        part = tf.clip_by_value((values - low) / (high - low), 0.0, 1.0)
        rank = tf.gather(ranks, above - 1) * (1 - part) + tf.gather(ranks, above) * part
        return tf.math.ndtri(tf.clip_by_value(rank, 1e-6, 1 - 1e-6))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "center": self.center,
            "scale": self.scale,
            "transform": self.transform,
            "indicator": self.indicator,
            "limit": self.limit,
            "smooth": self.smooth,
            "knots": None if self.knots is None else list(self.knots),
            "ranks": None if self.ranks is None else list(self.ranks),
        }
