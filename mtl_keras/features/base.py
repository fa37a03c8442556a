"""The interface of a feature: one column of a table in, encoded numbers out."""

from dataclasses import dataclass
from typing import ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras.declaration import Declaration


@dataclass(frozen=True, repr=False)
class Feature(Declaration):
    """One column to predict from; `name` is the column.

    Subclasses define `fit` (statistics of the training rows), `raw` (what a table's column is as an
    input of the exported model), `raw_dtype` (its type there) and `layer` (the Keras layer from raw
    to encoded values, by group: `"numeric"`, `"binary"` and `"categorical"`).
    """

    kind: ClassVar[str]

    @property
    def raw_dtype(self) -> str:
        """`"float32"` or `"string"`: the type of this column in the exported model's signature."""
        return "float32"

    def fit(self, column: pd.Series) -> Self:
        """A copy with all that was not stated learned from the training rows."""
        raise NotImplementedError

    def raw(self, column: pd.Series) -> np.ndarray:
        """The column as the exported model takes it: float32 (NaN: missing) or text ("": missing).

        Raises:
            DataError: if a value is not of this kind; the row is named.
        """
        raise NotImplementedError

    def layer(self) -> keras.layers.Layer:
        """The layer from raw `(rows,)` to a dict of encoded `(rows, n)` by group."""
        raise NotImplementedError
