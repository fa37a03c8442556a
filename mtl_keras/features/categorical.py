"""Categorical features."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.datasets import cells
from mtl_keras.datasets.categories import category_texts, other_spellings
from mtl_keras.datasets.lists import refuse_several
from mtl_keras.datasets.numbers import LOST_DIGITS, inexact
from mtl_keras.errors import check
from mtl_keras.features.base import Feature
from mtl_keras.features.tokens import check_vocabulary, string_lookup
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision


@keras.saving.register_keras_serializable("mtl_keras")
class CategoryEncoding(ArgumentsAsConfig, FullPrecision):
    """Encodes a category as an index: 0 if missing (empty), 1 if unseen or rare, else from 2.

    **Shape:** strings `(rows,)` to `{"categorical": (rows, 1)}`, int32.

    Args:
        vocabulary: Strings, in the order of their indices.

    Example:

    >>> layer = CategoryEncoding(["basic", "plus"])
    >>> layer(tf.constant(["plus", "", "gold"]))["categorical"].numpy().tolist()
    [[3], [0], [1]]
    """

    def __init__(self, vocabulary: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary = tuple(vocabulary)
        self.lookup = string_lookup(vocabulary)

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        index = tf.cast(self.lookup(values), tf.int32)
        return {
            "categorical": tf.reshape(index, (-1, 1))
        }  # results of lookup tables have no known shape


@dataclass(frozen=True, repr=False)
class Categorical(Feature):
    """A category, encoded as an index that the network embeds as a vector.

    *Missing* (NaN, None or empty) has its own index. *Unseen* values, those in fewer than
    `min_frequency` training rows, and those beyond the `max_size` most frequent ones share another.
    Numbers are read as strings, 3.0 as "3". So is the string "3.0" if only "3" is known, and
    `true`, `True` and `TRUE` are the one of them that is known. The exported model takes the
    strings as they are known.

    Args:
        min_frequency: Integer, number of training rows in which a value must occur to get its own
            index. Default 5.
        max_size: Integer, maximum number of values, the most frequent first. Default 1000.
        vocabulary: The values, most frequent first. Learned.

    Example:

    >>> column = pd.Series(["a"] * 6 + ["b"] * 5 + ["rare", None])
    >>> Categorical("plan").fit(column).vocabulary
    ('a', 'b')
    """

    also_called: ClassVar[str] = "category string str nominal enum identifier one_hot"
    shows_dependence: ClassVar[bool] = True
    crossable: ClassVar[bool] = True

    min_frequency: int = 5
    max_size: int = 1000
    vocabulary: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_vocabulary(self)
        check(self.min_frequency >= 1, f"{self.name}.min_frequency", "be >= 1", self.min_frequency)
        check(self.max_size >= 1, f"{self.name}.max_size", "be >= 1", self.max_size)

    @property
    def raw_dtype(self) -> str:
        return "string"

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """The size of the vocabulary, plus one index each for missing and unseen values."""
        return (len(self.vocabulary or ()) + 2,)

    def fit(self, column: pd.Series) -> Self:
        if self.vocabulary is not None:
            return self
        counts = pd.Series(self.raw(column)).value_counts()
        counts = counts[(counts >= self.min_frequency) & (counts.index != "")]
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return self.but(vocabulary=tuple(str(value) for value, _ in ranked[: self.max_size]))

    def raw(self, column: pd.Series) -> np.ndarray:
        refuse_several(self.name, self.kind, column)
        what = f"Feature {self.name!r} is categorical"
        cells.refuse(what, column, self.unreadable(column), LOST_DIGITS)
        return category_texts(column, self._spellings)

    @functools.cached_property
    def _spellings(self) -> dict[str, str]:
        return other_spellings(set(self.vocabulary or ()))

    def unreadable(self, column: pd.Series) -> np.ndarray:
        """Return which cells are floats that may stand for several whole numbers."""
        return inexact(column)

    def observed(self, raw: np.ndarray) -> np.ndarray:
        return raw

    def unknown(self, raw: np.ndarray) -> np.ndarray:
        return ~pd.Series(raw).isin([*(self.vocabulary or ()), ""]).to_numpy()

    def layer(self) -> CategoryEncoding:
        return CategoryEncoding(self.vocabulary or ())
