"""Names that TensorFlow accepts, made from arbitrary ones, and names of identifiers."""

import keyword
import re
from collections.abc import Collection, Iterable

IDENTIFIER_WORDS = ("id", "key", "uuid", "guid", "index", "number", "no", "nr", "code")


def snake_case(name: str) -> str:
    """Return the name of a class as that of a variable.

    Example:

    >>> snake_case("SharedBottom"), snake_case("NashMTL")
    ('shared_bottom', 'nash_mtl')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def layer_name(*parts: str) -> str:
    """Return a name that TensorFlow accepts for a layer or argument, made from any names."""
    text = "_".join(parts)
    slug = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in text)
    if slug != text or not slug[0].isalpha() or keyword.iskeyword(slug) or slug == "self":
        slug = f"x_{slug}_{_digest(text)}"
    return slug


def unique_names(names: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Return a `layer_name` for each name; no two are equal, even ignoring case.

    TensorFlow treats `age` and `AGE` as the same name.

    Args:
        names: The names, without duplicates.
        taken: Names that are used for something else.

    Example:

    >>> unique_names(["age", "AGE"])
    {'age': 'age', 'AGE': 'x_AGE_68575'}
    """
    slugs: dict[str, str] = {}
    used = {name.lower() for name in taken}
    for name in names:
        slug = layer_name(name)
        if slug.lower() in used:
            slug = f"x_{slug}_{_digest(name)}"
        while slug.lower() in used:
            slug += "_"
        used.add(slug.lower())
        slugs[name] = slug
    return slugs


def named_like_identifier(name: str) -> bool:
    """Return whether a column is named like an identifier.

    Example:

    >>> [named_like_identifier(name) for name in ("customerID", "order_no", "humidity")]
    [True, True, False]
    """
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name.replace("ID", "Id"))
    words = "".join(c if c.isalnum() else " " for c in spaced).lower().split()
    return bool(words) and (words[-1] in IDENTIFIER_WORDS or words[0] in ("id", "uuid"))


def _digest(text: str) -> int:
    return sum(ord(c) * 31**i for i, c in enumerate(text)) % 100_000
