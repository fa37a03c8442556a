"""Embeddings of numbers, with which a shallow network can fit sharp bends along a column."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision


@keras.saving.register_keras_serializable("mtl_keras")
class PiecewiseLinearEmbedding(ArgumentsAsConfig, FullPrecision):
    r"""A vector per column: a linear part, and a learned function that is linear in each bin.

    For a column with edges $b_0 < \dots < b_T$, $e_t = \mathrm{clip}((x - b_{t-1}) / (b_t -
    b_{t-1}), 0, 1)$, without the lower bound in the first bin and the upper bound in the last, and
    the vector is $w x + c + \sum_t V_t e_t$, $V = 0$ at the start (version "B" of the reference
    below).

    **Shape:** `(rows, columns)` to `(rows, columns * dimension)`.

    Args:
        columns: Integer, number of columns.
        bins: Integer, maximum number of bins per column. Default 48.
        dimension: Integer, length of a column's vector. Default 12.

    `set_edges` sets the bins; they are non-trainable weights.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Gorishniy, Rubachev, Babenko: "On Embeddings for Numerical Features in Tabular Deep
        Learning", NeurIPS 2022, https://arxiv.org/abs/2203.05556.

    Example:

    >>> layer = PiecewiseLinearEmbedding(columns=2, bins=4, dimension=3)
    >>> layer.set_edges([[0.0, 1.0, 2.0], [0.0, 5.0]])
    >>> layer(tf.constant([[0.5, 1.0]])).shape
    TensorShape([1, 6])
    """

    def __init__(self, columns: int, bins: int = 48, dimension: int = 12, **kwargs: Any) -> None:
        check(bins >= 1, "bins", "be >= 1", bins)
        check(dimension >= 1, "dimension", "be >= 1", dimension)
        super().__init__(**kwargs)
        self.columns, self.bins, self.dimension = columns, bins, dimension

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        table = (self.columns, self.bins)
        vectors = (self.columns, self.dimension)
        # e = clip(x * slope + start, lowest, highest), which is 0 for a missing bin.
        self.slope = self.add_weight(table, "zeros", trainable=False, name="slope")
        self.start = self.add_weight(table, "zeros", trainable=False, name="start")
        self.lowest = self.add_weight(table, "zeros", trainable=False, name="lowest")
        self.highest = self.add_weight(table, "zeros", trainable=False, name="highest")
        self.kernel = self.add_weight((*table, self.dimension), "zeros", name="kernel")
        self.linear = self.add_weight(vectors, _uniform, name="linear")
        self.bias = self.add_weight(vectors, _uniform, name="bias")

    def set_edges(self, edges: Sequence[Any]) -> None:
        """Set the edges of each column, ascending; fewer than two mean no bins."""
        check(len(edges) == self.columns, "edges", f"be of {self.columns} columns", len(edges))
        if not hasattr(self, "slope"):
            self.build((None, self.columns))
            self.built = True
        slope, start, lowest, highest = np.zeros((4, self.columns, self.bins), "float32")
        for column, positions in enumerate(edges):
            b = np.unique(np.asarray(positions, float))
            count = min(len(b) - 1, self.bins)
            if count < 1:
                continue
            width = b[1 : count + 1] - b[:count]
            slope[column, :count] = 1 / width
            start[column, :count] = -b[:count] / width
            highest[column, :count] = 1.0
            lowest[column, 0], highest[column, count - 1] = -LARGEST, LARGEST
        for weight, value in zip(
            (self.slope, self.start, self.lowest, self.highest), (slope, start, lowest, highest)
        ):
            weight.assign(value)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        # Columns come first, so that only numbers and vectors are transposed, never the bins.
        x = keras.ops.transpose(x)[:, :, None]
        bins = keras.ops.minimum(
            keras.ops.maximum(x * _each(self.slope) + _each(self.start), _each(self.lowest)),
            _each(self.highest),
        )
        curved = keras.ops.matmul(bins, self.kernel)
        vectors = curved + x * _each(self.linear) + _each(self.bias)
        return keras.ops.reshape(
            keras.ops.transpose(vectors, (1, 0, 2)), (-1, self.columns * self.dimension)
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        return input_shape[0], self.columns * self.dimension


@keras.saving.register_keras_serializable("mtl_keras")
class PeriodicEmbedding(ArgumentsAsConfig, FullPrecision):
    r"""A vector per column: its value, and a learned combination of waves with learned frequencies.

    $[x, W \cos(2 \pi f x + g) + b]$ per column, $f \sim N(0, \sigma^2)$, $g \sim U(-\pi, \pi)$
    (PBLD, without its last activation).

    **Shape:** `(rows, columns)` to `(rows, columns * dimension)`.

    Args:
        columns: Integer, number of columns.
        frequencies: Integer, number of waves per column. Default 16.
        dimension: Integer >= 2, length of a column's vector. Default 4.
        scale: Float > 0, standard deviation of the initial frequencies. Default 0.1.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Holzmueller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted
        Trees on Tabular Data", NeurIPS 2024, https://arxiv.org/abs/2407.04491.

    Example:

    >>> PeriodicEmbedding(columns=2, dimension=4)(tf.ones([3, 2])).shape
    TensorShape([3, 8])
    """

    def __init__(
        self,
        columns: int,
        frequencies: int = 16,
        dimension: int = 4,
        scale: float = 0.1,
        **kwargs: Any,
    ) -> None:
        check(dimension >= 2, "dimension", "be >= 2", dimension)
        check(scale > 0, "scale", "be > 0", scale)
        super().__init__(**kwargs)
        self.columns, self.frequencies = columns, frequencies
        self.dimension, self.scale = dimension, scale

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        waves = (self.columns, self.frequencies)
        normal = keras.initializers.RandomNormal(stddev=self.scale)
        self.frequency = self.add_weight(waves, normal, name="frequency")
        phase = keras.initializers.RandomUniform(-math.pi, math.pi)
        self.phase = self.add_weight(waves, phase, name="phase")
        limit = self.frequencies**-0.5
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight((*waves, self.dimension - 1), uniform, name="kernel")
        self.bias = self.add_weight((self.columns, self.dimension - 1), uniform, name="bias")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = x[:, :, None]
        waves = keras.ops.cos(2 * math.pi * self.frequency * x + self.phase)
        mixed = keras.ops.einsum("bnt,ntd->bnd", waves, self.kernel) + self.bias
        both = keras.ops.concatenate([x, mixed], axis=2)
        return keras.ops.reshape(both, (-1, self.columns * self.dimension))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        return input_shape[0], self.columns * self.dimension


LARGEST = 1e9  # no clipping; infinity would make 0 * inf of a missing bin


def _each(weight: Any) -> Any:
    """A weight `(columns, n)` for all rows of `(columns, rows, n)`."""
    return keras.ops.expand_dims(weight, 1)


def _uniform(shape: tuple[int, int], dtype: Any = None) -> Any:
    limit = shape[-1] ** -0.5
    return keras.random.uniform(shape, -limit, limit, dtype=dtype)
