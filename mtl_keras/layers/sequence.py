"""Layers for sequences: embeddings of tokens and positions, masks, pooling."""

from typing import Any

import keras
from keras import ops

from mtl_keras.layers.mixins import ArgumentsAsConfig, SameShape


@keras.saving.register_keras_serializable("mtl_keras")
class SequencePooling(keras.layers.Layer):
    """Mean and maximum over the vectors of a sequence; zeros if it is empty.

    **Shape:** `(rows, length, n)`, and a mask `(rows, length)`, to `(rows, 2 n)`.

    Example:

    >>> import numpy as np
    >>> x = np.array([[[1.0], [3.0], [9.0]]])
    >>> SequencePooling()(x, np.array([[True, True, False]])).numpy().tolist()
    [[2.0, 3.0]]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.concatenate([ops.mean(x, axis=1), ops.max(x, axis=1)], axis=-1)
        present = ops.cast(mask, x.dtype)[:, :, None]
        count = ops.sum(present, axis=1)
        mean = ops.sum(x * present, axis=1) / ops.maximum(count, 1.0)
        lowest = ops.cast(-1e4, x.dtype)  # within the range of float16, too
        highest = ops.max(ops.where(present > 0, x, lowest), axis=1)
        return ops.concatenate([mean, ops.where(count > 0, highest, 0.0)], axis=-1)

    def compute_mask(self, x: Any, mask: Any = None) -> None:
        return None

    def compute_output_spec(self, x: Any, mask: Any = None) -> Any:
        return keras.KerasTensor((x.shape[0], 2 * x.shape[-1]), dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("mtl_keras")
class PositionEmbedding(SameShape, keras.layers.Layer):
    """Adds a learned vector to each position.

    **Shape:** `(rows, length, n)` to the same.

    Example:

    >>> PositionEmbedding()(keras.ops.zeros((2, 5, 3))).shape
    TensorShape([2, 5, 3])
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.table = self.add_weight(
            shape=input_shape[1:], initializer=keras.initializers.RandomNormal(stddev=0.02)
        )

    def call(self, x: Any) -> Any:
        return x + self.table


@keras.saving.register_keras_serializable("mtl_keras")
class TokenEmbedding(ArgumentsAsConfig, keras.layers.Layer):
    """A learned vector for each index, and zeros for index 0, which is not a token.

    An index beyond `size` gets NaN, or an error of TensorFlow.

    **Shape:** int `(rows, length)` to `(rows, length, dimension)`.

    Args:
        size: Number of indices, 0 included.
        dimension: Length of the vectors.

    Example:

    >>> vectors = TokenEmbedding(size=4, dimension=2)(keras.ops.array([[3, 0]])).numpy()
    >>> bool(vectors[0, 0].any()), bool(vectors[0, 1].any())
    (True, False)
    """

    def __init__(self, size: int, dimension: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.dimension = size, dimension

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.table = self.add_weight(
            shape=(self.size, self.dimension),
            initializer=keras.initializers.RandomNormal(stddev=self.dimension**-0.5),
            name="table",
        )

    def call(self, indices: Any) -> Any:
        vectors = ops.take(self.table, indices, axis=0)
        # Else it would be the vector of another token with XLA or a GPU.
        known = (indices >= 0) & (indices < self.size)
        factors = ops.where(known, ops.cast(indices > 0, vectors.dtype), float("nan"))
        return vectors * ops.cast(factors, vectors.dtype)[:, :, None]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.dimension)


@keras.saving.register_keras_serializable("mtl_keras")
class Present(ArgumentsAsConfig, keras.layers.Layer):
    """Computes the mask of the positions of a sequence that contain a value.

    **Shape:** indices `(rows, length)`, 0 where there is nothing, or `(rows, length, n)`, whose
    last number is 1 where there is something, to bool `(rows, length)`.

    Args:
        never_empty: Whether the first position counts as present in a row without any value, for
            layers that divide by the number of values. Default False.

    Example:

    >>> Present(never_empty=True)(keras.ops.array([[3, 2, 0], [0, 0, 0]])).numpy().tolist()
    [[True, True, False], [True, False, False]]
    """

    def __init__(self, never_empty: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.never_empty = never_empty

    def call(self, values: Any) -> Any:
        present = (values if len(values.shape) == 2 else values[:, :, -1]) > 0
        if self.never_empty:
            first = ops.arange(present.shape[1]) == 0
            present = present | (first & ~ops.any(present, axis=1, keepdims=True))
        return present

    def compute_output_spec(self, values: Any) -> Any:
        return keras.KerasTensor(values.shape[:2], dtype="bool")
