"""What layers have in common: their config from arguments, their precision, their output shapes."""

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import keras


def arguments(cls: type) -> dict[str, inspect.Parameter]:
    """Return the arguments of a class's constructor and of its base classes, up to those of Keras.

    Example:

    >>> from mtl_keras.layers import SoftmaxGate
    >>> list(arguments(SoftmaxGate))
    ['reader', 'sources', 'temperature', 'use_bias', 'dropout']
    """
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] == "keras":
            break
        if "__init__" in vars(base):
            for key, parameter in inspect.signature(base).parameters.items():
                found.setdefault(key, parameter)
    return {key: each for key, each in found.items() if key not in ("name", "kwargs")}


class ArgumentsAsConfig:
    """Mixin: a Keras object that keeps each argument of its constructor as an attribute.

    `get_config` returns them all, so that a saved object does not depend on defaults. An argument
    that a subclass does not keep is for its own `get_config` to add.

    Example:

    >>> from mtl_keras.layers import Select
    >>> Select([0, 2]).get_config()["indices"]
    [0, 2]
    """

    def get_config(self) -> dict[str, Any]:
        """The arguments: tuples as lists, and objects of Keras as `keras.saving` writes them."""
        kept = [key for key in arguments(type(self)) if hasattr(self, key)]
        own = {key: _plain(getattr(self, key)) for key in kept}
        return {**super().get_config(), **own}  # type: ignore[misc]


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return list(map(_plain, value))
    if inspect.isfunction(value):
        return keras.activations.serialize(value)
    return keras.saving.serialize_keras_object(value) if callable(value) else value


class FullPrecision(keras.layers.Layer):
    """Base class of layers that encode columns or give answers, which half precision would spoil.

    bfloat16 has three significant digits, and float16 ends at 65,504: amounts, dates and
    probabilities need more. So only what is trained between encoding and answers follows the
    policy.

    Its `dtype` is `"float32"` by default, whatever the global policy is.

    Example:

    >>> with dtype_policy("mixed_float16"):
    ...     FullPrecision().compute_dtype, keras.layers.Dense(1).compute_dtype
    ('float32', 'float16')
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})


@contextlib.contextmanager
def dtype_policy(policy: Any) -> Iterator[None]:
    """Layers made in this context have a dtype policy; None leaves the global one."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy or before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


# Shapes: Keras asks a layer for that of its output when a graph is built. Of one that does not say,
# it traces `call`, which is most of the time that building a network takes.


class SameShape:
    """Mixin: a layer whose output has the shape of its input, or of the first of several.

    Example:

    >>> SameShape().compute_output_shape((None, 3))
    (None, 3)
    """

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output, for that of the input."""
        return input_shape


class LastAxis:
    """Mixin: a layer that turns vectors along the last axis into vectors of `units` numbers.

    Example:

    >>> class Dense(LastAxis):
    ...     units = 8
    >>> Dense().compute_output_shape((None, 4, 3))
    (None, 4, 8)
    """

    units: int

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the output, for that of the input."""
        return (*input_shape[:-1], self.units)
