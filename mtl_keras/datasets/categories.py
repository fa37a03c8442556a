"""Values that stand for a category or a group, as strings: how they are compared everywhere."""

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

import numpy as np
import pandas as pd

from mtl_keras.datasets.lists import factorized


def decoded(value: object) -> str:
    """Return a cell as a string; bytes are read as UTF-8."""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def undecimal(value: object) -> object:
    """Return a cell, of which a decimal number is an integer or a float."""
    if not isinstance(value, Decimal) or not value.is_finite():
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def text_of(value: object) -> str:
    """Return a cell as a string: 3.0 is "3", as if a column had no missing cells."""
    value = undecimal(value)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return decoded(value)


def category_text(value: object) -> str:
    """Return a category as a string: as `text_of`, without white space around it."""
    return text_of(value).strip()


def category_texts(column: pd.Series, spellings: Mapping[str, str] | None = None) -> np.ndarray:
    """Return the category of each row as a string, "" where it is missing.

    Args:
        column: The column.
        spellings: Strings to replace: see `other_spellings`. Default None: none.

    Example:

    >>> category_texts(pd.Series([1, "1 ", 1.0, None], dtype=object)).tolist()
    ['1', '1', '1', '']
    """
    codes, values = factorized(column)  # a few distinct values, many rows
    texts: Iterable[str] = map(category_text, values)
    if spellings:
        texts = (spellings.get(text, text) for text in texts)
    return np.array([*texts, ""], object)[codes]


def other_spellings(known: Collection[str]) -> dict[str, str]:
    """Return how known strings are written elsewhere: `1` as `1.0`, `TRUE` as `True`.

    A column of whole numbers with an empty cell becomes one of floats, and these are then often
    written as strings. A file of nothing but `TRUE` and `FALSE` becomes one of booleans.

    Args:
        known: The known strings.

    Returns:
        The known string for each other spelling, unless that is known as well.

    Example:

    >>> other_spellings(["1", "2.0", "3", "3.0", "007", "a"])
    {'1.0': '1', '2': '2.0'}
    >>> other_spellings(["TRUE", "false", "False"])
    {'true': 'TRUE', 'True': 'TRUE'}
    """
    found = {}
    for text in known:
        if match := re.fullmatch(r"(-?(?:0|[1-9][0-9]*))(\.0)?", text):
            found[match[1] if match[2] else f"{text}.0"] = text
        elif text.lower() in ("true", "false"):
            others = {text.lower(), text.capitalize(), text.upper()} - {text}
            if not others & {*known}:
                found |= dict.fromkeys(sorted(others, reverse=True), text)
    return {other: text for other, text in found.items() if other not in known}
