"""Regression."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.errors import ConfigError, check, unknown
from mtl_keras.layers import Unscale
from mtl_keras.tasks.numeric import TransformableTask
from mtl_keras.tasks.poisson import PoissonDeviance
from mtl_keras.tasks.problem import Problem

LOSSES = ("mse", "mae", "huber", "poisson")


def huber_constant(values: np.ndarray) -> float:
    """Return the constant with the smallest Huber loss, between the median and the mean.

    Its errors up to 1 count quadratically, and larger ones linearly, as in Keras.

    Example:

    >>> huber_constant(np.array([0.0, 0.0, 0.0, 9.0]))
    0.3333333333333333
    """
    low, high = float(values.min()), float(values.max())
    for _ in range(64):  # bisection: the derivative of the loss ascends
        middle = (low + high) / 2
        if np.clip(values - middle, -1.0, 1.0).sum() > 0:
            low = middle
        else:
            high = middle
    return high


BEST_CONSTANT: dict[str, Callable[[np.ndarray], Any]] = {"mae": np.median, "huber": huber_constant}
"""The constant with the smallest loss on scaled labels, where it is not the mean, 0."""


@dataclass(frozen=True, repr=False)
class Regression(TransformableTask):
    """A quantity, standardised for training and predicted in the user's units.

    For a quantity with many zeros and a heavy tail, such as money spent, the squared error is
    dominated by the few largest values. `transform="log1p"` avoids this, but its plain inverse is
    close to a median, far below the mean. A factor is therefore estimated on the validation rows
    (Duan's smearing estimate), and used if it lowers the squared error there. `loss="poisson"`
    (quasi-Poisson with a log link) estimates the mean itself and is often the better choice.

    Args:
        transform: `"none"` or `"log1p"`. Default `"none"`.
        loss: `"mse"`, `"mae"`, `"huber"` or `"poisson"`. Default `"mse"`. With `"poisson"` the
            head is exponential and labels must be >= 0.
        factor: Float, by which predictions are multiplied after undoing `"log1p"`. Default None:
            chosen on the validation rows.

    Example:

    >>> table = pd.DataFrame({"spend": [0.0, 10.0, None, 20.0]})
    >>> task = Regression("spend").fit(table)
    >>> task.encode(table).round(2)
    array([-1.22,  0.  ,   nan,  1.22], dtype=float32)
    """

    also_called: ClassVar[str] = (
        "numeric number float continuous real scalar linear mse mean_squared_error mae"
    )

    loss: str = "mse"
    factor: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss not in LOSSES:
            raise ConfigError(unknown(f"{self.name}.loss", self.loss, LOSSES))
        good = self.factor is None or self.transform == "log1p"
        check(good, f"{self.name}.factor", "be None without transform='log1p'", self.factor)
        if self.transform == "log1p" and self.log_link:
            raise ConfigError(
                f"Task {self.name!r}: loss='poisson' has a log link already; expected "
                "transform='none' with it. Received: transform='log1p'."
            )

    @property
    def log_link(self) -> bool:
        return self.loss == "poisson"

    def unscale(self) -> Unscale:
        bounded = self.log_link or (self.transform == "log1p" and self.limits is not None)
        limits = self.limits if bounded and self.limits else (None, None)
        return Unscale(
            self.center or 0.0, self.scale or 1.0, self.transform, self.factor or 1.0, limits
        )

    def fit(self, table: pd.DataFrame) -> Self:
        fitted = super().fit(table)
        if self.loss not in BEST_CONSTANT or self.center is not None:
            return fitted
        assert fitted.center is not None and fitted.scale is not None
        labels = fitted.encode(table).astype(float)
        best = BEST_CONSTANT[self.loss](labels[~np.isnan(labels)])
        return fitted.but(center=fitted.center + fitted.scale * float(best))

    def training_loss(self) -> Any:
        return PoissonDeviance() if self.log_link else self.loss

    def calibrate(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        if self.transform != "log1p" or self.factor is not None:
            return self
        present = ~np.isnan(encoded)
        truth, outputs = encoded[present].astype(float), np.asarray(outputs)[present].reshape(-1)
        if len(truth) == 0:
            return self
        scale, center = self.scale or 1.0, self.center or 0.0
        residuals = (truth - outputs) * scale
        actual, fitted = np.exp(truth * scale + center), np.exp(outputs * scale + center)
        choices = (1.0, float(np.mean(np.exp(residuals))))
        errors = [np.mean((actual - factor * fitted) ** 2) for factor in choices]
        return self.but(factor=choices[int(np.argmin(errors))])

    def simple_problems(self) -> list[Problem]:
        return [Problem("poisson" if self.log_link else "squared_error", self.measure)]

    def _check_values(self, values: np.ndarray) -> None:
        super()._check_values(values)
        if self.log_link:
            self._refuse_negative(values, "for loss='poisson'")
