"""The bases of what is declared: frozen dataclasses that a file or an artifact can hold."""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar, Self

from mtl_keras.declaring import docstrings, references, registry
from mtl_keras.errors import Checked, ConfigError


@dataclasses.dataclass(frozen=True)
class Configurable(Checked):
    """Base class: something that is made from its arguments, and written down as them."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        docstrings.complete(cls, Configurable)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # lists come from TOML and JSON
            value = getattr(self, field.name)
            if isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))

    def get_config(self) -> dict[str, Any]:
        """Return the `kind` and all arguments."""
        arguments = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}
        return {"kind": references.reference(type(self)), **arguments}


@dataclasses.dataclass(frozen=True, repr=False)
class Declaration(Configurable):
    """Base class: a named part of a table, declared in as much or little detail as needed.

    Arguments that are None are learned from the training rows by `fit`, which returns a complete
    copy. A fitted declaration thus contains the declaration and its statistics, and can be
    converted to and from a plain dict.

    Args:
        name: A name.

    Raises:
        ConfigError: if an argument is not as described above.
    """

    kind: ClassVar[str]
    """Its kind in reports and messages. Default: the name of its class in snake case."""

    name: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" not in vars(cls):
            cls.kind = references.identifier(cls)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ConfigError(f"A name must be a non-empty string. Received: name={self.name!r}")
        super().__post_init__()

    def __repr__(self) -> str:
        config = self.get_config()
        stated = [f"{key}={config[key]!r}" for key in config if key not in ("kind", "name")]
        return f"{type(self).__name__}({', '.join([repr(self.name), *stated])})"

    def but(self, **changes: Any) -> Self:
        """Return a copy with some arguments changed."""
        return dataclasses.replace(self, **changes)

    def completed(self, **learned: Any) -> Self:
        """Return a copy in which what was learned replaces the arguments that are None."""
        return self.but(**{key: v for key, v in learned.items() if getattr(self, key) is None})

    def get_config(self) -> dict[str, Any]:
        """Return all arguments that differ from their defaults, and the `kind`."""
        config: dict[str, Any] = {"kind": references.reference(type(self))}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                if isinstance(value, Mapping):  # the keys of a file are strings
                    value = {str(key): entry for key, entry in value.items()}
                config[field.name] = list(value) if isinstance(value, tuple) else value
        return config


def from_config(
    declared: Any, name: str | None, package: ModuleType, base: type, what: str
) -> Declaration:
    """Return a declaration from an object, a kind, or a mapping with `kind` (and `name`).

    Raises:
        ConfigError: if the kind or an argument is unknown.
    """
    if isinstance(declared, base):
        return declared  # type: ignore[return-value]
    config = {"kind": declared} if isinstance(declared, str) else declared
    if isinstance(config, Mapping) and name is not None:
        config = {"name": name, **config}
        name = config["name"]
    try:
        return registry.get(
            dict(config) if isinstance(config, Mapping) else config, package, base, what
        )
    except ConfigError as error:
        message = str(error)
        if name is None or repr(name) in message or message.startswith(f"`{name}."):
            raise
        raise ConfigError(f"{what.split()[0].capitalize()} {name!r}: {message}") from error
