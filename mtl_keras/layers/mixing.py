"""Layers that mix parallel trunks: cross-stitch and NDDR units, and their interface."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.layers.mixins import ArgumentsAsConfig, SameShape


class Mixing(ArgumentsAsConfig, SameShape, keras.layers.Layer):
    """Base class: mixes streams into as many streams; `MultiTaskModel.sharing` reads `mixing`.

    Args:
        streams: Names of the streams.

    Example:

    >>> from mtl_keras.layers import CrossStitchUnit
    >>> unit = CrossStitchUnit(["churned", "spend"])
    >>> _ = unit([tf.ones([1, 4]), tf.ones([1, 4])])
    >>> unit.mixing.shape
    (2, 2)
    """

    def __init__(self, streams: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.streams = tuple(streams)

    @property
    def mixing(self) -> np.ndarray:
        """How much each stream (row) takes from each stream (column), `(streams, streams)`."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("mtl_keras")
class CrossStitchUnit(Mixing):
    r"""Every stream becomes a learned combination of all streams: $\tilde x_i = \sum_j a_{ij} x_j$.

    **Shape:** a list of K `(rows, ..., n)` to a list of K.

    Args:
        streams: Names of the streams.
        own: Float, initial $a_{ii}$; the others share the rest. Default 0.9.

    References:
        Misra et al.: "Cross-stitch Networks for Multi-task Learning", CVPR 2016,
        https://arxiv.org/abs/1604.03539, equation 1.

    Example:

    >>> unit = CrossStitchUnit(["a", "b"])
    >>> [round(float(t[0, 0]), 2) for t in unit([tf.ones([1, 1]), tf.zeros([1, 1])])]
    [0.9, 0.1]
    """

    def __init__(self, streams: Sequence[str], own: float = 0.9, **kwargs: Any) -> None:
        super().__init__(streams, **kwargs)
        self.own = own

    def build(self, input_shape: Any) -> None:
        start = near_identity(len(self.streams), self.own)
        self.weights_between = self.add_weight(
            start.shape, keras.initializers.Constant(start), name="mixing"
        )

    def call(self, streams: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return combined(self.weights_between, streams)

    @property
    def mixing(self) -> np.ndarray:
        return keras.ops.convert_to_numpy(self.weights_between)


@keras.saving.register_keras_serializable("mtl_keras")
class DiscriminativeReduction(Mixing):
    r"""NDDR: each stream becomes $\mathrm{ReLU}(\mathrm{BN}(W_i [x_1, \dots, x_K]))$.

    $W_i$ is a 1x1 convolution over the concatenated features (a matrix for dense features); it
    starts as `own` times the identity for the stream's own part and shares the rest among the
    others.

    **Shape:** a list of K `(rows, ..., n)` to a list of K.

    Args:
        streams: Names of the streams.
        own: Float, initial weight of a stream's own features. Default 0.9.

    References:
        Gao et al.: "NDDR-CNN: Layerwise Feature Fusing in Multi-Task CNNs by Neural
        Discriminative Dimensionality Reduction", CVPR 2019, https://arxiv.org/abs/1801.08297.

    Example:

    >>> unit = DiscriminativeReduction(["a", "b"], own=0.8)
    >>> _ = unit([tf.ones([1, 3]), tf.ones([1, 3])])
    >>> unit.mixing.round(2)
    array([[0.8, 0.2],
           [0.2, 0.8]], dtype=float32)
    """

    def __init__(self, streams: Sequence[str], own: float = 0.9, **kwargs: Any) -> None:
        super().__init__(streams, **kwargs)
        self.own = own
        self.norms = [
            keras.layers.BatchNormalization(name=f"norm_{n + 1}") for n in range(len(self.streams))
        ]

    def build(self, input_shape: Any) -> None:
        width, count = input_shape[0][-1], len(self.streams)
        # (streams out, streams in * width, width)
        start = np.einsum("ij,nm->ijnm", near_identity(count, self.own), np.eye(width))
        start = start.reshape(count, count * width, width)
        self.kernel = self.add_weight(
            start.shape, keras.initializers.Constant(start), name="kernel"
        )
        for norm, shape in zip(self.norms, input_shape):
            norm.build(shape)

    def call(self, streams: Sequence[tf.Tensor], training: bool = False) -> list[tf.Tensor]:
        together = keras.ops.concatenate(streams, axis=-1)
        return [
            keras.ops.relu(norm(keras.ops.matmul(together, self.kernel[number]), training=training))
            for number, norm in enumerate(self.norms)
        ]

    @property
    def mixing(self) -> np.ndarray:
        """Frobenius norm of each block, relative to the identity's."""
        kernel = keras.ops.convert_to_numpy(self.kernel)
        count, _, width = kernel.shape
        blocks = kernel.reshape(count, count, width, width)
        return np.sqrt((blocks**2).sum(axis=(2, 3)) / width)


def near_identity(size: int, own: float) -> np.ndarray:
    """A matrix with `own` on the diagonal and the rest, up to one, shared among the others.

    Example:

    >>> near_identity(2, 0.8).round(2)
    array([[0.8, 0.2],
           [0.2, 0.8]], dtype=float32)
    """
    if size == 1:
        return np.ones((1, 1), "float32")
    matrix = np.full((size, size), (1 - own) / (size - 1), "float32")
    np.fill_diagonal(matrix, own)
    return matrix


def combined(matrix: Any, parts: Sequence[Any]) -> list[Any]:
    """Weighted sums of `parts`, one for each row of weights in `matrix`."""
    sums = []
    for row in range(matrix.shape[0]):
        total = matrix[row, 0] * parts[0]
        for column in range(1, len(parts)):
            total = total + matrix[row, column] * parts[column]
        sums.append(total)
    return sums
