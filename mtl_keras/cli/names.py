"""The names that options take, read from the package's text: importing it would load TensorFlow."""

import csv
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
UNLISTED = r"^    listed\b.* = False"
DELIMITERS = ",;\t|"  # of CSV files, as `datasets.files` has them
OPEN = "auto"  # an architecture or balancer that is chosen on the validation rows


@cache
def names(room: str) -> tuple[str, ...]:
    """The names of the classes of a room, as `registry.classes` finds them, in alphabetical order.

    Args:
        room: `"tasks"`, `"features"`, `"architectures"` or `"balancers"`.

    Example:

    >>> names("tasks")[:3]
    ('binary', 'count', 'multiclass')
    """
    text = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    public = re.search(r"__all__ = \[(.*?)\]", text, re.S)
    assert public is not None
    found = []
    for module, imported in re.findall(rf"from mtl_keras\.{room}\.(\w+) import (.+)", text):
        if module == "base":
            continue
        code = (PACKAGE / room / f"{module}.py").read_text(encoding="utf-8")
        for name in re.findall(r"\w+", imported):
            body = _body(name, code)
            if f'"{name}"' in public[1] and body and not re.search(UNLISTED, body, re.M):
                found.append(_identifier(name, body))
    return tuple(sorted(found))


def _body(name: str, code: str) -> str:
    """The text of a class that extends another one; empty if the code has no such class."""
    found = re.search(rf"\nclass {name}\([A-Z]", code)  # and not list[...]
    return re.split(r"\n(?=\S)", code[found.end() :], maxsplit=1)[0] if found else ""


def _identifier(name: str, body: str) -> str:
    """The short name of a class: see `declaring.references.identifier`."""
    stated = re.search(r'^    identifier\b[^=\n]*= "(\w+)"', body, re.M)
    return stated[1] if stated else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def presets() -> tuple[str, ...]:
    """The names of the presets."""
    text = (PACKAGE / "plans" / "presets.py").read_text(encoding="utf-8")
    table = re.search(r"^PRESETS.*?^}", text, re.M | re.S)
    assert table is not None
    return tuple(re.findall(r'^    "(\w+)"', table[0], re.M))


def architectures() -> list[str]:
    """What `--architecture` may be."""
    return [*names("architectures"), OPEN]


def balancers() -> list[str]:
    """What `--balancer` may be."""
    return [*names("balancers"), OPEN]


def one_of(options: Callable[[], Sequence[str]]) -> Callable[[str], list[str]]:
    """Completes an option's value by one of these."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in options() if name.startswith(incomplete)]

    return complete


def column_and_kind(room: str) -> Callable[[object, str], list[str]]:
    """Completes `COLUMN:KIND`: first a column of the table that the command names, then a kind."""

    def complete(ctx: object, incomplete: str) -> list[str]:
        begun, colon, kind = incomplete.rpartition(":")
        columns = column(ctx, incomplete)  # whose names may have colons
        kinds = [f"{begun}:{name}" for name in names(room) if name.startswith(kind)]
        return [*columns, *kinds] if colon else columns

    return complete


def column(ctx: object, incomplete: str) -> list[str]:
    """Completes a column of the table that the command names."""
    return [name for name in _columns(ctx) if name.startswith(incomplete)]


def _columns(ctx: object) -> list[str]:
    """The columns of the CSV file that the command names; none of any other source."""
    given = getattr(ctx, "params", {})
    unread = getattr(ctx, "args", [])  # all of them where the last option still lacks its value
    named = map(Path, filter(None, [given.get("source"), given.get("table"), *unread]))
    for path in named:
        if path.suffix == ".csv" and path.is_file():
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                line = file.readline()
            return max((_divided(line, each) for each in DELIMITERS), key=len)
    return []


def _divided(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
