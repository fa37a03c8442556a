"""The name of a class: `"mmoe"` for one of this package, `"package.module:Class"` for others."""

import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any

import keras

from mtl_keras.declaring.naming import snake_case
from mtl_keras.errors import ConfigError

OURS = "mtl_keras."


def identifier(cls: type) -> str:
    """Return the short name of a class.

    It is the class name in snake case, or the class attribute `identifier` if there is one.

    Example:

    >>> identifier(type("SharedBottom", (), {})), identifier(type("NashMTL", (), {}))
    ('shared_bottom', 'nash_mtl')
    """
    return getattr(cls, "identifier", None) or snake_case(cls.__name__)


def reference(value: Any) -> str:
    """Return the name that files and artifacts use for a class or function.

    Args:
        value: A class or a function.

    Returns:
        Its short name if it belongs to this package; else `"package.module:Class"`; or, if it
        cannot be imported (because a notebook or script defines it), the name that it is registered
        under with Keras, if any.

    Example:

    >>> import collections
    >>> reference(collections.OrderedDict)
    'collections:OrderedDict'
    """
    if inspect.isclass(value) and value.__module__.startswith(OURS):
        return identifier(value)
    if not _importable(value):
        registered = keras.saving.get_registered_name(value)
        if keras.saving.get_registered_object(registered) is value:
            return registered
    return f"{value.__module__}:{value.__qualname__}"


def check_reference(value: Any, what: str) -> None:
    """Raise a ConfigError for a class or function that could not be found again by name.

    Args:
        value: A class or a function.
        what: What it is, for the message, e.g. `"task 'spend'"`.
    """
    name = reference(value)
    if ":" not in name or _importable(value):
        return
    kind = "class" if inspect.isclass(value) else "function"
    raise ConfigError(
        f"The {kind} {value.__qualname__!r} of {what} could not be found again when the model is "
        f"loaded, compared or resumed: {name!r} cannot be imported. Define it at the top of a "
        "module that can be imported, or register it with "
        "@keras.saving.register_keras_serializable('my_package')."
    )


def _importable(value: Any) -> bool:
    """Return whether importing `package.module:Class` gives this very object in any process."""
    if value.__module__ == "__main__" or "<" in value.__qualname__:
        return False
    try:
        return pkgutil.resolve_name(f"{value.__module__}:{value.__qualname__}") is value
    except (ImportError, AttributeError, ValueError):
        return False


def packages_named(config: Any) -> set[str]:
    """Return the packages of the classes and functions that a configuration names.

    Example:

    >>> packages_named({"kind": "text", "encoder": {"kind": "my_package.reading:Reader"}})
    {'my_package'}
    """
    if isinstance(config, Mapping):
        names = [config.get(key) for key in ("kind", "source")]
        own = {n.split(":")[0].split(".")[0] for n in names if isinstance(n, str) and ":" in n}
        return own.union(*map(packages_named, config.values()))
    if isinstance(config, (list, tuple)):
        return set().union(*map(packages_named, config))
    return set()
