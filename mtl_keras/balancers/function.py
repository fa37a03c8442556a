"""A balancer made from a function."""

import inspect
from collections.abc import Callable
from typing import Any, Self

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer
from mtl_keras.balancers.gradient import GramianBalancer

Weighing = Callable[..., tf.Tensor]


class OfFunction(Balancer):
    """A balancer whose only argument is a function; copies share it, so lambdas work."""

    listed = False

    def __init__(self, function: Weighing, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function = function

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "function": keras.saving.serialize_keras_object(self.function)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        function = config["function"]
        if not callable(function):
            function = keras.saving.deserialize_keras_object(function)
        return cls(**{**config, "function": function})

    def fresh(self) -> Self:
        return type(self).from_config({**super().get_config(), "function": self.function})


@keras.saving.register_keras_serializable("mtl_keras")
class LossFunction(OfFunction):
    """Weights from a function `(losses, present) -> weights`; see `Balancer.weigh`.

    Args:
        function: The function, made of TensorFlow operations; to save the model, register it with
            Keras (`keras.saving.register_keras_serializable`).

    Example:

    >>> balancer = LossFunction(lambda losses, present: 1 / (losses + 1))
    >>> balancer.weigh(tf.constant([1.0, 3.0]), tf.constant([True, True])).numpy()
    array([0.5 , 0.25], dtype=float32)
    """

    listed = False

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        return self.function(losses, present)


@keras.saving.register_keras_serializable("mtl_keras")
class GramianFunction(OfFunction, GramianBalancer):
    """Weights from a function `(losses, present, gramian) -> weights`; see `Balancer.weigh`.

    Args:
        function: As in `LossFunction`.

    Example:

    >>> balancer = GramianFunction(
    ...     lambda losses, present, gramian: tf.math.rsqrt(tf.linalg.diag_part(gramian)))
    >>> gramian = tf.constant([[4.0, 0.0], [0.0, 1.0]], tf.float64)
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy()
    array([0.5, 1. ])
    """

    listed = False

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        return self.function(losses, present, gramian)


def from_function(function: Weighing) -> Balancer:
    """The balancer for a function, chosen by its number of arguments."""
    arguments = len(inspect.signature(function).parameters)
    return GramianFunction(function) if arguments == 3 else LossFunction(function)
