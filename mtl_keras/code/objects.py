"""Keras objects as the Python expressions that make them."""

import functools
import importlib
import inspect
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from mtl_keras.code.expressions import Call, Entries, Items, Literal, Name
from mtl_keras.declaring.naming import snake_case
from mtl_keras.declaring.references import check_reference
from mtl_keras.errors import ConfigError

KERAS = ("layers", "losses", "metrics", "optimizers", "initializers", "regularizers", "constraints")
SCHEDULES = keras.optimizers.schedules


def runs_of(numbers: Sequence[int]) -> str:
    """A list of many numbers, with what is repeated written once.

    Example:

    >>> runs_of([12, 12, 12, 1, 1, 1, 1, 4, 16])
    '[12] * 3 + [1] * 4 + [4, 16]'
    """
    parts: list[str] = []
    single: list[int] = []

    def note() -> None:
        if single:
            parts.append(f"[{', '.join(map(str, single))}]")
            single.clear()

    for number, group in itertools.groupby(numbers):
        count = len([*group])
        if count > 2:
            note()
            parts.append(f"[{number}] * {count}")
        else:
            single += [number] * count
    note()
    return " + ".join(parts)


class Objects:
    """Writes objects as expressions, and notes what has to be imported for them.

    Attributes:
        imports: The names to import, by module.
    """

    def __init__(self) -> None:
        self.imports: dict[str, set[str]] = {}

    def expression(self, value: Any) -> Any:
        """Any value that a configuration may hold.

        Example:

        >>> from mtl_keras.code.expressions import flat
        >>> flat(Objects().expression(keras.layers.Dense(8, activation="relu")), {})
        'layers.Dense(8, activation="relu")'

        Raises:
            ConfigError: if no expression makes it.
        """
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float):
            return Literal(float(f"{value:.7g}"))  # as exact as the network's numbers
        if value is None or isinstance(value, (bool, int, str)):
            return Literal(value)
        if isinstance(value, keras.DTypePolicy):
            return Literal(value.name)
        if isinstance(value, (list, tuple)) and len(value) > 8 and {*map(type, value)} == {int}:
            return Name(runs_of(value))
        if isinstance(value, (list, tuple, np.ndarray)):
            return Items(tuple(map(self.expression, value)))
        if isinstance(value, Mapping):
            if {"class_name", "config"} <= set(value):
                return self.expression(keras.saving.deserialize_keras_object(dict(value)))
            items = [(self.expression(k), self.expression(each)) for k, each in value.items()]
            return Entries(tuple(items))
        if hasattr(value, "get_config"):
            return self.made(value)
        if callable(value):
            return self.name_of(value)
        raise ConfigError(f"No code can be written for {value!r}, a {type(value).__name__}.")

    def made(self, instance: Any, **changes: Any) -> Any:
        """The call of a class that makes an object, with the arguments that are not the defaults.

        Of an initializer with the defaults, it is the name.

        Args:
            instance: An object with `get_config`.
            changes: Arguments that are to have another value; None for one to leave out.
        """
        cls, config = type(instance), {**instance.get_config()}
        required = _required(cls)
        known = config.keys() | {"name"}
        default = _default_config(cls, [config[name] for name in required if name in known])
        stated = {
            key: value
            for key, value in config.items()
            if key not in required and key != "name" and not _same(value, default.get(key, _NONE))
        }
        stated |= changes
        positional = tuple(self.expression(config[name]) for name in required if name in config)
        keywords = [
            (key, self.expression(value))
            for key, value in sorted(stated.items(), key=lambda item: _place(cls, item[0]))
            if value is not None
        ]
        short = snake_case(cls.__name__)
        if not positional and not keywords and _named(short) is cls:
            return Literal(short)
        name = self.name_of(cls)
        if len(keywords) == 1 and name.text.startswith("keras.initializers."):
            return Call(name, (keywords[0][1],))
        return Call(name, positional, tuple(keywords), tuple(required))

    def name_of(self, value: Any) -> Name:
        """The name of a class or function, which is imported if it is not Keras's own.

        Raises:
            ConfigError: if it cannot be imported.
        """
        name = value.__name__
        for home in KERAS:
            if getattr(getattr(keras, home), name, None) is value:
                return Name(f"layers.{name}" if home == "layers" else f"keras.{home}.{name}")
        if getattr(SCHEDULES, name, None) is value:
            return Name(f"keras.optimizers.schedules.{name}")
        check_reference(value, "the network")
        module = value.__module__
        package = module.rpartition(".")[0]
        if package and name in getattr(importlib.import_module(package), "__all__", ()):
            module = package
        self.imports.setdefault(module, set()).add(name)
        return Name(name)


def _named(name: str) -> Any:
    """The class of Keras's initializers that has a name; None if there is none."""
    try:
        return type(keras.initializers.get(name))
    except ValueError:
        return None


_NONE = object()  # equal to no value


@functools.cache
def _parameters(cls: type) -> dict[str, bool]:
    """The parameters of a class by name, and whether they must be given.

    Those that it passes on to its base classes are included.
    """
    found: dict[str, bool] = {}
    for base in cls.__mro__[:-1]:
        if "__init__" not in vars(base):
            continue
        spec = inspect.getfullargspec(vars(base)["__init__"])
        named = spec.args[1:]
        given = len(named) - len(spec.defaults or ())
        own = {name: place < given for place, name in enumerate(named)}
        own |= dict.fromkeys(spec.kwonlyargs, False)
        found |= {name: required for name, required in own.items() if name not in found}
        if spec.varkw is None:
            break
    return found


def _required(cls: type) -> list[str]:
    return [name for name, required in _parameters(cls).items() if required]


def _place(cls: type, name: str) -> int:
    """Where an argument stands in a class's signature; the name of a layer in the end."""
    names = list(_parameters(cls))
    return len(names) + 1 if name == "name" or name not in names else names.index(name)


def _default_config(cls: type, required: list[Any]) -> dict[str, Any]:
    """The configuration of an object that is made of its required arguments alone."""
    plain = [
        keras.saving.deserialize_keras_object(value)
        if isinstance(value, dict) and "class_name" in value
        else value
        for value in required
    ]
    return cls(*plain).get_config()


def _same(one: Any, other: Any) -> bool:
    """Whether two entries of configurations are equal; lists and tuples may be."""
    if isinstance(one, (list, tuple)) and len(one) == 1 and isinstance(other, int):
        return bool(one[0] == other)  # `axis`, once a layer is built
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(np.all(one == other)) if type(one) is type(other) else one == other
