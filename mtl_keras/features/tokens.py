"""Strings that represent categories, words or tokens, and their indices."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import check


def string_lookup(vocabulary: Sequence[str]) -> keras.layers.StringLookup:
    """Return a layer from strings to indices: 0 is empty, 1 unknown, then the vocabulary.

    Example:

    >>> string_lookup(["a"])(tf.constant(["", "b", "a"])).numpy().tolist()
    [0, 1, 2]
    """
    nothing = ["\x1f\x1f"]  # Keras accepts no empty vocabulary; no category equals this
    unknown = "\x1f?"  # nor this, whereas Keras's default, [UNK], may be one
    return keras.layers.StringLookup(
        vocabulary=list(vocabulary) or nothing, mask_token="", oov_token=unknown
    )


def check_vocabulary(feature: Any) -> None:
    """Raise a ConfigError if no lookup can be made from a given vocabulary."""
    words = feature.vocabulary
    good = words is None or (
        all(isinstance(word, str) and word for word in words) and len(set(words)) == len(words)
    )
    check(good, f"{feature.name}.vocabulary", "list strings, each once and none empty", words)


def split(texts: tf.Tensor, separator: str) -> tf.RaggedTensor:
    """Return the non-empty parts of each string, stripped of white space.

    The separator " " stands for any white space, as in `datasets.lists.parts`.
    """
    parts = tf.strings.split(texts, None if separator == " " else separator)
    parts = tf.ragged.map_flat_values(tf.strings.strip, parts)
    return tf.ragged.boolean_mask(parts, tf.ragged.map_flat_values(lambda p: p != "", parts))


def joined_at_random(
    numbers: np.ndarray, vocabulary: Sequence[str], separator: str, random: np.random.Generator
) -> np.ndarray:
    """Return strings with given numbers of known and unknown parts; empty for NaN or below 1."""
    parts = np.array([*vocabulary, "never-seen"], object)
    counts = np.clip(np.nan_to_num(numbers), 0, 1000).astype(int)
    return np.array([separator.join(random.choice(parts, n)) for n in counts], object)
