"""Values that stand for a category or a group, as strings: how they are compared everywhere."""

import numpy as np
import pandas as pd

from mtl_keras.datasets.lists import factorized


def decoded(value: object) -> str:
    """Return a cell as a string; bytes are read as UTF-8."""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def category_text(value: object) -> str:
    """Return a category as a string: 3.0 is "3"; bytes are read as UTF-8."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
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
