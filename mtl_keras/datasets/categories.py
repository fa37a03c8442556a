"""Values that stand for a category or a group, as strings: how they are compared everywhere."""

import re
from collections.abc import Collection
from decimal import Decimal

import numpy as np
import pandas as pd

from mtl_keras.datasets.lists import factorized


def decoded(value: object) -> str:
    """Return a cell as a string; bytes are read as UTF-8."""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def category_text(value: object) -> str:
    """Return a category as a string: 3.0 is "3"; bytes are read as UTF-8."""
    if isinstance(value, (float, np.floating, Decimal)) and float(value).is_integer():
        return str(int(value))
    return decoded(value).strip()


def category_texts(column: pd.Series) -> np.ndarray:
    """Return the category of each row as a string, "" where it is missing.

    Example:

    >>> category_texts(pd.Series([1, "1 ", 1.0, None], dtype=object)).tolist()
    ['1', '1', '1', '']
    """
    codes, values = factorized(column)  # a few distinct values, many rows
    return np.array([*map(category_text, values), ""], object)[codes]


def as_known(texts: np.ndarray, known: Collection[str]) -> np.ndarray:
    """Return strings of which whole numbers are written as they are known: `1.0` as `1`.

    A column of whole numbers with an empty cell becomes one of floats, and these are then often
    written as strings.

    Args:
        texts: Strings.
        known: The known ones. A string that is known remains as it is.

    Example:

    >>> as_known(np.array(["1.0", "2", "3.0"], object), ["1", "3.0"]).tolist()
    ['1', '2', '3.0']
    """
    codes, distinct = pd.factorize(texts)
    others = {number: text for text in known if (number := _whole(text)) is not None}
    for place, text in enumerate(distinct):
        if text not in known and (number := _whole(text)) is not None:
            distinct[place] = others.get(number, text)
    return distinct[codes]


def _whole(text: str) -> str | None:
    """Return a whole number without `.0`; None for other strings."""
    match = re.fullmatch(r"(-?(?:0|[1-9][0-9]*))(?:\.0)?", text)
    return match and match[1]
