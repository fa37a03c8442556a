"""The arguments of the constructors of Keras objects, which are their configuration."""

import inspect
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
