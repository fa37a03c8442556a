"""Layers that mix parallel trunks: cross-stitch, sluice, NDDR."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.shapes import SameShape


class Mixing(SameShape, keras.layers.Layer):
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

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "streams": list(self.streams)}


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

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "own": self.own}


@keras.saving.register_keras_serializable("mtl_keras")
class SluiceUnit(Mixing):
    r"""A cross-stitch unit between the subspaces of the streams: $\alpha \in R^{Ks \times Ks}$.

    **Shape:** a list of K `(rows, ..., n)` to a list of K; n must be a multiple of `subspaces`.

    Args:
        streams: Names of the streams.
        subspaces: Integer >= 1, s. Default 2.
        own: Float, initial diagonal of alpha; the others share the rest. Default 0.9.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Ruder, Bingel, Augenstein, Sogaard: "Latent Multi-task Architecture Learning", AAAI 2019,
        https://arxiv.org/abs/1705.08142, equation 2.

    Example:

    >>> unit = SluiceUnit(["a", "b"], own=1.0)
    >>> unit([tf.ones([1, 2]), tf.zeros([1, 2])])[0].numpy().tolist()
    [[1.0, 1.0]]
    """

    def __init__(
        self, streams: Sequence[str], subspaces: int = 2, own: float = 0.9, **kwargs: Any
    ) -> None:
        check(subspaces >= 1, "subspaces", "be >= 1", subspaces)
        super().__init__(streams, **kwargs)
        self.subspaces, self.own = subspaces, own

    def build(self, input_shape: Any) -> None:
        width = input_shape[0][-1]
        check(width % self.subspaces == 0, "subspaces", f"divide the width {width}", self.subspaces)
        start = near_identity(len(self.streams) * self.subspaces, self.own)
        self.alpha = self.add_weight(start.shape, keras.initializers.Constant(start), name="alpha")

    def call(self, streams: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        parts = [part for x in streams for part in keras.ops.split(x, self.subspaces, axis=-1)]
        mixed = combined(self.alpha, parts)
        return [
            keras.ops.concatenate(mixed[start : start + self.subspaces], axis=-1)
            for start in range(0, len(mixed), self.subspaces)
        ]

    @property
    def mixing(self) -> np.ndarray:
        """Mean absolute weight between the subspaces of each pair of streams."""
        k, s = len(self.streams), self.subspaces
        alpha = np.abs(keras.ops.convert_to_numpy(self.alpha)).reshape(k, s, k, s)
        return alpha.sum(axis=3).mean(axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "subspaces": self.subspaces, "own": self.own}


@keras.saving.register_keras_serializable("mtl_keras")
class SubspaceOrthogonality(keras.regularizers.Regularizer):
    r"""Sum over pairs of subspaces of $\|G_1^\top G_2\|_F^2$, where G are a kernel's columns.

    Args:
        subspaces: Integer >= 1.
        strength: Float >= 0. Default 1e-3.

    References:
        Ruder et al., AAAI 2019, equation 4.

    Example:

    >>> penalty = SubspaceOrthogonality(subspaces=2, strength=1.0)
    >>> float(penalty(tf.constant([[1.0, 0.0], [0.0, 1.0]]))), float(penalty(tf.ones([2, 2])))
    (0.0, 4.0)
    """

    def __init__(self, subspaces: int, strength: float = 1e-3) -> None:
        self.subspaces, self.strength = subspaces, strength

    def __call__(self, kernel: Any) -> Any:
        parts = keras.ops.split(keras.ops.convert_to_tensor(kernel), self.subspaces, axis=-1)
        total = keras.ops.zeros((), kernel.dtype)
        for number, one in enumerate(parts):
            for other in parts[:number]:
                product = keras.ops.matmul(keras.ops.transpose(one), other)
                total = total + keras.ops.sum(product**2)
        return self.strength * total

    def get_config(self) -> dict[str, Any]:
        return {"subspaces": self.subspaces, "strength": self.strength}


@keras.saving.register_keras_serializable("mtl_keras")
class LayerMixture(keras.layers.Layer):
    r"""A learned average of several tensors: $\sum_i \mathrm{softmax}(\beta / \tau)_i x_i$.

    **Shape:** a list of `(rows, ..., n)` to `(rows, ..., n)`.

    Args:
        temperature: Float > 0, tau. Default 1.0.
        initializer: Keras initializer of beta. Default "zeros": the mean.

    Raises:
        ConfigError: if an argument is not as described above.

    Example:

    >>> LayerMixture()([tf.zeros([1, 1]), tf.ones([1, 1])]).numpy().tolist()
    [[0.5]]
    """

    def __init__(self, temperature: float = 1.0, initializer: Any = "zeros", **kwargs: Any) -> None:
        check(temperature > 0, "temperature", "be > 0", temperature)
        super().__init__(**kwargs)
        self.temperature = temperature
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape: Any) -> None:
        self.beta = self.add_weight((len(input_shape),), self.initializer, name="beta")

    def call(self, layers: Sequence[tf.Tensor]) -> tf.Tensor:
        weights = keras.ops.softmax(self.beta / self.temperature)
        return combined(weights[None], layers)[0]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.initializer)
        config = {"temperature": self.temperature, "initializer": initializer}
        return {**super().get_config(), **config}


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

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "own": self.own}


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
