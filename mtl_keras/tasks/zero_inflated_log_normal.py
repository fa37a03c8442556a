"""A quantity with many zeros and a heavy tail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from scipy import special

from mtl_keras.errors import DataError
from mtl_keras.layers import Unscale
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision
from mtl_keras.layers.normal_quantile import normal_quantile
from mtl_keras.tasks.absolute_error import MeanAbsoluteErrorInUnits
from mtl_keras.tasks.numeric import NumericTask, numbers

SMALLEST_SIGMA = 0.05


@keras.saving.register_keras_serializable("mtl_keras")
class ZeroInflatedLogNormalParameters(ArgumentsAsConfig, FullPrecision):
    r"""From three linear units: probability of a positive value, mu and sigma of the log, mean.

    mu and sigma are those of $(\log y - c) / s$; the mean in units is $p\, e^{c + s \mu + (s
    \sigma)^2 / 2}$, at most `largest`.

    **Shape:** `(rows, ..., 3)` to `(rows, ..., 4)`: p, mu, sigma, mean.

    Args:
        center: Float, c. Default 0.0.
        scale: Float > 0, s. Default 1.0.
        largest: Float or None, the highest mean to predict. Default None: no limit.

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


@keras.saving.register_keras_serializable("mtl_keras")
class ZeroInflatedLogNormalBounds(ArgumentsAsConfig, FullPrecision):
    r"""The quantiles at the levels `tail` and 1 - `tail`, in units.

    A quantile is 0 if its level is at most the probability of a zero.

    **Shape:** `(rows, 4)`, the columns of `ZeroInflatedLogNormalParameters`, to `(rows, 2)`.

    Args:
        center: Float, mean of the logarithm of positive labels.
        scale: Float > 0, its standard deviation.
        tail: Float from 0 to 1/2.

    Example:

    >>> layer = ZeroInflatedLogNormalBounds(0.0, 1.0, tail=0.1)
    >>> layer(tf.constant([[0.2, 0.0, 1.0, 0.3], [0.05, 0.0, 1.0, 0.1]])).numpy().tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """

    def __init__(self, center: float, scale: float, tail: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.tail = center, scale, tail

    def call(self, x: tf.Tensor) -> tf.Tensor:
        p, mu, sigma = tf.clip_by_value(x[:, 0], 1e-7, 1 - 1e-7), x[:, 1], x[:, 2]
        below, above = (self.tail - (1 - p)) / p, self.tail / p  # among the positive values

        def amount(z: tf.Tensor) -> tf.Tensor:
            return tf.exp(tf.minimum(self.center + self.scale * (mu + sigma * z), 80.0))

        low = tf.where(below > 0, amount(normal_quantile(below)), 0.0)
        high = tf.where(above < 1, amount(-normal_quantile(above)), 0.0)
        return tf.stack([low, high], axis=1)


@keras.saving.register_keras_serializable("mtl_keras")
class ZeroInflatedLogNormalLoss(ArgumentsAsConfig, keras.losses.Loss):
    r"""Negative log likelihood of a quantity that is either 0 or log-normal.

    $-\log(1 - p)$ for a zero; else $-\log p + \log \sigma + \tfrac12 ((z - \mu) / \sigma)^2 + C$
    with $z = (\log y - c) / s$. C makes the loss 0 for the smallest $\sigma$ at a perfect $\mu$, so
    that it is never negative and balancers can take its logarithm.

    Args:
        center: Float, c. Default 0.0.
        scale: Float > 0, s. Default 1.0.

    Predictions have the columns of `ZeroInflatedLogNormalParameters`, and labels have one column.

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


@dataclass(frozen=True, repr=False)
class ZeroInflatedLogNormal(NumericTask):
    r"""A quantity such as spend: zero with some probability, else log-normal.

    The head estimates the probability p of a positive value, and the mean $\mu$ and standard
    deviation $\sigma$ of the logarithm of positive values. It predicts the mean, $p\, e^{\mu +
    \sigma^2 / 2}$, in units (at most the largest training label), and p as `<task>_probability`.
    The loss is the negative log likelihood of the standardised logarithm, plus a constant that
    keeps it from being negative.

    Labels must be >= 0, and some of them above 0.

    Args:
        center: Float, mean of the logarithm of positive labels. Learned.
        scale: Float, its standard deviation. Learned.
        share: Float, fraction of positive labels. Learned.

    References:
        Wang, Liu, Miao: "A Deep Probabilistic Model for Customer Lifetime Value Prediction", 2019,
        https://arxiv.org/abs/1912.07753.

    Example:

    >>> table = pd.DataFrame({"spend": [0.0, 10.0, None, 20.0]})
    >>> round(ZeroInflatedLogNormal("spend").fit(table).share, 2)
    0.67
    """

    also_called: ClassVar[str] = "ziln zero_inflated log_normal lifetime_value"
    kind: ClassVar[str] = "regression"  # in reports; files use the name of the class

    share: float | None = None

    @property
    def width(self) -> int:
        return 4

    def _learned(self, values: np.ndarray) -> Self:
        self._check_values(values)
        self._check_resolution(values)
        positive = np.log(values[values > 0])
        if len(positive) < 2 or positive.std() == 0:
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} has fewer than two different "
                "labels above 0 in the training rows. Expected a quantity with many zeros; declare "
                f"it as {self.name}:binary."
            )
        limits = float(values.min()), float(values.max())
        learned = self.but(share=float((values > 0).mean()), limits=limits)
        return learned.completed(center=float(positive.mean()), scale=float(positive.std()))

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        values = numbers(self, table)
        self._check_values(values[~np.isnan(values)])
        return values.astype("float32")

    def head(self, representation: Any) -> Any:
        share = np.clip(self.share or 0.5, 0.01, 0.99)
        bias = [np.log(share / (1 - share)), 0.0, np.log(np.expm1(1.0))]
        linear = self.dense(3, "linear", representation, bias=bias)
        parameters = ZeroInflatedLogNormalParameters(
            self.center or 0.0,
            self.scale or 1.0,
            self.limits[1] if self.limits else None,
            name=f"{self.slug}_parameters",
        )
        return parameters(linear)

    def training_loss(self) -> Any:
        return ZeroInflatedLogNormalLoss(self.center or 0.0, self.scale or 1.0)

    def training_metrics(self) -> list[Any]:
        return [MeanAbsoluteErrorInUnits(Unscale().get_config(), column=3)]

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        return np.asarray(outputs)[:, 3]

    def answers(self, output: Any) -> dict[str, Any]:
        return {
            self.name: output[:, 3],
            f"{self.name}_probability": output[:, 0],
            **self.interval_answers(output),
        }

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        probability = f"{self.name}_probability"
        return {**super().answer_columns(answers), probability: answers[probability]}

    def nonconformity(self, encoded: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        r"""Return how far the label is from the median of the predicted distribution F.

        It is $|\Phi^{-1}(F(y))|$, in standard deviations of a normal distribution. A zero covers
        all levels up to $1 - p$, of which the one nearest to the median counts.

        References:
            Chernozhukov, Wüthrich, Zhu: "Distributional Conformal Prediction", PNAS 118, 2021.
        """
        p, mu, sigma = outputs[:, :3].astype(float).T
        p = np.clip(p, 1e-7, 1 - 1e-7)
        z = (np.log(np.where(encoded > 0, encoded, 1.0)) - (self.center or 0.0)) / (
            self.scale or 1.0
        )
        above = np.log(p) + special.log_ndtr((mu - z) / sigma)  # log of 1 - F, exact in the tail
        below = np.log1p(-np.exp(np.minimum(above, -1e-16)))
        positive = np.maximum(-special.ndtri_exp(above), -special.ndtri_exp(below))
        return np.where(encoded > 0, positive, np.maximum(special.ndtri(p), 0.0))

    def bounds(self, output: Any) -> tuple[Any, Any]:
        tail = float(special.ndtr(-self.reach))
        layer = ZeroInflatedLogNormalBounds(self.center or 0.0, self.scale or 1.0, tail)
        both = layer(output)
        return both[:, 0], both[:, 1]

    def _check_values(self, values: np.ndarray) -> None:
        self._refuse_negative(values, "for a quantity that is zero or log-normal")
