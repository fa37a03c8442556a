"""A balancer made of a function."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer
from mtl_keras.balancers.gradient import GramianBalancer


@keras.saving.register_keras_serializable("mtl_keras")
class LossFunction(Balancer):
    """Weights by a function `(losses, present) -> weights`; see `Balancer.weigh`.

    Args:
        function: The function, of TensorFlow operations; registered with Keras
            (`keras.saving.register_keras_serializable`) where the model is to be saved.

    Example:

    >>> balancer = LossFunction(lambda losses, present: 1 / (losses + 1))
    >>> balancer.weigh(tf.constant([1.0, 3.0]), tf.constant([True, True])).numpy()
    array([0.5 , 0.25], dtype=float32)
    """

    listed = False

    def __init__(self, function: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function = function

    def weigh(self, losses, present, gramian=None) -> tf.Tensor:
        return self.function(losses, present)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "function": _serialised(self.function)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Balancer:
        return cls(**{**config, "function": _restored(config["function"])})


@keras.saving.register_keras_serializable("mtl_keras")
class GramianFunction(GramianBalancer):
    """Weights by a function `(losses, present, gramian) -> weights`; see `Balancer.weigh`.

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

    def __init__(self, function: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function = function

    def weigh(self, losses, present, gramian=None) -> tf.Tensor:
        return self.function(losses, present, gramian)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "function": _serialised(self.function)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Balancer:
        return cls(**{**config, "function": _restored(config["function"])})


def from_function(function: Callable[..., Any]) -> Balancer:
    """The balancer of a function, by its number of arguments."""
    arguments = len(inspect.signature(function).parameters)
    return GramianFunction(function) if arguments == 3 else LossFunction(function)


def _serialised(function: Callable[..., Any]) -> Any:
    return keras.saving.serialize_keras_object(function)


def _restored(function: Any) -> Callable[..., Any]:
    return function if callable(function) else keras.saving.deserialize_keras_object(function)
