"""Categories."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.errors import check
from mtl_keras.features.base import Feature
from mtl_keras.layers import CategoryEncoding


@dataclass(frozen=True, repr=False)
class Categorical(Feature):
    """One of a number of values, encoded as an index that the network turns into a vector.

    *Missing* (NaN, None or empty) has a place of its own. *Unseen* values, and those that fewer
    than `min_frequency` training rows have or that are past the `max_size` most frequent, share
    another. Numbers are taken as texts, 3.0 as "3".

    Args:
        min_frequency: Integer, rows that a value must have to get a place. Default 5.
        max_size: Integer, most values to keep, by frequency. Default 1000.
        vocabulary: The values, most frequent first. Learned.

    Example:

    >>> column = pd.Series(["a"] * 6 + ["b"] * 5 + ["rare", None])
    >>> Categorical("plan").fit(column).vocabulary
    ('a', 'b')
    """

    kind: ClassVar[str] = "categorical"

    min_frequency: int = 5
    max_size: int = 1000
    vocabulary: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.min_frequency >= 1, f"{self.name}.min_frequency", "be >= 1", self.min_frequency)
        check(self.max_size >= 1, f"{self.name}.max_size", "be >= 1", self.max_size)

    @property
    def raw_dtype(self) -> str:
        return "string"

    @property
    def size(self) -> int:
        """Number of indices: the vocabulary, one for missing, one for unseen."""
        return len(self.vocabulary or ()) + 2

    def fit(self, column: pd.Series) -> Self:
        if self.vocabulary is not None:
            return self
        counts = pd.Series(self.raw(column)).value_counts()
        counts = counts[(counts >= self.min_frequency) & (counts.index != "")]
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return self.but(vocabulary=tuple(str(value) for value, _ in ranked[: self.max_size]))

    def raw(self, column: pd.Series) -> np.ndarray:
        codes, values = pd.factorize(column)  # a few distinct values, many rows
        texts = np.array([*(category_text(value) for value in values), ""], object)
        return texts[codes]

    def layer(self) -> CategoryEncoding:
        return CategoryEncoding(self.vocabulary or ())


def category_text(value: object) -> str:
    """A category as text: 3.0 is "3"."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()
