"""All tables by name, and the rule that divided those for choosing from those for judging."""

import hashlib
from collections.abc import Sequence

from .choosing import CHOOSING
from .confirming import CONFIRMING
from .judging import JUDGING
from .known import KNOWN

TABLES = {**KNOWN, **CHOOSING, **JUDGING, **CONFIRMING}
PARTS = ("known", "choosing", "judging", "confirming")
DRAWN = ("choosing", "judging")


def named(words: Sequence[str]) -> list[str]:
    """The tables that the words name: a table, a part of them, or `all`."""
    found = []
    for word in words:
        if word not in (*TABLES, *PARTS, "all"):
            raise SystemExit(f"No table or part {word!r}. There are: {', '.join(TABLES)}; {PARTS}.")
        found += [n for n, table in TABLES.items() if word in (n, table.part, "all")]
    return list(dict.fromkeys(found))


def division() -> dict[str, str]:
    """The part of each table that is for choosing or judging.

    They are ordered by their number of rows; of each two that follow, the one whose name has the
    lower SHA-256 digest is for choosing, the other for judging.
    """
    new = [name for name, table in TABLES.items() if table.part in DRAWN]
    new.sort(key=lambda name: TABLES[name].rows)
    drawn = {}
    for pair in zip(new[::2], new[1::2], strict=True):
        first, second = sorted(pair, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        drawn |= {first: "choosing", second: "judging"}
    return drawn
