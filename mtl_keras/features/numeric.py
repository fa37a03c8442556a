"""Numbers."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.datasets.numbers import parsed
from mtl_keras.errors import ConfigError, DataError, shown, unknown
from mtl_keras.features.base import Feature
from mtl_keras.layers import NumericEncoding

TRANSFORMS = ("auto", "none", "log1p")
SCALINGS = ("standard", "robust", "quantile")
HEAVY_TAIL = 2.0
KNOTS = 256


@dataclass(frozen=True, repr=False)
class Numeric(Feature):
    """A quantity, brought to a common scale.

    Texts may be written as `$1,299.00` or `12 %`: see `mtl_keras.numbers`. *Missing* (NaN or
    empty): encoded as the mean, with an indicator if any training row was missing. *Unseen*: a
    value far outside the training range is clipped: see `scaling`.

    Args:
        transform: `"none"`; `"log1p"`, a signed logarithm for heavy tails; or `"auto"` (default),
            which takes the logarithm if the training values' skewness is beyond +-2.
        scaling: `"standard"` (default): mean 0, standard deviation 1, clipped to 10 of them;
            `"robust"`: median 0, interquartile range 1 (half of the whole range where that is 0),
            bent smoothly to at most 3; `"quantile"`: the normal score of the rank among the
            training values, whatever their distribution.
        center: Float, mean (or median) after the transform. Learned.
        scale: Float, divided by after the transform. Learned.
        indicator: Bool, whether missing values have an indicator. Learned.
        knots: Training values at up to 256 ranks, for `"quantile"`. Learned.
        ranks: Their ranks. Learned.

    References:
        Holzmueller, Grinsztajn, Steinwart: "Better by Default", NeurIPS 2024 (robust scaling and
        smooth clipping), https://arxiv.org/abs/2407.04491.

    Example:

    >>> Numeric("age").fit(pd.Series([20.0, 40.0, None])).indicator
    True
    """

    kind: ClassVar[str] = "numeric"

    transform: str = "auto"
    scaling: str = "standard"
    center: float | None = None
    scale: float | None = None
    indicator: bool | None = None
    knots: tuple[float, ...] | None = None
    ranks: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transform not in TRANSFORMS:
            raise ConfigError(unknown(f"{self.name}.transform", self.transform, TRANSFORMS))
        if self.scaling not in SCALINGS:
            raise ConfigError(unknown(f"{self.name}.scaling", self.scaling, SCALINGS))

    def fit(self, column: pd.Series) -> Self:
        values = self.raw(column).astype(float)
        present = values[~np.isnan(values)]
        if len(present) == 0:
            raise DataError(f"Feature {self.name!r} has no value in the training rows. Drop it.")
        indicator = bool(np.isnan(values).any()) if self.indicator is None else self.indicator
        if self.scaling == "quantile":
            knots, ranks = _ranked(present) if self.knots is None else (self.knots, self.ranks)
            return self.but(transform="none", indicator=indicator, knots=knots, ranks=ranks)
        transform = self.transform
        if transform == "auto":
            heavy = abs(pd.Series(present).skew()) > HEAVY_TAIL
            transform = "log1p" if heavy else "none"
        if transform == "log1p":
            present = np.sign(present) * np.log1p(np.abs(present))
        center, scale = float(present.mean()), float(present.std())
        if self.scaling == "robust":
            low, center, high = map(float, np.quantile(present, (0.25, 0.5, 0.75)))
            scale = high - low or float(np.ptp(present)) / 2
        return self.but(
            transform=transform,
            center=center if self.center is None else self.center,
            scale=(scale or 1.0) if self.scale is None else self.scale,
            indicator=indicator,
        )

    def raw(self, column: pd.Series) -> np.ndarray:
        converted, bad = parsed(column)
        values = converted.astype(np.float32)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"Feature {self.name!r} is numeric. Received: {shown(column.iloc[row])} in row "
                f"{column.index[row]} ({int(bad.sum())} such rows). Clean the column, or "
                f"declare it as categorical."
            )
        if np.isinf(values).any():
            row = int(np.flatnonzero(np.isinf(values))[0])
            raise DataError(
                f"Feature {self.name!r} must hold finite numbers. Received: {column.iloc[row]} in "
                f"row {column.index[row]}. Leave the value empty if it is not known."
            )
        return values

    def layer(self) -> NumericEncoding:
        robust = self.scaling == "robust"
        return NumericEncoding(
            self.center or 0.0,
            self.scale or 1.0,
            self.transform,
            bool(self.indicator),
            limit=3.0 if robust else 10.0,
            smooth=robust,
            knots=self.knots,
            ranks=self.ranks,
        )


def _ranked(values: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Values at evenly spaced ranks, each once, with the mean of its ranks."""
    ranks = np.linspace(0, 1, min(KNOTS, max(2, len(values))))
    found = pd.Series(ranks).groupby(np.quantile(values, ranks).astype("float32")).mean()
    if len(found) == 1:
        found = pd.Series([0.5, 0.5], [found.index[0], found.index[0] + 1.0])
    return tuple(map(float, found.index)), tuple(map(float, found))
