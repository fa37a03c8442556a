"""Crossings: the exact values of one feature, or of several together, read as a category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.errors import ConfigError, DataError, check, shown
from mtl_keras.features.tokens import string_lookup
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

Values = Sequence[Any]  # strings, or numbers


@keras.saving.register_keras_serializable("mtl_keras")
class CrossingEncoding(ArgumentsAsConfig, FullPrecision):
    """Encodes the values of several inputs as one index, that of their combination.

    Index 0 is for rows in which all values are missing, 1 for unknown combinations. The known ones
    follow.

    **Shape:** a list of `(rows,)`, strings or numbers, to `(rows, 1)`, int32.

    Args:
        values: The known values of each input: strings, or numbers in ascending order. Within its
            input, a value has an index from 2; 0 is for a missing value (an empty string, NaN), 1
            for any other.
        combinations: The known combinations of these indices, ascending, each as one number: i, j,
            k is (i * n + j) * m + k, where n and m are the numbers of indices of the second and
            third input.

    Example:

    >>> layer = CrossingEncoding([["north", "south"], [7.0]], combinations=[8, 9, 11])
    >>> shops, codes = tf.constant(["north", "south", "", "east"]), tf.constant([7.0] * 4)
    >>> layer([shops, codes]).numpy().tolist()
    [[2], [4], [1], [1]]
    """

    def __init__(
        self, values: Sequence[Values], combinations: Sequence[int], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.values, self.combinations = tuple(map(tuple, values)), tuple(combinations)
        texts = [all(isinstance(value, str) for value in each) for each in self.values]
        self.lookups = [
            string_lookup(each) if is_text else None for each, is_text in zip(self.values, texts)
        ]

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        number = tf.zeros_like(inputs[0], tf.int64)
        for raw, values, lookup in zip(inputs, self.values, self.lookups):
            if raw.dtype == tf.string and lookup is not None:
                index = lookup(raw)
            else:
                index = _indices(raw, values)
            number = number * (len(values) + 2) + tf.cast(index, tf.int64)
        known = tf.constant(self.combinations, tf.int64)
        index = tf.where(number == 0, 0, _found(known, number))
        return tf.reshape(index, (-1, 1))  # results of lookup tables have no known shape


def _indices(numbers: tf.Tensor, values: Sequence[float]) -> tf.Tensor:
    """Return 0 for NaN, 1 for a number that is not among the values, which start at 2."""
    return tf.where(tf.math.is_nan(numbers), 0, _found(tf.constant(values, tf.float32), numbers))


def _found(known: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Return 2 plus the position among the known values, which ascend; 1 for unknown ones."""
    if known.shape[0] == 0:
        return tf.ones_like(wanted, tf.int32)
    at = tf.minimum(tf.searchsorted(known, wanted), known.shape[0] - 1)
    return tf.where(tf.gather(known, at) == wanted, at + 2, 1)


@dataclass(frozen=True)
class Crossing:
    """The exact value of a feature, or a combination of several features' values, as a category.

    The network reads it in addition to the features themselves. Month and day together determine
    the day of the year, for example. A crossing of a single feature is for numbers that are codes,
    such as article numbers or postcodes.

    *Missing*: a missing value counts as a value; rows in which all are missing have their own
    index. *Unseen*: combinations that do not occur in the training rows share one index with those
    in fewer than `min_frequency` rows and those beyond the `max_size` most frequent ones.

    Args:
        features: Names of features of kinds that are `crossable`.
        min_frequency: Integer, number of training rows in which a combination must occur. Default
            5.
        max_size: Integer, maximum number of combinations. Default 2000.
        values: The values of each feature in the known combinations. Learned.
        combinations: The known combinations: see `CrossingEncoding`. Learned.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Cheng et al.: "Wide & Deep Learning for Recommender Systems", DLRS 2016 (products of
        columns as features), https://arxiv.org/abs/1606.07792.

    Example:

    >>> crossing = Crossing(("month", "day"), min_frequency=2)
    >>> fitted = crossing.fit([np.float32([1, 1, 2, 2]), np.float32([31, 31, 1, 2])])
    >>> fitted.name, fitted.values, fitted.category_size
    ('month × day', ((1.0,), (31.0,)), 3)
    """

    features: tuple[str, ...]
    min_frequency: int = 5
    max_size: int = 2000
    values: tuple[Values, ...] | None = None
    combinations: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check(len(self.features) >= 1, "features", "name at least one feature", self.features)
        check(self.min_frequency >= 1, f"{self.name}.min_frequency", "be >= 1", self.min_frequency)
        check(self.max_size >= 1, f"{self.name}.max_size", "be >= 1", self.max_size)

    @property
    def name(self) -> str:
        """The names of its features."""
        return " × ".join(self.features)

    @property
    def category_size(self) -> int:
        """The number of known combinations, plus one index each for missing and unknown ones."""
        return len(self.combinations or ()) + 2

    def fit(self, raw: Sequence[np.ndarray]) -> Self:
        """Return a copy that knows the combinations in the training rows.

        Args:
            raw: For each feature, its `raw` values.

        Raises:
            DataError: if no combination occurs in enough of them.
        """
        coded = [factorized(each) for each in raw]
        codes = pd.DataFrame({n: codes for n, (codes, _) in enumerate(coded)})
        counts = codes[(codes > 0).any(axis=1)].groupby(list(codes)).size()
        counts = counts[counts >= self.min_frequency].sort_values(ascending=False, kind="stable")
        if counts.empty:
            raise DataError(
                f"Crossing {self.name!r} has no combination of values that is in "
                f"{self.min_frequency} training rows. Leave it out."
            )
        known = counts.index[: self.max_size].to_frame(index=False)
        numbers, values = np.zeros(len(known), np.int64), []
        for n, (_, every) in enumerate(coded):
            used = np.unique(known[n])
            used = used[used > 0]
            indices = np.where(known[n] == 0, 0, np.searchsorted(used, known[n]) + 2)
            numbers = numbers * (len(used) + 2) + indices
            values.append(tuple(every[used - 1].tolist()))
        return replace(self, values=tuple(values), combinations=tuple(np.sort(numbers).tolist()))

    def layer(self) -> CrossingEncoding:
        """Return the layer from its features' raw values to an index."""
        return CrossingEncoding(self.values or (), self.combinations or ())

    def summary(self) -> dict[str, Any]:
        """Return its features and the number of known combinations."""
        return {"features": list(self.features), "known": len(self.combinations or ())}

    def get_config(self) -> dict[str, Any]:
        """Return what an artifact stores: the summary, and what the layer needs."""
        values = [list(each) for each in self.values or ()]
        return {**self.summary(), "values": values, "combinations": list(self.combinations or ())}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return the crossing that a `get_config` describes."""
        values = tuple(map(tuple, config["values"]))
        return cls(
            tuple(config["features"]), values=values, combinations=tuple(config["combinations"])
        )


def declared(crossings: Any) -> tuple[tuple[str, ...], ...]:
    """Return the features of each crossing that a plan declares.

    Raises:
        ConfigError: if they are not a list of lists of names.

    Example:

    >>> declared([["month", "day"], ["postcode"]])
    (('month', 'day'), ('postcode',))
    """
    lists: Any = crossings if isinstance(crossings, (list, tuple)) else [None]
    for names in lists:
        listed = isinstance(names, (list, tuple)) and len(names) > 0
        if not listed or not all(isinstance(name, str) for name in names):
            raise ConfigError(
                "`crossings` must be 'auto', or a list of lists of features, such as "
                f"[['month', 'day']]. Received: {shown(crossings)}."
            )
    return tuple(tuple(names) for names in lists)


def in_words(crossings: Sequence[Mapping[str, Any]]) -> str:
    """Return summaries of crossings as a line for the user.

    Example:

    >>> in_words([{"features": ["month", "day"], "known": 365}])
    'also read by exact value: month × day (365 values)'
    """
    each = (f"{' × '.join(c['features'])} ({c['known']:,} values)" for c in crossings)
    return f"also read by exact value: {', '.join(each)}"


def factorized(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of raw values, from 1 in the order of the values (0: missing), and the values.

    Example:

    >>> factorized(np.array(["b", "", "a"], object))
    (array([2, 0, 1]), array(['a', 'b'], dtype=object))
    """
    missing = raw == "" if raw.dtype == object else np.isnan(raw)
    codes, values = pd.factorize(np.where(missing, np.nan, raw), sort=True)
    return codes + 1, values
