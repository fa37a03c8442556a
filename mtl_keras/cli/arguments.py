"""The meaning of flags: columns, kinds and labels; and the built-in experiment."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mtl_keras.cli import names
from mtl_keras.errors import ConfigError, nearest

FORMS = {
    "--order": "COLUMN=LOW,MID,HIGH",
    "--positive": "COLUMN=LABEL",
    "--threshold": "COLUMN=NUMBER",
    "--missing-value": "[COLUMN=]VALUE",
}

ENCODING = (
    "The encoding of the table's text, such as cp1252 for a file from Windows. Default: UTF-8."
)


def built_in() -> Path:
    """Return the built-in experiment: in this folder, or in the checkout or installation."""
    package = Path(__file__).parents[1]
    for folder in (Path(), package.parent, package):
        if (folder / "data" / "customers.toml").is_file():
            return folder / "data" / "customers.toml"
    raise ConfigError(
        "The built-in experiment data/customers.toml is neither in this folder nor beside the "
        "package. Name an experiment or a table."
    )


def name_of(source: str) -> str:
    """Return the name of a model: that of its table, or of the folder of its files."""
    parts = [part for part in source.split("/") if part and not any(c in part for c in "*?[")]
    return (parts[-1].split(".")[0] if parts else "") or "model"


def pairs(flags: Sequence[str] | None, flag: str) -> dict[str, str]:
    """Return `COLUMN:KIND` flags of features as a dict: see `divided`."""
    kinds = {}
    for text in flags or []:
        column, kind = divided(text, "features")
        if kind is None:
            known = names.names("features")
            raise ConfigError(
                f"{flag} must be COLUMN:KIND, e.g. age:numeric. Received: {text!r}."
                f"{nearest(text.rpartition(':')[2], known)} Kinds: {', '.join(known)}."
            )
        kinds[column] = kind
    return kinds


def targets(flags: Sequence[str] | None) -> dict[str, str | None]:
    """Return `COLUMN` or `COLUMN:KIND` flags as a dict; the kind is None if it is to be guessed.

    Example:

    >>> targets(["churned:binary", "spend", "a:b", "hours:own.kinds:Duration"])
    {'churned': 'binary', 'spend': None, 'a:b': None, 'hours': 'own.kinds:Duration'}
    """
    return dict(divided(text, "tasks") for text in flags or [])


def divided(text: str, room: str) -> tuple[str, str | None]:
    """Return a column and its kind, which follows the last colon if it is the name of a kind.

    Otherwise there is no kind, and the colons are part of the column's name. The user's own kinds
    are `package.module:Class`.

    Args:
        text: The value of a flag.
        room: The package of the kinds: `"tasks"` or `"features"`.

    Example:

    >>> divided("a:b", "tasks"), divided("a:b:binary", "tasks")
    (('a:b', None), ('a:b', 'binary'))
    """
    column, _, kind = text.rpartition(":")
    if column and kind in names.names(room):
        return column, kind
    own = re.fullmatch(r"(.+):((?:\w+\.)*\w+:[A-Z]\w*)", text)
    return (text, None) if own is None else (own[1], own[2])


def values(flags: Sequence[str] | None, flag: str, columns: Iterable[str]) -> dict[str, str]:
    """Return `COLUMN=VALUE` flags as a dict.

    Args:
        flags: The values of the flags.
        flag: Name of the flag, one of `FORMS`.
        columns: Known columns. The name of any other column ends at the first equals sign.

    Example:

    >>> values(["income=<=50K", "a=b=low,high"], "--order", ["a=b"])
    {'income': '<=50K', 'a=b': 'low,high'}
    """
    found = {}
    for text in flags or []:
        known = [column for column in columns if text.startswith(f"{column}=")]
        column = max(known, key=len, default=text.partition("=")[0])
        value = text[len(column) + 1 :].strip()
        if not column or not value:
            raise ConfigError(f"{flag} must be {FORMS[flag]}. Received: {text!r}.")
        found[column] = value
    return found


def missing_values(flags: Sequence[str] | None) -> list[str] | dict[str, list[str]] | None:
    """Return the values of `--missing-value`, for all columns or by column.

    Raises:
        ConfigError: if only some name a column.

    Example:

    >>> missing_values(["?", "k.A."]), missing_values(["age=999", "age=-1", "plan=?"])
    (['?', 'k.A.'], {'age': ['999', '-1'], 'plan': ['?']})
    """
    by_column: dict[str, list[str]] = {}
    for text in flags or []:
        column, _, value = text.rpartition("=")
        by_column.setdefault(column, []).append(value)
    if "" not in by_column:
        return by_column or None
    if len(by_column) > 1:
        raise ConfigError(
            "--missing-value must be VALUE for all columns, or COLUMN=VALUE each time it is given. "
            f"Received: {', '.join(map(repr, flags or []))}."
        )
    return by_column[""]


def listed(text: str) -> list[str]:
    """Return labels that are separated by commas; one that contains a comma is in quotes.

    Example:

    >>> listed('low, "mid, or so",high')
    ['low', 'mid, or so', 'high']
    """
    return [label.strip() for label in next(csv.reader([text], skipinitialspace=True))]


def threshold(text: str) -> float:
    """Return the probability of a `--threshold`.

    Raises:
        ConfigError: if it is not a number.
    """
    try:
        return float(text)
    except ValueError:
        raise ConfigError(
            f"--threshold must be {FORMS['--threshold']}, e.g. churned=0.3. Received: {text!r}."
        ) from None


def stated(**values: Any) -> dict[str, Any]:
    """The values that are stated, by name."""
    return {key: value for key, value in values.items() if value is not None}
