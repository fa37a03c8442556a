"""Layers of sluice networks: units between trunks, subspaces kept apart, depths mixed."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.mixing import Mixing, combined, near_identity
from mtl_keras.layers.mixins import ArgumentsAsConfig


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
class LayerMixture(ArgumentsAsConfig, keras.layers.Layer):
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
