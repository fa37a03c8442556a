"""What stands between a head's linear units and its output."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

SMALLEST_SIGMA = 0.05


@keras.saving.register_keras_serializable("mtl_keras")
class Ascending(keras.layers.Layer):
    """The first number, and each further one as the one before plus a softplus: no crossing.

    **Shape:** `(rows, ..., n)` to the same.

    Example:

    >>> Ascending()(tf.constant([[1.0, -50.0]])).numpy().tolist()
    [[1.0, 1.0]]
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        steps = keras.ops.softplus(x[..., 1:])
        return keras.ops.cumsum(keras.ops.concatenate([x[..., :1], steps], axis=-1), axis=-1)


def ascending_steps(values: np.ndarray) -> np.ndarray:
    """What `Ascending` takes after the first number to give these values, at least 1e-3 apart.

    Example:

    >>> Ascending()(np.append([2.0], ascending_steps(np.array([2.0, 5.0])))).numpy().round(4)
    array([2., 5.], dtype=float32)
    """
    return np.log(np.expm1(np.maximum(np.diff(values), 1e-3)))  # softplus undone


@keras.saving.register_keras_serializable("mtl_keras")
class CumulativeLogits(keras.layers.Layer):
    r"""Class probabilities of a score between ascending thresholds.

    $P(y \le j) = \sigma(\theta_j - s)$.

    **Shape:** `(rows, ..., 1)` to `(rows, ..., classes)`.

    Args:
        classes: Integer >= 2.

    Example:

    >>> layer = CumulativeLogits(3)
    >>> round(float(tf.reduce_sum(layer(tf.constant([[0.3]])))), 5)
    1.0
    """

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = classes

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.first = self.add_weight((1,), "zeros", name="first")
        self.steps = self.add_weight((self.classes - 2,), "zeros", name="steps")

    def start_at(self, thresholds: np.ndarray) -> None:
        """Set the thresholds, which must ascend."""
        self.first.assign(thresholds[:1])
        self.steps.assign(ascending_steps(thresholds))

    def call(self, score: tf.Tensor) -> tf.Tensor:
        steps = keras.ops.softplus(self.steps)
        thresholds = keras.ops.cumsum(keras.ops.concatenate([self.first, steps]))
        below = keras.ops.sigmoid(thresholds - score)
        ends = keras.ops.zeros_like(score)
        return keras.ops.concatenate([below, ends + 1.0], axis=-1) - keras.ops.concatenate(
            [ends, below], axis=-1
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable("mtl_keras")
class ZeroInflatedLogNormalParameters(keras.layers.Layer):
    r"""From three linear units: probability of any, mean and deviation of the logarithm, mean.

    Mean and deviation are of $(\log y - c) / s$; the mean in units is
    $p\, e^{c + s \mu + (s \sigma)^2 / 2}$, at most `largest`.

    **Shape:** `(rows, ..., 3)` to `(rows, ..., 4)`: p, mu, sigma, mean.

    Args:
        center: Float, c. Default 0.0.
        scale: Float > 0, s. Default 1.0.
        largest: Float or None, highest mean. Default None.

    Example:

    >>> layer = ZeroInflatedLogNormalParameters(largest=9.0)
    >>> round(float(layer(tf.constant([[0.0, 50.0, 0.0]]))[0, 3]), 3)
    4.5
    """

    def __init__(
        self, center: float = 0.0, scale: float = 1.0, largest: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.largest = center, scale, largest

    def call(self, x: tf.Tensor) -> tf.Tensor:
        probability = keras.ops.sigmoid(x[..., :1])
        mu, sigma = x[..., 1:2], keras.ops.softplus(x[..., 2:3]) + SMALLEST_SIGMA
        exponent = self.center + self.scale * mu + (self.scale * sigma) ** 2 / 2
        limit = 80.0 if self.largest is None else float(np.log(self.largest))
        mean = probability * keras.ops.exp(keras.ops.minimum(exponent, limit))
        return keras.ops.concatenate([probability, mu, sigma, mean], axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = {"center": self.center, "scale": self.scale, "largest": self.largest}
        return {**super().get_config(), **config}
