"""Names to objects: the strings of a configuration file become the classes of a package."""

import dataclasses
import inspect
import re
from types import ModuleType
from typing import Any

import pydantic

from mtl_keras.errors import ConfigError, shown, unknown


def identifier(cls: type) -> str:
    """The name of a class as it is written in a file or on the command line.

    It is the class name in snake case, or the class attribute `identifier` where that reads better.

    Example:

    >>> identifier(type("SharedBottom", (), {})), identifier(type("NashMTL", (), {}))
    ('shared_bottom', 'nash_mtl')
    """
    return (
        getattr(cls, "identifier", None)
        or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
    )


def classes(package: ModuleType, base: type) -> dict[str, Any]:
    """The public subclasses of `base` that `package.__all__` names, by their identifier.

    A class that says `listed = False` of itself is one to build on, and not found by name.
    """
    found = {}
    for name in package.__all__:
        value = getattr(package, name)
        if not (inspect.isclass(value) and issubclass(value, base)) or value is base:
            continue
        if vars(value).get("listed", True):
            found[identifier(value)] = value
    return found


def get(declared: Any, package: ModuleType, base: type, what: str) -> Any:
    """An instance of `base` from a name, a `{"kind": name, ...}` mapping or an instance.

    Args:
        declared: `"uncertainty"`, `{"kind": "uncertainty", "learning_rate": 0.01}` or an object.
        package: The package whose `__all__` holds the classes.
        base: Their base class.
        what: The word for it in messages.

    Returns:
        An instance of `base`.

    Raises:
        ConfigError: if the name or an argument is unknown; the nearest good one is named.
    """
    if isinstance(declared, base):
        return declared
    options = classes(package, base)
    if isinstance(declared, str):
        declared = {"kind": declared}
    if not isinstance(declared, dict) or "kind" not in declared:
        raise ConfigError(
            f"Expected the {what} as a name, a mapping with a 'kind', or a `{base.__name__}`. "
            f"Received: {declared!r}. Names: {', '.join(options)}."
        )
    arguments = {**declared}
    kind = arguments.pop("kind")
    cls = options.get(str(kind)) or {c.__name__: c for c in options.values()}.get(str(kind))
    if cls is None:
        raise ConfigError(unknown(what, kind, options))
    return construct(cls, arguments, f"{what} {kind!r}")


def construct(cls: Any, arguments: dict[str, Any], what: str, typed: bool = True) -> Any:
    """`cls(**arguments)`, the arguments from a file: checked by name and, if `typed`, by type.

    Raises:
        ConfigError: if an argument is unknown (the nearest is named) or not of its type.
    """
    options = getattr(cls, "options", None)  # of the base classes as well
    accepted = list(options()) if options else list(inspect.signature(cls).parameters)
    for name in arguments:
        if name not in accepted:
            raise ConfigError(unknown(f"key of {what}:", name, accepted))
    if not typed or not dataclasses.is_dataclass(cls):
        return cls(**arguments)
    try:
        return pydantic.TypeAdapter(cls).validate_python(arguments)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        own = first.get("ctx", {}).get("error")
        if isinstance(own, ConfigError):
            raise own from None
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise ConfigError(
            f"In {what}, `{where}`: {first['msg']}. Received: {shown(first['input'])}"
        ) from None
