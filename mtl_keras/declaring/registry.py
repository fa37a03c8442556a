"""Classes by name: `"mmoe"` for one of this package, `"package.module:Class"` for any other.

An experiment file is the user's own and may name what to import. An artifact may come from someone
else, so code that reads one does so within `without_imports`.
"""

import contextlib
import dataclasses
import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import keras
import pydantic

from mtl_keras.declaring.references import identifier
from mtl_keras.errors import ConfigError, shown, unknown


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


def classes(package: ModuleType, base: type) -> dict[str, Any]:
    """Return the public subclasses of `base` that `package.__all__` names, by identifier.

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


def other_names(options: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the options by each name that others give them, for a hint to whoever uses it.

    A class lists these names in `also_called`, with spaces between them.

    Args:
        options: Classes by name.

    Example:

    >>> from mtl_keras.tasks import Binary, Multiclass
    >>> other_names({"binary": Binary, "multiclass": Multiclass})["classification"]
    ['binary', 'multiclass']
    """
    found: dict[str, list[str]] = {}
    for option, cls in options.items():
        for name in vars(cls).get("also_called", "").split():
            found.setdefault(name, []).append(option)
    return found


def resolve(
    name: str, package: ModuleType, base: type, what: str, others: Collection[str] = ()
) -> Any:
    """Return the class (or function) with this name.

    Args:
        name: A short name, `"package.module:Class"`, or a name registered with Keras
            (`"my_package>Class"`).
        package: The package whose `__all__` lists the built-in classes.
        base: Their base class.
        what: The word for it in messages.
        others: Further valid names that are not classes, such as `"auto"`, for the message.
            Default: none.

    Raises:
        ConfigError: if there is no such class, if it may not be imported, or if it is of another
            kind.
    """
    options = classes(package, base)
    ours = options.get(name) or {cls.__name__: cls for cls in options.values()}.get(name)
    if ours is not None:
        return ours
    if ":" not in name and ">" not in name:
        raise ConfigError(
            unknown(what, name, [*sorted(options), *others], also_called=other_names(options))
            + " Name your own class as 'package.module:Class'."
        )
    value = _foreign(name, what)
    if inspect.isclass(value) and not issubclass(value, base):
        raise ConfigError(
            f"The {what} {name!r} must extend `{base.__module__}.{base.__name__}`. "
            f"Received: {value!r}."
        )
    return value


def _foreign(name: str, what: str) -> Any:
    """Return a class or function from outside this package."""
    sources = _SOURCES.get() or ANYWHERE
    module, _, path = name.partition(":")
    known = {**keras.saving.get_custom_objects(), **sources.custom_objects}
    if name in known:
        return known[name]
    for value in known.values():
        if f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', '')}" == name:
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
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
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
    others: Collection[str] = (),
) -> Any:
    """Return an instance of `base` from a name, a `{"kind": name, ...}` mapping or an instance.

    Args:
        declared: `"uncertainty"`, `{"kind": "uncertainty", "learning_rate": 0.01}` or an object.
        package: The package whose `__all__` lists the classes.
        base: Their base class.
        what: The word for it in messages.
        from_function: Makes an instance from a function that the name refers to. Default None:
            functions are rejected.
        others: See `resolve`.

    Returns:
        An instance of `base`.

    Raises:
        ConfigError: if the name or an argument is unknown; the message names the closest valid one.
    """
    if isinstance(declared, base):
        return declared
    if isinstance(declared, str):
        declared = {"kind": declared}
    if not isinstance(declared, Mapping) or "kind" not in declared:
        raise ConfigError(
            f"Expected the {what} as a name, a mapping with a 'kind', or a `{base.__name__}`. "
            f"Received: {shown(declared)}. Names: {', '.join([*classes(package, base), *others])}."
        )
    arguments = {str(key): value for key, value in declared.items()}
    kind = arguments.pop("kind")
    value = resolve(str(kind), package, base, what, others)
    if inspect.isclass(value):
        return construct(value, arguments, f"{what} {kind!r}")
    if from_function is None or not callable(value) or arguments:
        raise ConfigError(f"The {what} {kind!r} must be a class. Received: {shown(value)}.")
    return from_function(value)


def construct(cls: Any, arguments: Any, what: str, typed: bool = True) -> Any:
    """Return `cls(**arguments)`, with arguments checked by name and, if `typed`, by type.

    Raises:
        ConfigError: if they are not a mapping, or if one is unknown or has the wrong type.
    """
    options = getattr(cls, "options", None)  # includes those of the base classes
    accepted = list(options()) if options else list(inspect.signature(cls).parameters)
    if not isinstance(arguments, Mapping):
        raise ConfigError(
            f"Expected {what} as a mapping with keys of {', '.join(accepted)}. "
            f"Received: {shown(arguments)}."
        )
    for name in arguments:
        if name not in accepted:
            elsewhere = getattr(cls, "argument_hint", lambda name, value: "")(name, arguments[name])
            raise ConfigError(unknown(f"key of {what}:", name, accepted, elsewhere))
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
        raise ConfigError(_wrong_type(what, error.errors())) from None


EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
}
"""What a value must be, by the beginning of pydantic's name for the error."""


def _wrong_type(what: str, errors: Sequence[Any]) -> str:
    """Return in words which argument has the wrong type, from pydantic's errors."""
    first, *others = errors
    name, *within = first["loc"] or ("it",)
    alike = [first, *(each for each in others if each["loc"][:1] == first["loc"][:1])]
    kinds = [EXPECTED.get(each["type"].split("_")[0]) for each in alike]
    expected = [kind for kind in dict.fromkeys(kinds) if kind]
    where = ".".join(map(str, (name, *(part for part in within if isinstance(part, int)))))
    value = first["input"]
    received = f"Received: {shown(value)} ({type(value).__name__})."
    if not expected:
        return f"In {what}, `{where}`: {first['msg']}. {received}"
    return f"In {what}, `{where}` must be {' or '.join(expected)}. {received}"
