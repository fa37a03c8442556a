"""Dates and times."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.datasets import cells
from mtl_keras.datasets.categories import text_of
from mtl_keras.datasets.dates import (
    ISO,
    find_format,
    iso_rewriting,
    other_reading,
    stated_dates,
    without_offsets,
)
from mtl_keras.datasets.lists import factorized
from mtl_keras.errors import DataError, check
from mtl_keras.features.base import Feature
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]00:?00)?"  # of no other time zone
PATTERN = rf"{DAY}([ T]{TIME})?"


@keras.saving.register_keras_serializable("mtl_keras")
class DateEncoding(ArgumentsAsConfig, FullPrecision):
    """Encodes a date as elapsed time and as its position in the week, month, year and day.

    The positions are sines and cosines, so that December is next to January. A missing date (an
    empty string), or a string that is neither `YYYY-MM-DD[ HH:MM[:SS]]` nor can be rewritten so, is
    encoded as zeros with an indicator.

    **Shape:** strings `(rows,)` to `{"numeric": (rows, 1), "plain": (rows, 7 or 9)}`: elapsed
    days, centred and scaled; and sine and cosine of weekday, month day and year day (and of the
    hour, if `time`), and 1 where missing.

    Args:
        center: Float, days since 1970-01-01 that are encoded as 0.
        scale: Float > 0, days that are encoded as 1.
        time: Bool, whether the dates have a time of day.
        pattern: Regular expression of strings in another format, whose numbers are its groups; it
            is given the numbers with two digits or more. Default None: no other format.
        rewriting: How the groups are written as an ISO date, such as `\3-\2-\1`.

    Example:

    >>> layer = DateEncoding(center=10_000.0, scale=100.0)
    >>> layer(tf.constant(["1997-09-30", ""]))["numeric"].numpy()[0].round(2)
    array([1.34], dtype=float32)
    """

    def __init__(
        self,
        center: float = 0.0,
        scale: float = 1.0,
        time: bool = False,
        pattern: str | None = None,
        rewriting: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.time = center, scale, time
        self.pattern, self.rewriting = pattern, rewriting

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        if self.pattern is not None:
            values = tf.strings.regex_replace(tf.strings.strip(values), r"\b([0-9])\b", r"0\1")
            values = tf.strings.regex_replace(values, self.pattern, self.rewriting)
        valid = tf.strings.regex_full_match(values, PATTERN)
        text = tf.where(valid, values, "1970-01-01 00:00")

        def number(start: int, length: int) -> tf.Tensor:
            return tf.strings.to_number(tf.strings.substr(text, start, length), tf.int32)

        year, month, day = number(0, 4), number(5, 2), number(8, 2)
        days = days_since_1970(year, month, day)
        first_of_next = days_since_1970(year + month // 12, month % 12 + 1, tf.ones_like(day))
        valid &= days < first_of_next  # else 31 February would be 3 March
        parts, periods = [(days + 3) % 7, day - 1, days - new_year(year)], [7.0, 31.0, 365.25]
        if self.time:
            text = tf.where(tf.strings.length(text) > 10, text, text + " 00:00")
            parts.append(number(11, 2) * 60 + number(14, 2))
            periods.append(1440.0)
        angles = tf.cast(tf.stack(parts, axis=1), tf.float32) * [2 * math.pi / p for p in periods]
        circular = tf.stack([tf.sin(angles), tf.cos(angles)], axis=2)
        present = tf.cast(valid, tf.float32)
        elapsed = (tf.cast(days, tf.float32) - self.center) / self.scale
        places = tf.reshape(circular, (-1, 2 * len(parts))) * present[:, tf.newaxis]
        return {
            "numeric": (tf.clip_by_value(elapsed, -10.0, 10.0) * present)[:, tf.newaxis],
            "plain": tf.concat([places, 1.0 - present[:, tf.newaxis]], axis=1),
        }


def days_since_1970(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Return the days from 1970-01-01 to a Gregorian date, by integer arithmetic.

    Years start in March, so that the leap day is the last day of its year. Month m of such a year
    starts on day `(153 m + 2) // 5`.
    """
    month_since_march = (month + 9) % 12
    first_of_march = _first_of_march(tf.where(month <= 2, year - 1, year))
    return first_of_march + (153 * month_since_march + 2) // 5 + (day - 1)


def new_year(year: tf.Tensor) -> tf.Tensor:
    """Return the days from 1970-01-01 to the first of January: 306 days after that of March."""
    return _first_of_march(year - 1) + 306


def _first_of_march(year: tf.Tensor) -> tf.Tensor:
    return 365 * year + year // 4 - year // 100 + year // 400 - 719468


@dataclass(frozen=True, repr=False)
class Date(Feature):
    """A date or time: elapsed time, and its position in the week, month, year and day.

    A table may write dates in one format, and in `YYYY-MM-DD[ HH:MM:SS]`. What can be read in both
    is read in the stated one. The exported model reads both as well; only the latter if the format
    has names of months or years of two digits, or begins with `%Y-`. *Missing*: zeros, with
    an indicator. *Unseen*: the elapsed time of dates outside the training range is clipped to 10
    standard deviations. Times with a time zone are converted to UTC; dates without a time of day
    are those of their zone.

    Args:
        format: Format of strings, as for `strptime`: `"%d.%m.%Y"`. Default None: recognised. If the
            training rows fit several formats, as 03/04/2021 does, the month is first with slashes,
            and the day with points and hyphens.
        center: Float, mean of the days since 1970-01-01. Learned.
        scale: Float, their standard deviation. Learned.
        time: Bool, whether the dates have a time of day. Learned.

    Example:

    >>> Date("joined").raw(pd.Series(["1997-09-30", None])).tolist()
    ['1997-09-30', '']
    """

    also_called: ClassVar[str] = "datetime timestamp time day"
    is_moment: ClassVar[bool] = True

    format: str | None = None
    center: float | None = None
    scale: float | None = None
    time: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        day = pd.Timestamp("1997-09-30 12:34:56")
        if self.format not in (None, ISO):
            try:
                good = pd.to_datetime(day.strftime(self.format), format=self.format).year == 1997
            except (ValueError, TypeError):
                good = False
            expected = "say where day, month and year are, e.g. '%d.%m.%Y'"
            check(good, f"{self.name}.format", expected, self.format)

    @property
    def format_of_times(self) -> str | None:
        return self.format

    @property
    def raw_dtype(self) -> str:
        return "string"

    def fit(self, column: pd.Series) -> Self:
        if self.format is None and column.dtype.kind != "M":
            codes, distinct = factorized(column)
            texts = pd.Series(list(map(_written, distinct)), dtype=object)[codes[codes >= 0]]
            texts = texts[texts != ""]
            form = find_format(texts) or ISO
            if doubt := other_reading(texts, form):
                warnings.warn(f"Feature {self.name!r}: {doubt}.", stacklevel=2)
            return self.but(format=form).fit(column)
        moments = self._parsed(column).dropna()
        if len(moments) == 0:
            raise DataError(f"Feature {self.name!r} has no date in the training rows. Drop it.")
        days = (moments - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        return self.completed(
            center=float(days.mean()),
            scale=float(days.std(ddof=0) or 1.0),
            time=bool((moments != moments.dt.normalize()).any()),
        )

    def raw(self, column: pd.Series) -> np.ndarray:
        codes, values = pd.factorize(self._parsed(column))
        pattern = "%Y-%m-%d %H:%M:%S" if self.time else "%Y-%m-%d"
        texts = [*pd.DatetimeIndex(values).strftime(pattern), ""]
        return np.array(texts, object)[codes]

    def observed(self, raw: np.ndarray) -> np.ndarray:
        """Return the days since 1970-01-01."""
        codes, texts = pd.factorize(pd.Series(raw).replace("", None))
        moments = pd.to_datetime(pd.Series([*texts, None], dtype=object), format="ISO8601")
        days = (moments - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        return days.to_numpy(float)[codes]

    def format_observed(self, observed: Sequence[float]) -> list[str]:
        moments = pd.Timestamp("1970-01-01") + pd.to_timedelta(list(observed), unit="D")
        return [str(moment.date()) for moment in moments]

    def examples(self, observed: np.ndarray, random: np.random.Generator) -> np.ndarray:
        days = np.clip(observed, -100_000, 100_000)
        return self.raw(pd.Series(pd.Timestamp("1970-01-01") + pd.to_timedelta(days, unit="D")))

    def layer(self) -> DateEncoding:
        rewriting = iso_rewriting(self.format) or (None, "")
        return DateEncoding(self.center or 0.0, self.scale or 1.0, bool(self.time), *rewriting)

    def unreadable(self, column: pd.Series) -> np.ndarray:
        return self._read(column)[1]

    def _parsed(self, column: pd.Series) -> pd.Series:
        moments, bad = self._read(column)
        advice = (
            f"Expected e.g. 1997-09-30{self._example()}. Correct the value or leave it empty; or "
            "train with the date's `format`, or declare the column as categorical."
        )
        cells.refuse(f"Feature {self.name!r} is a date", column, bad, advice)
        return moments

    def _read(self, column: pd.Series) -> tuple[pd.Series, np.ndarray]:
        """Return the points in time, NaT where missing, and which cells are not dates."""
        bad = np.zeros(len(column), bool)
        if column.dtype.kind == "M":
            moments = local = column
            if getattr(column.dtype, "tz", None) is not None:
                moments = column.dt.tz_convert("UTC").dt.tz_localize(None)
                local = column.dt.tz_localize(None)
        else:
            codes, distinct = factorized(column)
            written = pd.Series(list(map(_written, distinct)), dtype=object)
            parsed, plain = stated_dates(written, self.format or ISO), without_offsets(written)
            bad = np.append((parsed.isna() & (written != "")).to_numpy(bool), False)[codes]

            def of_rows(read: pd.Series) -> pd.Series:  # of which the code -1 is missing
                each = np.append(read.to_numpy(), np.datetime64("NaT"))
                return pd.Series(each[codes], column.index)

            moments = local = of_rows(parsed)
            if plain is not written:
                local = of_rows(stated_dates(plain, self.format or ISO))
        if self.time is None:
            days = bool((local.dropna() == local.dropna().dt.normalize()).all())
        else:
            days = not self.time
        return (local if days else moments), bad

    def _example(self) -> str:
        if self.format in (None, ISO):
            return ""
        return f", or like {pd.Timestamp('1997-09-30').strftime(self.format)}"


def _written(cell: object) -> str:
    """Return a cell as a string: 20210301.0 is "20210301", as if a column had no missing cells.

    No other float is a date: as a string, 2020.1 would be January, though it may be October.
    """
    return f"{cell!r}, a number" if isinstance(cell, float) and cell % 1 else text_of(cell).strip()
