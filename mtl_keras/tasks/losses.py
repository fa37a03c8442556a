"""Losses of kinds of tasks that Keras has none for."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.layers.heads import SMALLEST_SIGMA


@keras.saving.register_keras_serializable("mtl_keras")
class PoissonDeviance(keras.losses.Loss):
    r"""Half the Poisson deviance, $y \log(y / \hat y) - y + \hat y$.

    Its gradient is that of the Poisson likelihood (`keras.losses.Poisson`), but it is 0 for a
    perfect prediction and never negative, so that balancers may take its logarithm.

    Example:

    >>> loss = PoissonDeviance()
    >>> float(loss(tf.constant([[0.0], [2.0]]), tf.constant([[1.0], [2.0]])))
    0.5
    """

    elementwise = True

    def __init__(self, name: str = "poisson_deviance", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        y_pred = tf.maximum(y_pred, 1e-7)
        ratio = tf.math.xlogy(y_true, y_true) - tf.math.xlogy(y_true, y_pred)
        return tf.reduce_mean(ratio - y_true + y_pred, axis=-1)


@keras.saving.register_keras_serializable("mtl_keras")
class Pinball(keras.losses.Loss):
    r"""The mean over levels q of $\max(q (y - \hat y_q), (q - 1)(y - \hat y_q))$.

    Args:
        levels: Probabilities, one per column of the prediction. Labels have one column.

    Example:

    >>> loss = Pinball([0.1, 0.9])
    >>> round(float(loss(tf.constant([[1.0]]), tf.constant([[0.0, 2.0]]))), 4)
    0.1
    """

    narrow_labels = True

    def __init__(self, levels: Sequence[float], name: str = "pinball", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.levels = tuple(levels)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        error = y_true - y_pred
        levels = tf.constant(self.levels, error.dtype)
        return tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": list(self.levels)}


@keras.saving.register_keras_serializable("mtl_keras")
class ZeroInflatedLogNormalLoss(keras.losses.Loss):
    r"""Negative log likelihood of a quantity that is 0, or log-normal.

    $-\log(1 - p)$ for a zero; else $-\log p + \log \sigma + \tfrac12 ((z - \mu) / \sigma)^2 + C$
    with $z = (\log y - c) / s$. C is such that the smallest $\sigma$ at a perfect $\mu$ costs
    nothing, so the loss is never negative and balancers may take its logarithm.

    Args:
        center: Float, c. Default 0.0.
        scale: Float > 0, s. Default 1.0.

    Predictions have the columns of `layers.ZeroInflatedLogNormalParameters`, labels one column.

    Example:

    >>> loss = ZeroInflatedLogNormalLoss()
    >>> round(float(loss(tf.constant([[0.0]]), tf.constant([[0.5, 0.0, 1.0, 1.0]]))), 4)
    0.6931
    """

    narrow_labels = True

    def __init__(
        self,
        center: float = 0.0,
        scale: float = 1.0,
        name: str = "zero_inflated_log_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.center, self.scale = center, scale

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        y = y_true[..., 0]
        p, mu, sigma = (y_pred[..., column] for column in range(3))
        p = tf.clip_by_value(p, 1e-7, 1 - 1e-7)
        z = (tf.math.log(tf.maximum(y, 1e-30)) - self.center) / self.scale
        amount = tf.math.log(sigma / SMALLEST_SIGMA) + 0.5 * ((z - mu) / sigma) ** 2
        return tf.where(y > 0, amount - tf.math.log(p), -tf.math.log1p(-p))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "center": self.center, "scale": self.scale}
