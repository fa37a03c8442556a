"""Yes or no."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.errors import DataError, shown
from mtl_keras.features.base import Feature
from mtl_keras.layers import BooleanEncoding

WORDS = {"no": "yes", "false": "true", "n": "y", "f": "t", "0": "1", "off": "on"}


@dataclass(frozen=True, repr=False)
class Boolean(Feature):
    """A yes-or-no column: booleans, 0 and 1, or two texts such as no and yes.

    *Missing* and *unseen* values are neither, with an indicator.

    Args:
        values: The values of no and of yes. Learned: False and True or 0 and 1 for numbers; for
            texts the known pairs (`no`/`yes`, `false`/`true`, `n`/`y`, ...), else the two texts in
            alphabetical order.

    Example:

    >>> Boolean("active").fit(pd.Series(["Yes", "No", None])).values
    ('No', 'Yes')
    """

    kind: ClassVar[str] = "boolean"

    values: tuple[Any, Any] | None = None

    @property
    def raw_dtype(self) -> str:
        return "string" if self.values and isinstance(self.values[0], str) else "float32"

    def fit(self, column: pd.Series) -> Self:
        if self.values is not None:
            return self
        found = list(pd.unique(column.dropna()))
        if all(not isinstance(value, str) for value in found):
            if not set(map(float, found)) <= {0.0, 1.0}:
                self._refuse(found)
            return self.but(values=(0.0, 1.0))
        found = sorted({str(value).strip() for value in found} - {""}, key=str.lower)
        if len(found) != 2:
            self._refuse(found)
        swapped = WORDS.get(found[1].lower()) == found[0].lower()
        return self.but(values=(found[1], found[0]) if swapped else tuple(found))

    def raw(self, column: pd.Series) -> np.ndarray:
        if self.raw_dtype == "string":
            codes, values = pd.factorize(column)
            return np.array([*(str(value).strip() for value in values), ""], object)[codes]
        values = column
        if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
            words = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
            values = values.astype(object).map(
                lambda v: np.nan if pd.isna(v) or v == "" else words.get(str(v).lower(), 2.0)
            )
            if (values == 2.0).any():
                row = int(np.flatnonzero(values == 2.0)[0])
                raise DataError(
                    f"Feature {self.name!r} is boolean (0/1, true/false). Received: "
                    f"{shown(column.iloc[row])} in row {column.index[row]}."
                )
        return values.to_numpy(np.float32, na_value=np.nan)

    def layer(self) -> BooleanEncoding:
        return BooleanEncoding(self.values or (0.0, 1.0))

    def _refuse(self, found: list[Any]) -> None:
        raise DataError(
            f"Feature {self.name!r} is boolean, but has the values {found[:5]}. Expected two. "
            "Declare it as categorical or numeric."
        )
