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

    Tables may hold dates in one format beside `YYYY-MM-DD[ HH:MM:SS]`, which is what the exported
    model takes and what may always be given.
    *Missing*: zeros, with an indicator. *Unseen*: a date outside the training range is fine, its
    elapsed time clipped to 10 standard deviations.

    Args:
        format: How texts are written, for `strptime`: `"%d.%m.%Y"`. Default None: found; where the
            training rows fit several, such as 03/04/2021, the month is first with slashes and the
            day with points and hyphens.
        center: Float, mean of days since 1970-01-01. Learned.
        scale: Float, their standard deviation. Learned.
        time: Bool, whether there is a time of day. Learned.

    Example:

    >>> Date("joined").raw(pd.Series(["1997-09-30", None])).tolist()
    ['1997-09-30', '']
    """

    kind: ClassVar[str] = "date"

    format: str | None = None
    center: float | None = None
    scale: float | None = None
    time: bool | None = None

    @property
    def raw_dtype(self) -> str:
        return "string"

    def fit(self, column: pd.Series) -> Self:
        if self.format is None and column.dtype.kind != "M":
            texts = column.dropna().astype(str).str.strip()
            return self.but(format=found_format(texts[texts != ""]) or ISO).fit(column)
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
            written = pd.Series(list(map(str, texts))).str.strip()
            parsed = _read(written, ISO)
            if self.format is not None and self.format != ISO:
                parsed = parsed.fillna(_read(written, self.format))
            if parsed.isna().any():
                text = texts[int(np.flatnonzero(parsed.isna())[0])]
                row = column.index[int(np.flatnonzero((column == text).to_numpy(bool))[0])]
                raise DataError(
                    f"Feature {self.name!r} is a date. Received: {text!r} in row {row}. "
                    f"Expected e.g. 1997-09-30{self._example()}. Clean the column, declare the "
                    "date's `format`, or declare the column as categorical."
                )
            both = pd.concat([parsed, pd.Series([pd.NaT])], ignore_index=True)
            moments = both.iloc[codes].set_axis(column.index)
        if getattr(moments.dtype, "tz", None) is not None:
            moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
        return moments

    def _example(self) -> str:
        if self.format in (None, ISO):
            return ""
        return f", or like {pd.Timestamp('1997-09-30').strftime(self.format)}"


ISO = "ISO8601"
DAYS = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d")
FORMATS = [ISO, *(day + time for day in DAYS for time in ("", " %H:%M", " %H:%M:%S"))]
MOSTLY = 0.95


def found_format(texts: pd.Series) -> str | None:
    """The first format that at least 95 % of some texts have, for `strptime`, or `"ISO8601"`.

    Example:

    >>> found_format(pd.Series(["31.12.2020", "1.2.2021"])), found_format(pd.Series(["soon"]))
    ('%d.%m.%Y', None)
    """
    looks = texts.str.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?!\d)")
    if len(texts) == 0 or looks.mean() < MOSTLY:
        return None
    some = texts.iloc[:2000]  # most formats are out after a few
    good = [form for form in FORMATS if _read(some, form).notna().mean() >= MOSTLY]
    return max(good, key=lambda form: _read(texts, form).notna().mean(), default=None)


def _read(texts: pd.Series, form: str) -> pd.Series:
    moments = pd.to_datetime(texts, errors="coerce", format=form, utc=form == ISO)
    return moments.dt.tz_localize(None) if form == ISO else moments
