"""A quantity with many zeros and a heavy tail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.errors import DataError
from mtl_keras.layers import Unscale, ZeroInflatedLogNormalParameters
from mtl_keras.tasks.base import numbers
from mtl_keras.tasks.losses import ZeroInflatedLogNormalLoss
from mtl_keras.tasks.numeric import MeanAbsoluteErrorInUnits, NumericTask


@dataclass(frozen=True, repr=False)
class ZeroInflatedLogNormal(NumericTask):
    r"""Such as spend: nothing with a probability, else something log-normal.

    The head gives the probability p of any, and mean $\mu$ and deviation $\sigma$ of the logarithm
    if any. The answer is the mean, $p\, e^{\mu + \sigma^2 / 2}$, in units (at most the largest
    training label), and `<task>_probability`, p. The loss is the negative log likelihood, the
    logarithm standardised, plus a constant that keeps it from being negative.

    Labels must be >= 0, and some of them above 0.

    Args:
        center: Float, mean of the logarithm of positive labels. Learned.
        scale: Float, its standard deviation. Learned.
        share: Float, share of positive labels. Learned.

    References:
        Wang, Liu, Miao: "A Deep Probabilistic Model for Customer Lifetime Value Prediction", 2019,
        https://arxiv.org/abs/1912.07753.

    Example:

    >>> table = pd.DataFrame({"spend": [0.0, 10.0, None, 20.0]})
    >>> round(ZeroInflatedLogNormal("spend").fit(table).share, 2)
    0.67
    """

    kind: ClassVar[str] = "regression"

    share: float | None = None

    @property
    def width(self) -> int:
        return 4

    def fit(self, table: pd.DataFrame) -> Self:
        values = numbers(self, table)
        values = values[~np.isnan(values)]
        self._check_values(values)
        positive = np.log(values[values > 0])
        if len(positive) < 2 or positive.std() == 0:
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} has fewer than two different "
                "labels above 0 in the training rows. Expected a quantity with many zeros; declare "
                f"it as {self.name}:binary."
            )
        return self.but(
            center=float(positive.mean()) if self.center is None else self.center,
            scale=float(positive.std()) if self.scale is None else self.scale,
            share=float((values > 0).mean()),
            limits=(float(values.min()), float(values.max())),
        )

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        values = numbers(self, table)
        self._check_values(values[~np.isnan(values)])
        return values.astype("float32")

    def head(self, representation: Any) -> Any:
        share = np.clip(self.share or 0.5, 0.01, 0.99)
        bias = [np.log(share / (1 - share)), 0.0, np.log(np.expm1(1.0))]
        linear = self._dense(3, "linear", representation, bias=bias)
        parameters = ZeroInflatedLogNormalParameters(
            self.center or 0.0,
            self.scale or 1.0,
            self.limits[1] if self.limits else None,
            dtype="float32",
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
        return {self.name: output[:, 3], f"{self.name}_probability": output[:, 0]}

    def answered(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        return answers[self.name]

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: answers[name] for name in (self.name, f"{self.name}_probability")}

    def _check_values(self, values: np.ndarray) -> None:
        self._refuse_negative(values, "for a quantity with zeros and a log-normal rest")
