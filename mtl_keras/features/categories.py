"""Sets of categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.datasets.categories import category_text
from mtl_keras.datasets.lists import (
    joined,
    parts,
    refuse_written_lists,
    vocabulary,
    written_lists,
)
from mtl_keras.errors import DataError, check
from mtl_keras.features.base import Feature
from mtl_keras.features.tokens import (
    check_vocabulary,
    joined_at_random,
    split,
    string_lookup,
)
from mtl_keras.layers import Present, SequencePooling, TokenEmbedding
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

ENCODINGS = ("auto", "multi_hot", "embedding")
FEW = 64


@keras.saving.register_keras_serializable("mtl_keras")
class CategoriesEncoding(ArgumentsAsConfig, FullPrecision):
    """Encodes the categories in a string as 0 or 1 for each, or as indices.

    **Shape:** strings `(rows,)` to `{"plain": (rows, 2 + n)}`: whether there are none, whether any
    is unseen or rare, and 0 or 1 for each in the vocabulary. With a `length`, to `{"own": (rows,
    length)}`, int32: 0 for padding, 1 for unseen or rare, then the vocabulary.

    Args:
        vocabulary: Strings, in the order of their indices.
        separator: The separator of the categories. Default ",".
        length: Maximum number of categories per row, for indices. Default None.

    Example:

    >>> layer = CategoriesEncoding(["jazz", "folk"])
    >>> layer(tf.constant(["folk, ska", ""]))["plain"].numpy().tolist()
    [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        separator: str = ",",
        length: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary, self.separator, self.length = tuple(vocabulary), separator, length
        self.lookup = string_lookup(vocabulary)

    def call(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        parts = split(texts, self.separator)
        indices = tf.cast(tf.ragged.map_flat_values(self.lookup, parts), tf.int32)
        if self.length is not None:
            return {"own": indices.to_tensor(shape=(None, self.length))}
        size = len(self.vocabulary) + 2
        known = tf.math.bincount(
            indices, minlength=size, maxlength=size, binary_output=True, axis=-1, dtype=tf.float32
        )
        known = tf.ensure_shape(known, (None, size))
        none = tf.cast(indices.row_lengths() == 0, tf.float32)[:, tf.newaxis]
        return {"plain": tf.concat([none, known[:, 1:]], axis=1)}


@dataclass(frozen=True, repr=False)
class Categories(Feature):
    """A set of categories per row: a list, or a string with a separator, such as `jazz, folk`.

    The exported model takes strings with the separator. *Missing*: an empty set has its own
    indicator. *Unseen* and rare categories share another.

    Args:
        separator: The separator of categories in a string. Default ",".
        encoding: `"multi_hot"` (0 or 1 for each category), `"embedding"` (the mean and maximum of
            learned vectors), or `"auto"` (default): multi-hot for up to 64 categories, embedding
            for more.
        dimension: Length of an embedding. Default 16.
        min_frequency: Integer, number of training rows in which a category must occur. Default 5.
        max_size: Integer, maximum number of categories, the most frequent first. Default 5000.
        length: Maximum number of categories in a training row, and for an embedding in any row.
            Learned.
        vocabulary: The categories, most frequent first. Learned.

    Example:

    >>> column = pd.Series(["jazz, folk", "jazz", None])
    >>> Categories("genres", min_frequency=1).fit(column).vocabulary
    ('jazz', 'folk')
    """

    also_called: ClassVar[str] = "tags set multi_hot multilabel list"

    separator: str = ","
    encoding: str = "auto"
    dimension: int = 16
    min_frequency: int = 5
    max_size: int = 5000
    length: int | None = None
    vocabulary: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_vocabulary(self)
        check(
            self.encoding in ENCODINGS,
            f"{self.name}.encoding",
            f"be one of {', '.join(ENCODINGS)}",
            self.encoding,
        )
        check(self.separator != "", f"{self.name}.separator", "not be empty", self.separator)
        for name in ("dimension", "min_frequency", "max_size"):
            check(getattr(self, name) >= 1, f"{self.name}.{name}", "be >= 1", getattr(self, name))

    @property
    def raw_dtype(self) -> str:
        return "string"

    def fit(self, column: pd.Series) -> Self:
        sets = [set(parts(text, self.separator)) for text in self.raw(column)]
        if not any(sets):
            raise DataError(f"Feature {self.name!r} has no value in the training rows. Drop it.")
        known = self.vocabulary or tuple(vocabulary(sets, self.min_frequency, self.max_size))
        fitted = self.but(vocabulary=known).completed(length=max(map(len, sets)))
        if self.encoding != "auto":
            return fitted
        return fitted.but(encoding="multi_hot" if len(known) <= FEW else "embedding")

    def unreadable(self, column: pd.Series) -> np.ndarray:
        return written_lists(column)

    def raw(self, column: pd.Series) -> np.ndarray:
        refuse_written_lists(self.name, column, self.separator)
        return joined(self.name, column, self.separator, category_text)

    def examples(self, observed: np.ndarray, random: np.random.Generator) -> np.ndarray:
        numbers = observed + random.integers(1, (self.length or 1) + 1, len(observed))
        return joined_at_random(numbers, self.vocabulary or (), self.separator, random)

    def layer(self) -> keras.layers.Layer:
        return CategoriesEncoding(
            self.vocabulary or (),
            self.separator,
            None if self.encoding == "multi_hot" else self.length or 1,
        )

    def represent(self, encoded: Any, name: str) -> Any:
        mask = Present(name=f"{name}_present")(encoded)
        size = len(self.vocabulary or ()) + 2
        vectors = TokenEmbedding(size, self.dimension, name=f"{name}_embedding")(encoded)
        return SequencePooling(name=f"{name}_bag")(vectors, mask=mask)
