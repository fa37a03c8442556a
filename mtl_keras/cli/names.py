"""The names that options accept, read from source code, since importing it loads TensorFlow."""

import csv
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from mtl_keras.declaring.naming import snake_case

PACKAGE = Path(__file__).parents[1]
UNLISTED = r"^    listed\b.* = False"
DELIMITERS = ",;\t|"  # of CSV files, and their suffixes, as in `datasets.files`
TEXTS = (".csv", ".tsv", ".txt", ".tab")
OPEN = "auto"  # an architecture or balancer that is chosen on the validation rows


@cache
def names(room: str) -> tuple[str, ...]:
    """Return the names of a package's classes, as `registry.classes` does, in alphabetical order.

    Args:
        room: `"tasks"`, `"features"`, `"architectures"` or `"balancers"`.

    Example:

    >>> names("tasks")[:3]
    ('binary', 'count', 'multiclass')
    """
    return tuple(sorted(_bodies(room)))


@cache
def other_names(room: str) -> dict[str, list[str]]:
    """Return the names of a package's classes by what others call them, as the registry does.

    Args:
        room: See `names`.

    Example:

    >>> other_names("tasks")["classification"]
    ['binary', 'multiclass']
    """
    found: dict[str, list[str]] = {}
    for name, body in sorted(_bodies(room).items()):
        stated = re.search(r"^    also_called\b[^=\n]*= (\(.*?\)|.*?)$", body, re.M | re.S)
        for other in "".join(re.findall(r'"(.*?)"', stated[1])).split() if stated else ():
            found.setdefault(other, []).append(name)
    return found


def _bodies(room: str) -> dict[str, str]:
    """Return the code of a package's classes by name."""
    text = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    public = re.search(r"__all__ = \[(.*?)\]", text, re.S)
    assert public is not None
    found = {}
    for module, imported in re.findall(rf"from mtl_keras\.{room}\.(\w+) import (.+)", text):
        if module == "base":
            continue
        code = (PACKAGE / room / f"{module}.py").read_text(encoding="utf-8")
        for name in re.findall(r"\w+", imported):
            body = _body(name, code)
            if f'"{name}"' in public[1] and body and not re.search(UNLISTED, body, re.M):
                found[_identifier(name, body)] = body
    return found


def _body(name: str, code: str) -> str:
    """Return the code of a class that extends another one; empty if there is no such class."""
    found = re.search(rf"\nclass {name}\([A-Z]", code)  # and not list[...]
    return re.split(r"\n(?=\S)", code[found.end() :], maxsplit=1)[0] if found else ""


def _identifier(name: str, body: str) -> str:
    """Return the short name of a class: see `declaring.references.identifier`."""
    stated = re.search(r'^    identifier\b[^=\n]*= "(\w+)"', body, re.M)
    return stated[1] if stated else snake_case(name)


def presets() -> tuple[str, ...]:
    """Return the names of the presets."""
    text = (PACKAGE / "plans" / "presets.py").read_text(encoding="utf-8")
    table = re.search(r"^PRESETS.*?^}", text, re.M | re.S)
    assert table is not None
    return tuple(re.findall(r'^    "(\w+)"', table[0], re.M))


def architectures() -> list[str]:
    """Return the values of `--architecture`."""
    return [*names("architectures"), OPEN]


def balancers() -> list[str]:
    """Return the values of `--balancer`."""
    return [*names("balancers"), OPEN]


def one_of(options: Callable[[], Sequence[str]]) -> Callable[[str], list[str]]:
    """Return a completion of an option by one of these values."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in options() if name.startswith(incomplete)]

    return complete


def column_and_kind(room: str) -> Callable[[object, str], list[str]]:
    """Return a completion of `COLUMN:KIND`: first a column of the command's table, then a kind."""

    def complete(ctx: object, incomplete: str) -> list[str]:
        begun, colon, kind = incomplete.rpartition(":")
        columns = column(ctx, incomplete)  # whose names may have colons
        kinds = [f"{begun}:{name}" for name in names(room) if name.startswith(kind)]
        return [*columns, *kinds] if colon else columns

    return complete


def column(ctx: object, incomplete: str) -> list[str]:
    """Complete a column of the command's table."""
    return [name for name in _columns(ctx) if name.startswith(incomplete)]


def _columns(ctx: object) -> list[str]:
    """Return the columns of the command's CSV file; none for any other source.

    Nor are names returned that are not in the declared encoding, or UTF-8.
    """
    given = getattr(ctx, "params", {})
    unread = getattr(ctx, "args", [])  # includes all values if the last option still lacks its own
    named = map(Path, filter(None, [given.get("source"), given.get("table"), *unread]))
    for path in named:
        if path.suffix.lower() in TEXTS and path.is_file():
            encoding = given.get("encoding") or "utf-8"
            try:
                with path.open(encoding=encoding, errors="replace", newline="") as file:
                    line = file.readline().removeprefix("\ufeff")
            except (LookupError, UnicodeError):  # no such encoding, or UTF-16 without a mark
                return []
            names = max((_divided(line, each) for each in DELIMITERS), key=len)
            return [name for name in names if "\ufffd" not in name]
    return []


def _divided(line: str, delimiter: str) -> list[str]:
    names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return [name.strip() for name in names]
