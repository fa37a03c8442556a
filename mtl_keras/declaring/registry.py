"""Names for classes: `"mmoe"` for one of this package, `"package.module:Class"` for any other.

An experiment's file is the user's own and may name what is to be imported. An artifact may come
from elsewhere: what reads one does so within `without_imports`.
"""

import contextlib
import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import keras
import pydantic

from mtl_keras.errors import ConfigError, shown, unknown

OURS = "mtl_keras."


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where a class that is not of this package may come from.

    Attributes:
        custom_objects: Classes by name, beside those that are registered with Keras.
        packages: Packages that may be imported; None for any.
    """

    custom_objects: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    packages: Collection[str] | None = None


ANYWHERE = Sources()
_SOURCES: ContextVar[Sources | None] = ContextVar("sources", default=None)


@contextlib.contextmanager
def without_imports(
    custom_objects: Mapping[str, Any] | None = None, trusted: Collection[str] = ()
) -> Iterator[None]:
    """Within the block, a name imports nothing but from packages that are trusted.

    Args:
        custom_objects: Classes by their name.
        trusted: Names of packages that may be imported, e.g. `["my_package"]`.
    """
    token = _SOURCES.set(Sources(custom_objects or {}, tuple(trusted)))
    try:
        yield
    finally:
        _SOURCES.reset(token)


def packages_named(config: Any) -> set[str]:
    """The packages that a configuration names classes of.

    Example:

    >>> packages_named({"kind": "text", "encoder": {"kind": "my_package.reading:Reader"}})
    {'my_package'}
    """
    if isinstance(config, Mapping):
        kind = config.get("kind")
        own = {kind.split(":")[0].split(".")[0]} if isinstance(kind, str) and ":" in kind else set()
        return own.union(*map(packages_named, config.values()))
    if isinstance(config, (list, tuple)):
        return set().union(*map(packages_named, config))
    return set()


# From a class to its name


def identifier(cls: type) -> str:
    """The short name of a class, in words.

    It is the class name in snake case, or the class attribute `identifier` where that reads better.

    Example:

    >>> identifier(type("SharedBottom", (), {})), identifier(type("NashMTL", (), {}))
    ('shared_bottom', 'nash_mtl')
    """
    return (
        getattr(cls, "identifier", None)
        or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
    )


def reference(value: Any) -> str:
    """The name by which files and artifacts refer to a class or function.

    Args:
        value: A class or a function.

    Returns:
        Its short name if it is of this package; else `"package.module:Class"`; or, where no module
        can be imported to find it (a notebook's or a script's own), the name that it is registered
        by with Keras, if it is.

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
    """Raise a ConfigError for a class or function that could not be found again by its name.

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
    """Whether `package.module:Class` leads to this very object, in any process."""
    if value.__module__ == "__main__" or "<" in value.__qualname__:
        return False
    try:
        return _attribute(importlib.import_module(value.__module__), value.__qualname__) is value
    except (ImportError, AttributeError):
        return False


def _attribute(module: ModuleType, path: str) -> Any:
    value: Any = module
    for part in path.split("."):
        value = getattr(value, part)
    return value


# From a name to its class


def classes(package: ModuleType, base: type) -> dict[str, Any]:
    """The public subclasses of `base` that `package.__all__` names, by their identifier.

    A class that says `listed = False` of itself is one to build on, and not found by name.
    """
    named = {}
    for name in package.__all__:
        value = getattr(package, name)
        if not (inspect.isclass(value) and issubclass(value, base)) or value is base:
            continue
        if vars(value).get("listed", True):
            named[identifier(value)] = value
    return named


def resolve(name: str, package: ModuleType, base: type, what: str) -> Any:
    """The class (or function) of a name.

    Args:
        name: A short name, `"package.module:Class"`, or a name registered with Keras
            (`"my_package>Class"`).
        package: The package whose `__all__` holds our own classes.
        base: Their base class.
        what: The word for it in messages.

    Raises:
        ConfigError: if there is none, if it may not be imported, or if it is of another kind.
    """
    options = classes(package, base)
    ours = options.get(name) or {cls.__name__: cls for cls in options.values()}.get(name)
    if ours is not None:
        return ours
    if ":" not in name and ">" not in name:
        raise ConfigError(
            unknown(what, name, options) + " One of your own is named 'package.module:Class'."
        )
    value = _foreign(name, what)
    if inspect.isclass(value) and not issubclass(value, base):
        raise ConfigError(
            f"The {what} {name!r} must extend `{base.__module__}.{base.__name__}`. "
            f"Received: {value!r}."
        )
    return value


def _foreign(name: str, what: str) -> Any:
    """A class or function that is not of this package."""
    sources = _SOURCES.get() or ANYWHERE
    module, _, path = name.partition(":")
    known = {**keras.saving.get_custom_objects(), **sources.custom_objects}
    if name in known:
        return known[name]
    for value in known.values():
        if path and (getattr(value, "__module__", ""), getattr(value, "__qualname__", "")) == (
            module,
            path,
        ):
            return value
    if path and path in sources.custom_objects:
        return sources.custom_objects[path]
    package = module.split(".")[0]
    if not path or (sources.packages is not None and package not in sources.packages):
        trust = f", or trusted=[{package!r}] to import it" if path else ""
        raise ConfigError(
            f"The {what} {name!r} is a class that is not part of mtl_keras, and nothing is "
            "imported by itself here. Import the module that registers it with Keras first, or "
            f"pass custom_objects={{{(path or name)!r}: the class}}{trust}."
        )
    try:
        return _attribute(importlib.import_module(module), path)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The {what} {name!r} cannot be imported: {error}. Expected 'package.module:Class'; "
            "install the package, or run where Python finds the module."
        ) from error


def get(
    declared: Any,
    package: ModuleType,
    base: type,
    what: str,
    from_function: Callable[[Any], Any] | None = None,
) -> Any:
    """An instance of `base` from a name, a `{"kind": name, ...}` mapping or an instance.

    Args:
        declared: `"uncertainty"`, `{"kind": "uncertainty", "learning_rate": 0.01}` or an object.
        package: The package whose `__all__` holds the classes.
        base: Their base class.
        what: The word for it in messages.
        from_function: Makes an instance of a function that a name stands for. Default None:
            functions are refused.

    Returns:
        An instance of `base`.

    Raises:
        ConfigError: if the name or an argument is unknown; the nearest good one is named.
    """
    if isinstance(declared, base):
        return declared
    if isinstance(declared, str):
        declared = {"kind": declared}
    if not isinstance(declared, Mapping) or "kind" not in declared:
        raise ConfigError(
            f"Expected the {what} as a name, a mapping with a 'kind', or a `{base.__name__}`. "
            f"Received: {shown(declared)}. Names: {', '.join(classes(package, base))}."
        )
    arguments = {str(key): value for key, value in declared.items()}
    kind = arguments.pop("kind")
    value = resolve(str(kind), package, base, what)
    if inspect.isclass(value):
        return construct(value, arguments, f"{what} {kind!r}")
    if from_function is None or not callable(value) or arguments:
        raise ConfigError(f"The {what} {kind!r} must be a class. Received: {shown(value)}.")
    return from_function(value)


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
        try:
            return cls(**arguments)
        except TypeError as error:  # an argument that is missing, an abstract member
            raise ConfigError(f"The {what} cannot be made: {error}.") from error
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
