"""Text features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.backbones.keras_layer import as_text, from_text
from mtl_keras.backbones.pretrained import Pretrained
from mtl_keras.datasets.categories import text_of
from mtl_keras.datasets.lists import vocabulary
from mtl_keras.errors import DataError, check
from mtl_keras.features.base import BackboneFeature
from mtl_keras.features.tokens import check_vocabulary, joined_at_random, string_lookup
from mtl_keras.layers import Present, TokenEmbedding
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

APART = r"([^\p{L}\p{M}\p{N}_'\s]+)"
COVERED = 0.98


def standardise(texts: tf.Tensor, lowercase: bool = True) -> tf.Tensor:
    """Return texts with spaces between all words and around runs of punctuation.

    A word is a run of letters, marks, digits and underscores in any script, including apostrophes
    inside it (`don't`). All other runs, such as `...`, `:-)` or an emoji, are words of their own.

    Example:

    >>> standardise(tf.constant(["Don't panic!!! :-)"])).numpy()[0].decode().split()
    ["don't", 'panic', '!!!', ':-)']
    """
    if lowercase:
        texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, "[\u2018\u2019]", "'")
    return tf.strings.regex_replace(texts, APART, r" \1 ")


def split_words(texts: tf.Tensor, lowercase: bool = True, ngrams: int = 1) -> tf.RaggedTensor:
    """Return the words of each text, followed by its n-grams of up to `ngrams` words."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")
    texts = tf.strings.regex_replace(texts, r"\x00", " ")  # where `lower` would end the text
    words = tf.strings.split(standardise(texts, lowercase))
    if ngrams == 1:
        return words
    longer = tf.strings.ngrams(words, list(range(2, ngrams + 1)), separator=" ")
    return tf.concat([words, longer], axis=1)


@keras.saving.register_keras_serializable("mtl_keras")
class TextEncoding(ArgumentsAsConfig, FullPrecision):
    """Encodes a text as the indices of its first words: 0 is padding, 1 an unknown word.

    **Shape:** strings `(rows,)` to `{"own": (rows, length)}`, int32. Bytes that are not UTF-8 are
    removed.

    Args:
        vocabulary: Words in the order of their indices, which start at 2.
        length: Maximum number of words per text.
        lowercase: Whether `Good` is `good`. Default True.
        ngrams: Maximum length of the n-grams, which follow the single words. Default 1.

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


@keras.saving.register_keras_serializable("mtl_keras")
class Tokenised(FullPrecision):
    """Encodes a text with a tokenizer that is itself a Keras layer, such as one from KerasHub.

    **Shape:** strings `(rows,)` to `{"own": (rows, length)}`, int32.

    Args:
        tokenizer: The layer, from strings to indices `(rows, length)`, 0 for padding.

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


@dataclass(frozen=True, repr=False)
class Text(BackboneFeature):
    """A text in any language, as a sequence of words that a backbone reads.

    *Missing* (NaN, None or empty): no words; the backbone reads a single vector of zeros. *Unseen*
    and rare words share an index.

    Args:
        encoder: What reads the words: `"pooling"` (default: a bag of words, fast), `"lstm"`,
            `"gru"`, `"convolution"`, `"transformer"`, a mapping such as `{"kind": "lstm",
            "bidirectional": True}`, a new Keras layer, which is trained, or a function
            `"package.module:function"` that returns a pretrained one: see `mtl_keras.backbones`.
        dimension: Length of a word's vector. Default 64.
        lowercase: Whether `Good` is `good`. Default True.
        ngrams: Maximum length of n-grams that count as words: with 2, a bag of words knows "not
            good". Default 1.
        min_frequency: Integer, number of training texts in which a word must occur. Default 2.
        max_size: Integer, maximum size of the vocabulary. Default 20,000.
        max_length: Integer, maximum number of words per text. Default 256.
        word_dropout: Fraction of words dropped at random in training, so that the model does not
            rely on single words. Default 0.1.
        tokenizer: A Keras layer from strings to indices `(rows, length)`, 0 for padding, for a
            pretrained encoder with its own tokenizer. Those of KerasHub (`pip install
            mtl_keras[hub]`) put operations of `tensorflow_text` into the SavedModel, so this
            package must be imported where the model is served. Default: none.
        length: Number of words to read: enough for 98% of the training texts, at most
            `max_length`. Learned.
        vocabulary: The words, most frequent first. Learned.

    Example:

    >>> column = pd.Series(["A good film", "good, good!", None, "A bad one"])
    >>> fitted = Text("review").fit(column)
    >>> fitted.vocabulary, fitted.length
    (('a', 'good'), 4)
    """

    also_called: ClassVar[str] = "string str free_text sentence words document"
    reads_as: ClassVar[str] = "sequences"
    rows_per_call: ClassVar[int] = 4096

    encoder: Any = "pooling"
    dimension: int = 64
    lowercase: bool = True
    ngrams: int = 1
    min_frequency: int = 2
    max_size: int = 20_000
    max_length: int = 256
    word_dropout: float = 0.1
    tokenizer: Any = None
    length: int | None = None
    vocabulary: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_vocabulary(self)
        for name in ("dimension", "ngrams", "min_frequency", "max_size", "max_length"):
            check(getattr(self, name) >= 1, f"{self.name}.{name}", "be >= 1", getattr(self, name))
        good = 0 <= self.word_dropout < 1
        expected = "be >= 0 and < 1"
        check(good, f"{self.name}.word_dropout", expected, self.word_dropout)
        if isinstance(self.tokenizer, str):
            object.__setattr__(self, "tokenizer", from_text(self.tokenizer))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.tokenizer is not None:
            config["tokenizer"] = as_text(self.tokenizer)
        return config

    def fit(self, column: pd.Series) -> Self:
        if self.tokenizer is not None or (self.vocabulary is not None and self.length is not None):
            return self
        words = split_words(tf.constant(self.raw(column)), self.lowercase, self.ngrams)
        lengths = words.row_lengths().numpy()
        if lengths.max(initial=0) == 0:
            raise DataError(f"Feature {self.name!r} has no text in the training rows. Drop it.")
        most = int(np.quantile(lengths[lengths > 0], COVERED, method="higher"))
        known = vocabulary(words.to_list(), self.min_frequency, self.max_size)
        fitted = self.completed(length=min(most, self.max_length))
        return fitted.but(vocabulary=self.vocabulary or tuple(word.decode() for word in known))

    def raw(self, column: pd.Series) -> np.ndarray:
        texts = column.astype(object).where(column.notna(), "")
        return np.array([text_of(text) for text in texts], object)

    def observed(self, raw: np.ndarray) -> np.ndarray:
        """Return the numbers of words."""
        return np.array([len(text.split()) or np.nan for text in raw], float)

    def format_observed(self, observed: Sequence[float]) -> list[str]:
        return [f"{words:,.0f} word{'' if words == 1 else 's'}" for words in observed]

    def examples(self, observed: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return joined_at_random(observed, self.vocabulary or (), " ", random)

    def words(self, column: pd.Series) -> pd.Series:
        return pd.Series(self.raw(column), column.index)

    def layer(self) -> keras.layers.Layer:
        if self.tokenizer is not None:
            return Tokenised(self.tokenizer)
        return TextEncoding(self.vocabulary or (), self.length or 1, self.lowercase, self.ngrams)

    def represent(self, encoded: Any, name: str) -> Any:
        mask = Present(never_empty=True, name=f"{name}_words")(encoded)
        if isinstance(self.encoder, Pretrained):
            return self.vector(encoded, mask, name)
        size = len(self.vocabulary or ()) + 2
        vectors = TokenEmbedding(size, self.dimension, name=f"{name}_embedding")(encoded)
        if self.word_dropout:
            vectors = keras.layers.Dropout(
                self.word_dropout, noise_shape=(None, None, 1), name=f"{name}_word_dropout"
            )(vectors)
        return self.vector(vectors, mask, name)
