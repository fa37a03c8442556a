"""Numbers."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.errors import ConfigError, DataError, unknown
from mtl_keras.features.base import Feature
from mtl_keras.layers import NumericEncoding

TRANSFORMS = ("auto", "none", "log1p")
HEAVY_TAIL = 2.0


@dataclass(frozen=True, repr=False)
class Numeric(Feature):
    """A quantity, standardised.

    *Missing* (NaN or empty): encoded as the mean, with an indicator if any training row was
    missing. *Unseen*: a value far outside the training range is clipped to 10 standard deviations.

    Args:
        transform: `"none"`; `"log1p"`, a signed logarithm for heavy tails; or `"auto"` (default),
            which takes the logarithm if the training values' skewness is beyond +-2.
        center: Float, mean after the transform. Learned.
        scale: Float, standard deviation after the transform. Learned.
        indicator: Bool, whether missing values have an indicator. Learned.

    Example:

    >>> Numeric("age").fit(pd.Series([20.0, 40.0, None])).indicator
    True
    """

    kind: ClassVar[str] = "numeric"

    transform: str = "auto"
    center: float | None = None
    scale: float | None = None
    indicator: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transform not in TRANSFORMS:
            raise ConfigError(unknown(f"{self.name}.transform", self.transform, TRANSFORMS))

    def fit(self, column: pd.Series) -> Self:
        values = self.raw(column).astype(float)
        present = values[~np.isnan(values)]
        if len(present) == 0:
            raise DataError(f"Feature {self.name!r} has no value in the training rows. Drop it.")
        transform = self.transform
        if transform == "auto":
            heavy = abs(pd.Series(present).skew()) > HEAVY_TAIL
            transform = "log1p" if heavy else "none"
        if transform == "log1p":
            present = np.sign(present) * np.log1p(np.abs(present))
        return self.but(
            transform=transform,
            center=float(present.mean()) if self.center is None else self.center,
            scale=float(present.std() or 1.0) if self.scale is None else self.scale,
            indicator=bool(np.isnan(values).any()) if self.indicator is None else self.indicator,
        )

    def raw(self, column: pd.Series) -> np.ndarray:
        if column.dtype.kind in "fiub":
            values = column.to_numpy(np.float32)
        else:
            converted = pd.to_numeric(column, errors="coerce")
            values = converted.to_numpy(np.float32, na_value=np.nan)
            blank = column.isna() | (column.astype(str).str.strip() == "")
            bad = np.isnan(values) & ~blank.to_numpy(bool)
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise DataError(
                    f"Feature {self.name!r} is numeric. Received: {column.iloc[row]!r} in row "
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
        return NumericEncoding(
            self.center or 0.0, self.scale or 1.0, self.transform, bool(self.indicator)
        )
