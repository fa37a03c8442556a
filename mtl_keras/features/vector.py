"""Vectors of fixed length."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.datasets import placeholders
from mtl_keras.datasets.lists import is_list, is_missing
from mtl_keras.datasets.numbers import NOTATIONS, parsed, warn_of_resolution
from mtl_keras.errors import DataError
from mtl_keras.features.base import Feature
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

# In standard deviations. Not two beyond the training range, as for a single number: the range of
# each number of an embedding would have to be learned, exported, and known to the NumPy reader.
LIMIT = 10.0
LOOKED_AT = 1000  # rows, for a warning


@keras.saving.register_keras_serializable("mtl_keras")
class VectorEncoding(ArgumentsAsConfig, FullPrecision):
    """Centres, scales and clips each number of a vector to +-10; NaN becomes 0.

    **Shape:** float `(rows, n)` to `{"plain": (rows, n)}`, or `n + 1` with an indicator, 1 if all
    numbers are NaN.

    Args:
        center: Subtracted from each number.
        scale: Divisor of each number after that.
        indicator: Whether to add an indicator. Default False.

    Example:

    >>> layer = VectorEncoding(center=[1.0, 2.0], scale=[2.0, 1.0])
    >>> layer(tf.constant([[3.0, float("nan")]]))["plain"].numpy().tolist()
    [[1.0, 0.0]]
    """

    def __init__(
        self,
        center: Sequence[float],
        scale: Sequence[float],
        indicator: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.indicator = tuple(center), tuple(scale), indicator

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        missing = tf.math.is_nan(values)
        scaled = (values - tf.constant(self.center)) / tf.constant(self.scale)
        scaled = tf.where(missing, 0.0, tf.clip_by_value(scaled, -LIMIT, LIMIT))
        if self.indicator:
            absent = tf.reduce_all(missing, axis=1, keepdims=True)
            scaled = tf.concat([scaled, tf.cast(absent, tf.float32)], axis=1)
        return {"plain": scaled}


@dataclass(frozen=True, repr=False)
class Vector(Feature):
    """A vector, such as an embedding or a spectrum, each of whose numbers is standardised.

    The table has a column of lists or arrays (as in Parquet), or numbered columns: `embedding_0`,
    `embedding_1`, ... New tables must have the same ones. The exported model takes one array per
    row. *Missing*: a NaN is replaced by the mean of its position, and a missing vector by the means
    of all, with an indicator if it was missing in any training row. *Unseen*: numbers are clipped
    to 10 standard deviations.

    Args:
        size: Length of the vector. Default None: learned.
        numbered: The numbered columns, in their order. Learned; None for a column of lists.
        center: Mean of each number. Learned.
        scale: Standard deviation of each number. Learned.
        indicator: Whether missing vectors have an indicator. Learned.

    Example:

    >>> Vector("embedding", 2).fit(pd.Series([[1.0, 5.0], [3.0, 5.0]])).center
    (2.0, 5.0)
    """

    also_called: ClassVar[str] = "embedding array list spectrum"

    size: int | None = None
    numbered: tuple[str, ...] | None = None
    center: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None
    indicator: bool | None = None

    @property
    def raw_shape(self) -> tuple[int, ...]:
        return (self.size or 0,)

    def reads(self, columns: Sequence[str]) -> list[str]:
        known = [name for name in self.numbered or () if name in columns]
        if known or self.source in columns:
            return known or [self.source]
        if self.numbered is not None:
            return []
        pattern = re.compile(re.escape(self.source) + r"[_.\- ]?(\d+)")
        found: dict[int, str] = {}
        for column in columns:
            match = pattern.fullmatch(column)
            if match and found.setdefault(int(match[1]), column) != column:
                raise DataError(
                    f"Feature {self.name!r} is a vector of numbered columns, and "
                    f"{found[int(match[1])]!r} and {column!r} have the same number. Rename or drop "
                    "one."
                )
        return [found[number] for number in sorted(found)]

    def lacks(self, columns: Sequence[str]) -> list[str]:
        read = self.reads(columns)
        if not read or read == [self.source]:
            return super().lacks(columns)
        return [name for name in self.numbered or () if name not in read]

    def select(self, table: pd.DataFrame) -> Any:
        names = self.reads(list(table.columns))
        if names == [self.source]:
            return super().select(table)
        if absent := self.lacks(list(table.columns)):
            raise DataError(
                f"Feature {self.name!r} is a vector of {self.size} columns, of which the table "
                f"lacks {', '.join(map(repr, absent[:10]))}. Expected all of the training: leave "
                "cells empty where a value is not known."
            )
        if not self.missing_values:
            return table[names]
        return table[names].apply(placeholders.masked, values=self.missing_values)

    def fit(self, column: Any) -> Self:
        values = self.raw(column).astype(float)
        missing = np.isnan(values).all(axis=1)
        if missing.all():
            raise DataError(f"Feature {self.name!r} has no vector in the training rows. Drop it.")
        for numbers in self._numbers(column.iloc[:LOOKED_AT], float).T:
            warn_of_resolution(self.name, numbers[~np.isnan(numbers)])
        center = np.nan_to_num(np.nanmean(values[~missing], axis=0))
        scale = np.nan_to_num(np.nanstd(values[~missing], axis=0))
        numbered = tuple(column.columns) if isinstance(column, pd.DataFrame) else None
        return self.but(size=values.shape[1], numbered=numbered).completed(
            center=tuple(center.tolist()),
            scale=tuple(np.where(scale > 0, scale, 1.0).tolist()),
            indicator=bool(missing.any()),
        )

    def raw(self, column: Any) -> np.ndarray:
        return self._numbers(column, np.float32)

    def _numbers(self, column: Any, dtype: type) -> np.ndarray:
        """Return the numbers `(rows, size)`, NaN where missing; an error if one is infinite."""
        if isinstance(column, pd.DataFrame):
            read = [parsed(cells, NOTATIONS[0]) for _, cells in column.items()]
            values, bad = (np.stack(each, axis=1) for each in zip(*read))
            if bad.any():
                row, place = map(int, np.argwhere(bad)[0])
                self._refuse(column.index[row], column.iloc[row, place], "numbers")
            self._check_size(values.shape[1])
            values = values.astype(dtype)
        else:
            values = self._stacked(column, dtype)
            missing: np.ndarray = np.array(placeholders.numbers_of(self.missing_values), dtype)
            values[np.isin(values, missing)] = np.nan
        infinite = np.isinf(values).any(axis=1)
        if infinite.any():
            row = column.index[int(np.flatnonzero(infinite)[0])]
            self._refuse(row, "an infinite number", "finite numbers")
        return values

    def examples(self, observed: np.ndarray, random: np.random.Generator) -> np.ndarray:
        scaled = random.normal(size=(len(observed), self.size or 0)) + observed[:, None]
        return (scaled * (self.scale or 1) + (self.center or 0)).astype(np.float32)

    def layer(self) -> VectorEncoding:
        return VectorEncoding(self.center or (), self.scale or (), bool(self.indicator))

    def _stacked(self, column: pd.Series, dtype: type) -> np.ndarray:
        present = [vector for vector in column if is_list(vector)]
        size = self.size or (len(present[0]) if present else 0)
        values: np.ndarray = np.full((len(column), size), np.nan, dtype)
        for row, vector in enumerate(column):
            if not is_list(vector):
                if not is_missing(vector):
                    self._refuse(column.index[row], vector, "lists or arrays of numbers")
                continue
            self._check_size(len(vector), column.index[row], size)
            try:
                values[row] = np.asarray(vector, dtype)
            except (TypeError, ValueError):
                self._refuse(column.index[row], vector, "lists or arrays of numbers")
        return values

    def _check_size(self, length: int, row: Any = None, size: int | None = None) -> None:
        expected = self.size or size or length
        if length != expected:
            where = "" if row is None else f" in row {row}"
            raise DataError(
                f"Feature {self.name!r} is a vector of {expected} numbers. Received: {length}"
                f"{where}. Leave the cell empty if a vector is unknown."
            )

    def _refuse(self, row: Any, value: Any, expected: str) -> None:
        raise DataError(
            f"Feature {self.name!r} is a vector and must contain {expected}. Received: {value!r} "
            f"in row {row}."
        )
