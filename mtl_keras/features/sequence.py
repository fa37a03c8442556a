"""Sequences of variable length."""

from collections import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.datasets import cells
from mtl_keras.datasets.categories import category_text
from mtl_keras.datasets.lists import (
    has_gaps,
    joined,
    parts,
    refuse_written_lists,
    vocabulary,
    written_lists,
)
from mtl_keras.datasets.numbers import warn_of_resolution
from mtl_keras.errors import DataError, check
from mtl_keras.features.base import BackboneFeature
from mtl_keras.features.tokens import check_vocabulary, joined_at_random, split, string_lookup
from mtl_keras.layers import Present, TokenEmbedding
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

OF = ("auto", "numbers", "tokens")
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
COVERED = 0.98
# In standard deviations. Not two beyond the training range, as for a single number: that would be
# another learned pair, which exports and the NumPy reader must know. Whether it helps was not
# measured.
LIMIT = 10.0


@keras.saving.register_keras_serializable("mtl_keras")
class SequenceEncoding(ArgumentsAsConfig, FullPrecision):
    """Encodes the last values in a string in order: tokens as indices, or scaled numbers.

    **Shape:** strings `(rows,)` to `{"own": (rows, length)}`, int32, 0 for padding, if they are
    tokens. If they are numbers, to `{"own": (rows, length, 2)}`: the number, and 1 where there is
    one.

    Args:
        length: Maximum number of values per row.
        separator: The separator of the values. Default " ".
        vocabulary: Tokens in the order of their indices, from 2; 1 is an unknown token. Default
            None: the values are numbers.
        center: Subtracted from numbers. Default 0.0.
        scale: Divisor of numbers after that. Default 1.0.

    Example:

    >>> layer = SequenceEncoding(length=2, scale=2.0)
    >>> layer(tf.constant(["1 2 4", "6"]))["own"][:, :, 0].numpy().tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """

    def __init__(
        self,
        length: int,
        separator: str = " ",
        vocabulary: abc.Sequence[str] | None = None,
        center: float = 0.0,
        scale: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.length, self.separator, self.center, self.scale = length, separator, center, scale
        self.vocabulary = None if vocabulary is None else tuple(vocabulary)
        self.lookup = string_lookup(vocabulary or [])

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Do nothing: the lookup already has its vocabulary."""

    def call(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        parts = split(texts, self.separator)[:, -self.length :]
        if self.vocabulary is not None:
            indices = tf.cast(tf.ragged.map_flat_values(self.lookup, parts), tf.int32)
            return {"own": indices.to_tensor(shape=(None, self.length))}
        numbers = tf.ragged.map_flat_values(tf.strings.to_number, parts)
        scaled = tf.ragged.map_flat_values(
            lambda values: tf.clip_by_value((values - self.center) / self.scale, -LIMIT, LIMIT),
            numbers,
        )
        padded = scaled.to_tensor(shape=(None, self.length))
        present = tf.sequence_mask(parts.row_lengths(), self.length, tf.float32)
        return {"own": tf.stack([padded, present], axis=-1)}


@dataclass(frozen=True, repr=False)
class Sequence(BackboneFeature):
    """A sequence of numbers or tokens of variable length, whose last ones are read.

    A row has a list, an array, or a string with a separator, which is what the exported model
    takes. *Missing*: an empty sequence. *Unseen* and rare tokens share an index; numbers are
    standardised and clipped to 10 standard deviations.

    Args:
        of: `"numbers"`, `"tokens"`, or `"auto"` (default): numbers if all training values are.
        encoder: What reads them: see `mtl_keras.backbones`. Default `"gru"`.
        separator: The separator of values in a string. Default " ".
        dimension: Length of a token's vector. Default 32.
        min_frequency: Integer, number of training rows in which a token must occur. Default 5.
        max_size: Integer, maximum size of the vocabulary. Default 10,000.
        max_length: Integer, maximum length of a sequence. Default 256.
        length: Number of values read, from the end: enough for 98% of the training rows, at most
            `max_length`. Learned.
        vocabulary: The tokens, most frequent first. Learned.
        center: Mean of the numbers. Learned.
        scale: Their standard deviation. Learned.

    Example:

    >>> fitted = Sequence("prices").fit(pd.Series([[1.0, 3.0], [2.0], None]))
    >>> fitted.of, fitted.center, fitted.length
    ('numbers', 2.0, 2)
    """

    also_called: ClassVar[str] = "series time_series tokens list"
    reads_as: ClassVar[str] = "sequences"
    rows_per_call: ClassVar[int] = 4096

    of: str = "auto"
    encoder: Any = "gru"
    separator: str = " "
    dimension: int = 32
    min_frequency: int = 5
    max_size: int = 10_000
    max_length: int = 256
    length: int | None = None
    vocabulary: tuple[str, ...] | None = None
    center: float | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_vocabulary(self)
        check(self.of in OF, f"{self.name}.of", f"be one of {', '.join(OF)}", self.of)
        check(self.separator != "", f"{self.name}.separator", "not be empty", self.separator)
        for name in ("dimension", "min_frequency", "max_size", "max_length"):
            check(getattr(self, name) >= 1, f"{self.name}.{name}", "be >= 1", getattr(self, name))

    def fit(self, column: pd.Series) -> Self:
        texts = joined(self.name, column, self.separator, category_text)
        split = [parts(text, self.separator) for text in texts]
        lengths = np.array([len(part) for part in split])
        if lengths.max(initial=0) == 0:
            raise DataError(f"Feature {self.name!r} has no value in the training rows. Drop it.")
        of = self.of
        if of == "auto":
            of = "tokens" if self._strange(texts).any() else "numbers"
        most = int(np.quantile(lengths[lengths > 0], COVERED, method="higher"))
        fitted = self.but(of=of, length=self.length or min(most, self.max_length))
        if of == "numbers":
            self._check_numbers(column, texts)
            values = np.array([float(value) for part in split for value in part])
            warn_of_resolution(self.name, values)
            return fitted.completed(center=float(values.mean()), scale=float(values.std() or 1.0))
        known = self.vocabulary or tuple(vocabulary(split, self.min_frequency, self.max_size))
        return fitted.but(vocabulary=known)

    def raw(self, column: pd.Series) -> np.ndarray:
        texts = joined(self.name, column, self.separator, category_text)
        if self.of == "numbers":
            self._check_numbers(column, texts)
        else:
            refuse_written_lists(self.name, column, self.separator)
        return texts

    def unreadable(self, column: pd.Series) -> np.ndarray:
        if self.of != "numbers":
            return written_lists(column)
        texts = joined(self.name, column, self.separator, category_text)
        return self._strange(texts) | column.map(has_gaps).to_numpy(bool)

    def examples(self, observed: np.ndarray, random: np.random.Generator) -> np.ndarray:
        numbers = observed + random.integers(1, 2 * (self.length or 1) + 1, len(observed))
        scaled = random.normal(size=100) * (self.scale or 1.0) + (self.center or 0.0)
        known = self.vocabulary if self.of == "tokens" else tuple(f"{x:.6g}" for x in scaled)
        made = joined_at_random(numbers, known or (), self.separator, random)
        unseen = "never-seen" if self.of == "tokens" else "0"
        return np.array([text.replace("never-seen", unseen) for text in made], object)

    def layer(self) -> keras.layers.Layer:
        return SequenceEncoding(
            self.length or 1, self.separator, self.vocabulary, self.center or 0.0, self.scale or 1.0
        )

    def represent(self, encoded: Any, name: str) -> Any:
        mask = Present(never_empty=True, name=f"{name}_present")(encoded)
        if self.of == "tokens":
            size = len(self.vocabulary or ()) + 2
            encoded = TokenEmbedding(size, self.dimension, name=f"{name}_embedding")(encoded)
        return self.vector(encoded, mask, name)

    def _strange(self, texts: np.ndarray) -> np.ndarray:
        """Return which strings contain anything but numbers."""
        between = rf"(?:\s*{_escaped(self.separator)}\s*)+"
        pattern = rf"(?:\s*{NUMBER}(?:{between}{NUMBER})*)?(?:{between})?\s*"
        return ~pd.Series(texts).astype(str).str.fullmatch(pattern).to_numpy(bool)

    def _check_numbers(self, column: pd.Series, texts: np.ndarray) -> None:
        what = f"Feature {self.name!r} is a sequence of numbers"
        advice = "Clean it, or declare the feature with of='tokens'."
        bad = self._strange(texts) | column.map(has_gaps).to_numpy(bool)
        cells.refuse(what, column, bad, advice)


def _escaped(separator: str) -> str:
    return (
        r"\s"
        if separator.isspace()
        else "".join(f"\\{c}" if not c.isalnum() else c for c in separator)
    )
