"""Small per-task changes to a shared layer: bottleneck adapters and LoRA."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.mixins import ArgumentsAsConfig, LastAxis, SameShape


@keras.saving.register_keras_serializable("mtl_keras")
class BottleneckAdapter(ArgumentsAsConfig, SameShape, keras.layers.Layer):
    r"""$x + W_{up}\, \phi(W_{down} x)$, the identity at the start ($W_{up} = 0$).

    **Shape:** `(rows, ..., n)` to the same.

    Args:
        units: Integer > 0, width of the bottleneck. Default 8.
        activation: Keras activation. Default "relu".

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Houlsby et al.: "Parameter-Efficient Transfer Learning for NLP", ICML 2019,
        https://arxiv.org/abs/1902.00751.

    Example:

    >>> BottleneckAdapter(2)(tf.constant([[1.0, 2.0, 3.0]])).numpy().tolist()
    [[1.0, 2.0, 3.0]]
    """

    def __init__(self, units: int = 8, activation: Any = "relu", **kwargs: Any) -> None:
        check(units >= 1, "units", "be >= 1", units)
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.down = keras.layers.Dense(self.units, activation=self.activation, name="down")
        self.up = keras.layers.Dense(input_shape[-1], kernel_initializer="zeros", name="up")
        self.down.build(input_shape)
        self.up.build((*input_shape[:-1], self.units))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x + self.up(self.down(x))


@keras.saving.register_keras_serializable("mtl_keras")
class LowRankUpdate(ArgumentsAsConfig, LastAxis, keras.layers.Layer):
    r"""LoRA's $\frac{s}{r} B A x$, to be added to a shared layer's $W x$; 0 at the start (B = 0).

    **Shape:** `(rows, ..., n)` to `(rows, ..., units)`.

    Args:
        units: Integer > 0, width of the shared layer.
        rank: Integer > 0, r. Default 4.
        scale: Float, s. Default 8.0.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Hu et al.: "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022,
        https://arxiv.org/abs/2106.09685.

    Example:

    >>> LowRankUpdate(2)(tf.ones([1, 3])).numpy().tolist()
    [[0.0, 0.0]]
    """

    def __init__(self, units: int, rank: int = 4, scale: float = 8.0, **kwargs: Any) -> None:
        check(rank >= 1, "rank", "be >= 1", rank)
        super().__init__(**kwargs)
        self.units, self.rank, self.scale = units, rank, scale

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.a = self.add_weight((input_shape[-1], self.rank), "he_normal", name="a")
        self.b = self.add_weight((self.rank, self.units), "zeros", name="b")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        low = keras.ops.matmul(x, self.a)
        return keras.ops.matmul(low, self.b) * (self.scale / self.rank)
