"""Dates."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.errors import DataError
from mtl_keras.features.base import Feature
from mtl_keras.layers import DateEncoding


@dataclass(frozen=True, repr=False)
class Date(Feature):
    """A date or a moment: elapsed time, and its place in the week, month, year and day.

    Tables may hold any format that pandas reads; the exported model takes `YYYY-MM-DD[ HH:MM:SS]`.
    *Missing*: zeros, with an indicator. *Unseen*: a date outside the training range is fine, its
    elapsed time clipped to 10 standard deviations.

    Args:
        center: Float, mean of days since 1970-01-01. Learned.
        scale: Float, their standard deviation. Learned.
        time: Bool, whether there is a time of day. Learned.

    Example:

    >>> Date("joined").raw(pd.Series(["1997-09-30", None])).tolist()
    ['1997-09-30', '']
    """

    kind: ClassVar[str] = "date"

    center: float | None = None
    scale: float | None = None
    time: bool | None = None

    @property
    def raw_dtype(self) -> str:
        return "string"

    def fit(self, column: pd.Series) -> Self:
        moments = self._parsed(column).dropna()
        if len(moments) == 0:
            raise DataError(f"Feature {self.name!r} has no date in the training rows. Drop it.")
        days = (moments - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        return self.but(
            center=float(days.mean()) if self.center is None else self.center,
            scale=float(days.std(ddof=0) or 1.0) if self.scale is None else self.scale,
            time=bool((moments != moments.dt.normalize()).any())
            if self.time is None
            else self.time,
        )

    def raw(self, column: pd.Series) -> np.ndarray:
        codes, values = pd.factorize(self._parsed(column))
        pattern = "%Y-%m-%d %H:%M:%S" if self.time else "%Y-%m-%d"
        texts = [*pd.DatetimeIndex(values).strftime(pattern), ""]
        return np.array(texts, object)[codes]

    def layer(self) -> DateEncoding:
        return DateEncoding(self.center or 0.0, self.scale or 1.0, bool(self.time))

    def _parsed(self, column: pd.Series) -> pd.Series:
        if column.dtype.kind == "M":
            moments = column
        else:
            blank = column.isna() | (column.astype(str).str.strip() == "")
            codes, texts = pd.factorize(column.where(~blank))
            parsed = pd.to_datetime(
                pd.Series(list(map(str, texts))), errors="coerce", format="mixed"
            )
            if parsed.isna().any():
                text = texts[int(np.flatnonzero(parsed.isna())[0])]
                row = column.index[int(np.flatnonzero((column == text).to_numpy(bool))[0])]
                raise DataError(
                    f"Feature {self.name!r} is a date. Received: {text!r} in row {row}. "
                    "Expected e.g. 1997-09-30. Clean the column, or declare it as categorical."
                )
            both = pd.concat([parsed, pd.Series([pd.NaT])], ignore_index=True)
            moments = both.iloc[codes].set_axis(column.index)
        if getattr(moments.dtype, "tz", None) is not None:
            moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
        return moments
