"""What the flags of commands mean: columns and kinds, names, the built-in experiment."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtl_keras.errors import ConfigError


def built_in() -> Path:
    """The built-in experiment: in this folder, else in the checkout or the installation."""
    package = Path(__file__).parents[1]
    for folder in (Path(), package.parent, package):
        if (folder / "data" / "customers.toml").is_file():
            return folder / "data" / "customers.toml"
    raise ConfigError(
        "The built-in experiment data/customers.toml is neither in this folder nor beside the "
        "package. Name an experiment or a table."
    )


def name_of(source: str) -> str:
    """A model's name from that of its table, or of the folder of its files."""
    parts = [part for part in source.split("/") if part and not any(c in part for c in "*?[")]
    return (parts[-1].split(".")[0] if parts else "") or "model"


def pairs(flags: Sequence[str] | None, flag: str) -> dict[str, str]:
    """`COLUMN:KIND` flags as a dict; a column's name may itself have colons.

    A kind of the user's own is `package.module:Class`.
    """
    kinds = {}
    for text in flags or []:
        column, kind = _divided(text)
        if kind is None:
            raise ConfigError(f"{flag} must be COLUMN:KIND, e.g. age:numeric. Received: {text!r}")
        kinds[column] = kind
    return kinds


def targets(flags: Sequence[str] | None) -> dict[str, str | None]:
    """`COLUMN` or `COLUMN:KIND` flags as a dict; the kind is None where it is to be guessed.

    Example:

    >>> targets(["churned:binary", "spend", "hours:own.kinds:Duration"])
    {'churned': 'binary', 'spend': None, 'hours': 'own.kinds:Duration'}
    """
    return dict(map(_divided, flags or []))


def _divided(text: str) -> tuple[str, str | None]:
    parts = re.fullmatch(r"(.+):((?:\w+\.)*\w+:[A-Z]\w*)", text) or re.fullmatch(
        r"(.+):([^:]+)", text
    )
    return (text, None) if parts is None else (parts[1], parts[2])


def stated(**values: Any) -> dict[str, Any]:
    """The values that are stated, by name."""
    return {key: value for key, value in values.items() if value is not None}
