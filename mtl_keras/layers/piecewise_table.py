"""The piecewise-linear embedding of trained weights as a table, which is faster to answer with."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision
from mtl_keras.layers.number_embedding import PiecewiseLinearEmbedding


@keras.saving.register_keras_serializable("mtl_keras")
class PiecewiseLinearTable(ArgumentsAsConfig, FullPrecision):
    r"""A vector per column: a function that is linear in each bin, read from a table of the bins.

    For a number $x$ in bin $t$, which starts at $b_t$, the vector is $A_t + B_t (x - b_t)$. It
    answers as a `PiecewiseLinearEmbedding` does, which computes all bins of a number to train them.

    **Shape:** `(rows, columns)` to `(rows, columns * dimension)`.

    Args:
        columns: Integer, number of columns.
        bins: Integer, maximum number of bins per column.
        dimension: Integer, length of a column's vector.

    Example:

    >>> embedding = PiecewiseLinearEmbedding(columns=2, bins=4, dimension=3)
    >>> embedding.set_edges([[0.0, 1.0, 2.0], [0.0, 5.0]])
    >>> numbers = tf.constant([[0.5, 1.0], [9.0, -1.0]])
    >>> table = PiecewiseLinearTable.of(embedding)
    >>> np.allclose(table(numbers), embedding(numbers), atol=1e-6)
    True
    """

    def __init__(self, columns: int, bins: int, dimension: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns, self.bins, self.dimension = columns, bins, dimension

    @classmethod
    def of(cls, embedding: PiecewiseLinearEmbedding, **kwargs: Any) -> Self:
        """The table of an embedding's present weights."""
        made = cls(embedding.columns, embedding.bins, embedding.dimension, **kwargs)
        made.build((None, embedding.columns))
        made.built = True
        made.set_weights(_table(embedding))
        return made

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        rows, vectors = (self.columns * self.bins,), (self.columns * self.bins, self.dimension)
        self.starts = self._weight((self.columns, self.bins - 1), "starts")
        self.start = self._weight(rows, "start")
        self.value, self.slope = self._weight(vectors, "value"), self._weight(vectors, "slope")

    def _weight(self, shape: tuple[int, ...], name: str) -> keras.Variable:
        return self.add_weight(shape, "zeros", trainable=False, name=name)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        bins = tf.searchsorted(self.starts.value, tf.transpose(x), side="right")
        at = tf.transpose(bins) + tf.range(self.columns) * self.bins
        distance = (x - tf.gather(self.start.value, at))[:, :, None]
        vectors = tf.gather(self.value.value, at) + tf.gather(self.slope.value, at) * distance
        return tf.reshape(vectors, (-1, self.columns * self.dimension))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        return input_shape[0], self.columns * self.dimension


def _table(embedding: PiecewiseLinearEmbedding) -> Sequence[np.ndarray]:
    """Where the second and later bins start; and for each bin its start, value there and slope."""
    slope, start, highest, kernel, linear, bias = (
        np.asarray(weight, float)
        for weight in (
            embedding.slope,
            embedding.start,
            embedding.highest,
            embedding.kernel,
            embedding.linear,
            embedding.bias,
        )
    )
    used = highest > 0
    begins = np.divide(-start, slope, out=np.zeros_like(slope), where=used)
    rise = np.where(used[..., None], kernel, 0)  # of the curved part over the whole bin
    before = np.cumsum(rise, axis=1) - rise
    values = before + linear[:, None] * begins[..., None] + bias[:, None]
    slopes = rise * slope[..., None] + linear[:, None]
    return (
        np.where(used, begins, np.inf)[:, 1:],
        begins.reshape(-1),
        values.reshape(-1, kernel.shape[-1]),
        slopes.reshape(-1, kernel.shape[-1]),
    )
