"""Embeddings of categorical columns."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.mixins import ArgumentsAsConfig


@keras.saving.register_keras_serializable("mtl_keras")
class CategoryEmbedding(ArgumentsAsConfig, keras.layers.Layer):
    """Embeddings of several categorical columns, concatenated, from one table.

    One gather serves all columns. A column of n values gets a vector of 1.6 n^0.56 numbers, at most
    `dimension` (fastai's rule). Indices 0 (missing) and 1 (unseen or rare) start at zero, so that a
    value without training rows has no effect. An index that a column does not have gets NaN.

    **Shape:** int `(rows, columns)` to float `(rows, sum(widths))`.

    Args:
        sizes: Number of indices of each column, the two special ones included.
        dimension: Integer, maximum length of a column's vector. Default 16.
        initializer: `"normal"` (default), or `"zeros"`, so that values with few training rows have
            little effect.

    Raises:
        ConfigError: if an argument is not as described above.

    Example:

    >>> layer = CategoryEmbedding(sizes=[4, 3], dimension=2)
    >>> layer.widths, layer(tf.constant([[3, 0], [0, 1]])).shape
    ([2, 2], TensorShape([2, 4]))
    """

    def __init__(
        self, sizes: Sequence[int], dimension: int = 16, initializer: str = "normal", **kwargs: Any
    ) -> None:
        check(initializer in ("normal", "zeros"), "initializer", "be normal or zeros", initializer)
        super().__init__(**kwargs)
        self.sizes, self.dimension, self.initializer = tuple(sizes), dimension, initializer

    @property
    def widths(self) -> list[int]:
        """Length of the vector of each column."""
        return [
            min(self.dimension, math.ceil(1.6 * max(size - 2, 1) ** 0.56)) for size in self.sizes
        ]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.table = self.add_weight(
            shape=(sum(self.sizes), max(self.widths)),
            initializer="zeros" if self.initializer == "zeros" else self._normal,
            name="table",
        )

    def _normal(self, shape: tuple[int, int], dtype: Any = None) -> Any:
        values = keras.random.normal(shape, stddev=shape[1] ** -0.5, dtype=dtype)
        within = keras.ops.concatenate([keras.ops.arange(size) for size in self.sizes])
        return values * keras.ops.cast(within >= 2, values.dtype)[:, None]

    def call(self, indices: tf.Tensor) -> tf.Tensor:
        starts = [sum(self.sizes[:column]) for column in range(len(self.sizes))]
        vectors = keras.ops.take(self.table, indices + keras.ops.array(starts, "int32"), axis=0)
        # Else it would be the vector of another column or, with XLA or a GPU, of any row.
        known = (indices >= 0) & (indices < keras.ops.array(self.sizes, "int32"))
        factors = keras.ops.where(known, 1.0, float("nan"))
        vectors = vectors * keras.ops.cast(factors, vectors.dtype)[..., None]
        longest, widths = max(self.widths), self.widths
        flat = keras.ops.reshape(vectors, (-1, len(widths) * longest))
        if sum(widths) == len(widths) * longest:
            return flat
        used = [c * longest + i for c, width in enumerate(widths) for i in range(width)]
        return keras.ops.take(flat, keras.ops.array(used, "int32"), axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        return input_shape[0], sum(self.widths)
