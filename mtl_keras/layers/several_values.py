"""Raw cells of several values to network inputs: vectors, sets of categories, sequences."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.layers.category import string_lookup


@keras.saving.register_keras_serializable("mtl_keras")
class VectorEncoding(keras.layers.Layer):
    """A vector with each number centred, scaled and clipped to +-10; NaN becomes 0.

    **Shape:** float `(rows, n)` to `{"binary": (rows, n)}`, or `n + 1` with an indicator, 1 where
    all numbers are NaN.

    Args:
        center: What each number has subtracted.
        scale: What each is divided by after.
        indicator: Whether there is an indicator. Default False.

    Example:

    >>> layer = VectorEncoding(center=[1.0, 2.0], scale=[2.0, 1.0])
    >>> layer(tf.constant([[3.0, float("nan")]]))["binary"].numpy().tolist()
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
        scaled = tf.where(missing, 0.0, tf.clip_by_value(scaled, -10.0, 10.0))
        if self.indicator:
            absent = tf.reduce_all(missing, axis=1, keepdims=True)
            scaled = tf.concat([scaled, tf.cast(absent, tf.float32)], axis=1)
        return {"binary": scaled}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "center": list(self.center),
            "scale": list(self.scale),
            "indicator": self.indicator,
        }


@keras.saving.register_keras_serializable("mtl_keras")
class CategoriesEncoding(keras.layers.Layer):
    """The categories of a text, as 0 and 1 for each, or as indices.

    **Shape:** strings `(rows,)` to `{"binary": (rows, 2 + n)}`: whether there are none, whether
    there is one that is unseen or rare, and one for each of the vocabulary; or, with a `length`, to
    `{"own": (rows, length)}`, int32: 0 is nothing, 1 unseen or rare, then the vocabulary.

    Args:
        vocabulary: Strings, in the order of their indices.
        separator: What stands between two categories. Default ",".
        length: Most categories of a row, for indices. Default None.

    Example:

    >>> layer = CategoriesEncoding(["jazz", "folk"])
    >>> layer(tf.constant(["folk, ska", ""]))["binary"].numpy().tolist()
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
        return {"binary": tf.concat([none, known[:, 1:]], axis=1)}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary": list(self.vocabulary),
            "separator": self.separator,
            "length": self.length,
        }


@keras.saving.register_keras_serializable("mtl_keras")
class SequenceEncoding(keras.layers.Layer):
    """The last values of a text, in their order: tokens as indices, or numbers scaled.

    **Shape:** strings `(rows,)` to `{"own": (rows, length)}`, int32, 0 where there is none, for
    tokens; for numbers to `{"own": (rows, length, 2)}`: the number, and 1 where there is one.

    Args:
        length: Most values of a row.
        separator: What stands between two values. Default " ".
        vocabulary: Tokens in the order of their indices, from 2; 1 is an unknown one. Default None:
            the values are numbers.
        center: What numbers have subtracted. Default 0.0.
        scale: What they are divided by after. Default 1.0.

    Example:

    >>> layer = SequenceEncoding(length=2, scale=2.0)
    >>> layer(tf.constant(["1 2 4", "6"]))["own"][:, :, 0].numpy().tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """

    def __init__(
        self,
        length: int,
        separator: str = " ",
        vocabulary: Sequence[str] | None = None,
        center: float = 0.0,
        scale: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.length, self.separator, self.center, self.scale = length, separator, center, scale
        self.vocabulary = None if vocabulary is None else tuple(vocabulary)
        self.lookup = string_lookup(vocabulary or [])

    def call(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        parts = split(texts, self.separator)[:, -self.length :]
        if self.vocabulary is not None:
            indices = tf.cast(tf.ragged.map_flat_values(self.lookup, parts), tf.int32)
            return {"own": indices.to_tensor(shape=(None, self.length))}
        numbers = tf.ragged.map_flat_values(tf.strings.to_number, parts)
        scaled = tf.ragged.map_flat_values(
            lambda values: tf.clip_by_value((values - self.center) / self.scale, -10.0, 10.0),
            numbers,
        )
        padded = scaled.to_tensor(shape=(None, self.length))
        there = tf.sequence_mask(parts.row_lengths(), self.length, tf.float32)
        return {"own": tf.stack([padded, there], axis=-1)}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "length": self.length,
            "separator": self.separator,
            "vocabulary": None if self.vocabulary is None else list(self.vocabulary),
            "center": self.center,
            "scale": self.scale,
        }


def split(texts: tf.Tensor, separator: str) -> tf.RaggedTensor:
    """The parts of each text, without white space around them, and without empty ones."""
    white = separator.isspace()
    parts = tf.strings.split(texts) if white else tf.strings.split(texts, separator)
    parts = tf.ragged.map_flat_values(tf.strings.strip, parts)
    return tf.ragged.boolean_mask(parts, tf.ragged.map_flat_values(lambda p: p != "", parts))
