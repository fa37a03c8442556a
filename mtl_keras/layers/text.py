"""Raw texts to indices of words."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.layers.category import string_lookup

APART = r"([^\p{L}\p{M}\p{N}_'\s]+)"


def standardise(texts: tf.Tensor, lowercase: bool = True) -> tf.Tensor:
    """Texts in which a space stands between all words, and around runs of punctuation.

    A word is a run of letters, marks, digits and underscores of any script, with apostrophes in it
    (`don't`). All other runs, such as `...`, `:-)` or an emoji, are words of their own.

    Example:

    >>> standardise(tf.constant(["Don't panic!!! :-)"])).numpy()[0].decode().split()
    ["don't", 'panic', '!!!', ':-)']
    """
    if lowercase:
        texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, "[\u2018\u2019]", "'")
    return tf.strings.regex_replace(texts, APART, r" \1 ")


def split_words(texts: tf.Tensor, lowercase: bool = True, ngrams: int = 1) -> tf.RaggedTensor:
    """The words of each text, and behind them runs of up to `ngrams` of them."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")
    words = tf.strings.split(standardise(texts, lowercase))
    if ngrams == 1:
        return words
    longer = tf.strings.ngrams(words, list(range(2, ngrams + 1)), separator=" ")
    return tf.concat([words, longer], axis=1)


@keras.saving.register_keras_serializable("mtl_keras")
class TextEncoding(keras.layers.Layer):
    """A text as the indices of its first words: 0 is no word, 1 an unknown one.

    **Shape:** strings `(rows,)` to `{"own": (rows, length)}`, int32. Bytes that are not UTF-8 are
    left out.

    Args:
        vocabulary: Words in the order of their indices, which start at 2.
        length: Most words of a text.
        lowercase: Whether `Good` is `good`. Default True.
        ngrams: Words of up to this many neighbours stand behind the single ones. Default 1.

    Example:

    >>> layer = TextEncoding(["good", "!"], length=4)
    >>> layer(tf.constant(["Good film!", ""]))["own"].numpy().tolist()
    [[2, 1, 3, 0], [0, 0, 0, 0]]
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        length: int,
        lowercase: bool = True,
        ngrams: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary, self.length = tuple(vocabulary), length
        self.lowercase, self.ngrams = lowercase, ngrams
        self.lookup = string_lookup(vocabulary)

    def call(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        words = split_words(texts, self.lowercase, self.ngrams)
        indices = tf.ragged.map_flat_values(self.lookup, words)
        padded = indices.to_tensor(shape=(None, self.length))
        return {"own": tf.cast(padded, tf.int32)}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary": list(self.vocabulary),
            "length": self.length,
            "lowercase": self.lowercase,
            "ngrams": self.ngrams,
        }


@keras.saving.register_keras_serializable("mtl_keras")
class Tokenised(keras.layers.Layer):
    """A text by a tokenizer that is a Keras layer itself, such as one of keras-hub.

    **Shape:** strings `(rows,)` to `{"own": (rows, length)}`, int32.

    Args:
        tokenizer: The layer, from texts to indices `(rows, length)`, 0 where there is none.

    Example:

    >>> layer = Tokenised(keras.layers.TextVectorization(
    ...     output_sequence_length=3, vocabulary=["good"]))
    >>> layer(tf.constant(["Good film"]))["own"].numpy().tolist()
    [[2, 1, 0]]
    """

    def __init__(self, tokenizer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(tokenizer, dict):
            tokenizer = keras.saving.deserialize_keras_object(tokenizer)
        self.tokenizer = tokenizer

    def call(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"own": tf.cast(self.tokenizer(texts), tf.int32)}

    def get_config(self) -> dict[str, Any]:
        tokenizer = keras.saving.serialize_keras_object(self.tokenizer)
        return {**super().get_config(), "tokenizer": tokenizer}
