"""Names for classes: `"mmoe"` for a class of this package, `"package.module:Class"` for any other.

An experiment file is the user's own and may name what to import. An artifact may come from
elsewhere, so code that reads one does so within `without_imports`.
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
    """Where classes from outside this package may come from.

    Attributes:
        custom_objects: Classes by name, in addition to those registered with Keras.
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
    """Within the block, names import only from trusted packages.

    Args:
        custom_objects: Classes by name.
        trusted: Names of packages that may be imported, e.g. `["my_package"]`.
    """
    token = _SOURCES.set(Sources(custom_objects or {}, tuple(trusted)))
    try:
        yield
    finally:
        _SOURCES.reset(token)


def packages_named(config: Any) -> set[str]:
    """The packages whose classes a configuration names.

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
    """The short name of a class.

    It is the class name in snake case, or the class attribute `identifier` if there is one.

    Example:

    >>> identifier(type("SharedBottom", (), {})), identifier(type("NashMTL", (), {}))
    ('shared_bottom', 'nash_mtl')
    """
    return (
        getattr(cls, "identifier", None)
        or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
    )


def reference(value: Any) -> str:
    """The name that files and artifacts use for a class or function.

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
    """Whether importing `package.module:Class` gives this very object in any process."""
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

    A class that sets `listed = False` is meant as a base class and is not found by name.
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
    """The class (or function) with this name.

    Args:
        name: A short name, `"package.module:Class"`, or a name registered with Keras
            (`"my_package>Class"`).
        package: The package whose `__all__` lists the built-in classes.
        base: Their base class.
        what: The word for it in messages.

    Raises:
        ConfigError: if there is no such class, it may not be imported, or is of another kind.
    """
    options = classes(package, base)
    ours = options.get(name) or {cls.__name__: cls for cls in options.values()}.get(name)
    if ours is not None:
        return ours
    if ":" not in name and ">" not in name:
        raise ConfigError(
            unknown(what, name, options) + " Name your own class as 'package.module:Class'."
        )
    value = _foreign(name, what)
    if inspect.isclass(value) and not issubclass(value, base):
        raise ConfigError(
            f"The {what} {name!r} must extend `{base.__module__}.{base.__name__}`. "
            f"Received: {value!r}."
        )
    return value


def _foreign(name: str, what: str) -> Any:
    """A class or function from outside this package."""
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
            f"The {what} {name!r} is not part of mtl_keras, and nothing is imported "
            "automatically here. Import the module that registers it with Keras first, or "
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
        package: The package whose `__all__` lists the classes.
        base: Their base class.
        what: The word for it in messages.
        from_function: Makes an instance from a function that the name refers to. Default None:
            functions are rejected.

    Returns:
        An instance of `base`.

    Raises:
        ConfigError: if the name or an argument is unknown; the closest valid one is named.
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
    """`cls(**arguments)` with arguments from a file: checked by name and, if `typed`, by type.

    Raises:
        ConfigError: if an argument is unknown (the closest is named) or has the wrong type.
    """
    options = getattr(cls, "options", None)  # includes those of the base classes
    accepted = list(options()) if options else list(inspect.signature(cls).parameters)
    for name in arguments:
        if name not in accepted:
            raise ConfigError(unknown(f"key of {what}:", name, accepted))
    if not typed or not dataclasses.is_dataclass(cls):
        try:
            return cls(**arguments)
        except TypeError as error:  # a missing argument, an abstract method
            raise ConfigError(f"The {what} cannot be created: {error}.") from error
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
