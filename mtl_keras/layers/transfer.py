"""Layers between the steps of a chain of tasks, for AITM and ESMM."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.layers.mixins import ArgumentsAsConfig, SameShape


@keras.saving.register_keras_serializable("mtl_keras")
class TransferAttention(SameShape, keras.layers.Layer):
    r"""AITM's attention over a task's own features q and what the previous task passes on, p.

    $z = \sum_{u \in \{q, p\}} \mathrm{softmax}_u(\langle h_2(u), h_3(u) \rangle / \sqrt d)\,
    h_1(u)$, where the h are linear.

    **Shape:** two `(rows, ..., n)` to the same.

    References:
        Xi et al.: "Modeling the Sequential Dependence among Audience Multi-step Conversions with
        Multi-task Learning in Targeted Display Advertising", KDD 2021,
        https://arxiv.org/abs/2105.08489, equations 5 to 7.

    Example:

    >>> TransferAttention()(tf.ones([5, 8]), tf.ones([5, 8])).shape
    TensorShape([5, 8])
    """

    def build(self, own_shape: Any, passed_shape: Any) -> None:
        self.value, self.key, self.query = (
            keras.layers.Dense(own_shape[-1], use_bias=False, name=name)
            for name in ("value", "key", "query")
        )
        for layer in (self.value, self.key, self.query):
            layer.build(own_shape)

    def call(self, own: tf.Tensor, passed: tf.Tensor) -> tf.Tensor:
        both = keras.ops.stack([own, passed], axis=-2)
        product = self.key(both) * self.query(both)
        scores = keras.ops.sum(product, axis=-1, keepdims=True) * own.shape[-1] ** -0.5
        return keras.ops.sum(keras.ops.softmax(scores, axis=-2) * self.value(both), axis=-2)


@keras.saving.register_keras_serializable("mtl_keras")
class InformationTransfer(ArgumentsAsConfig, TransferAttention):
    r"""Transfer, $p = \mathrm{ReLU}(W z_{t-1} + b)$, and attention in one layer.

    It exists to load networks that release 0.1 saved.

    **Shape:** `(rows, ..., n)` of the task and of the previous task, to `(rows, ..., n)`.

    Args:
        stop_gradient: Whether this task's gradient is stopped before the previous task. Default
            True.

    Example:

    >>> InformationTransfer()(tf.ones([2, 4]), tf.ones([2, 4])).shape
    TensorShape([2, 4])
    """

    def __init__(self, stop_gradient: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stop_gradient = stop_gradient

    @property
    def stopped(self) -> tuple[int, ...]:
        """Indices of the inputs that no gradient flows through; see `mtl_keras.model.partition`."""
        return (1,) if self.stop_gradient else ()

    def build(self, own_shape: Any, before_shape: Any) -> None:
        self.passed = keras.layers.Dense(own_shape[-1], activation="relu", name="passed")
        self.passed.build(before_shape)
        super().build(own_shape, own_shape)

    def call(self, own: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        if self.stop_gradient:
            before = keras.ops.stop_gradient(before)
        return super().call(own, self.passed(before))


@keras.saving.register_keras_serializable("mtl_keras")
class OrderPenalty(ArgumentsAsConfig, SameShape, keras.layers.Layer):
    r"""Passes on a probability, and adds a loss where it exceeds that of the previous step.

    The added loss is $\alpha$ times the mean over rows of $\max(\hat y_t - \hat y_{t-1}, 0)$.

    **Shape:** two `(rows, ..., 1)` to the first of them.

    Args:
        strength: Float >= 0, alpha. Default 0.6.

    Example:

    >>> layer = OrderPenalty()
    >>> _ = layer(tf.constant([[0.9]]), tf.constant([[0.4]]))
    >>> round(float(layer.losses[0]), 3)
    0.3
    """

    def __init__(self, strength: float = 0.6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strength = strength

    def build(self, *shapes: Any) -> None:
        """Does nothing: the layer has no variables."""

    def call(self, probability: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        above = keras.ops.maximum(probability - before, 0.0)
        self.add_loss(self.strength * keras.ops.mean(above))
        return probability
