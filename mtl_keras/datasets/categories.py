"""Values that stand for a category or a group, as strings: how they are compared everywhere."""

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


def category_texts(column: pd.Series) -> np.ndarray:
    """Return the category of each row as a string, "" where it is missing.

    Example:

    >>> category_texts(pd.Series([1, "1 ", 1.0, None], dtype=object)).tolist()
    ['1', '1', '1', '']
    """
    if column.dtype == object and pd.api.types.infer_dtype(column).startswith("mixed"):
        column = column.map(category_text, na_action="ignore")  # True is not 1, which equals it
    codes, values = factorized(column)  # a few distinct values, many rows
    return np.array([*map(category_text, values), ""], object)[codes]
