"""Cells that hold several values: lists, arrays, or one text with a separator."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.errors import DataError


def is_list(cell: Any) -> bool:
    """Whether a cell holds several values as a list, tuple, set or array."""
    return isinstance(cell, (list, tuple, set, frozenset, np.ndarray))


def first_list(column: pd.Series) -> Any:
    """The first cell that is a list, or None if the first value of the column is none."""
    if column.dtype != object:
        return None
    start = column.first_valid_index()
    cell = None if start is None else column.loc[start]
    return cell if is_list(cell) else None


def joined(name: str, column: pd.Series, separator: str, text: Any) -> np.ndarray:
    """One text per cell, its values joined by the separator; "" where there is none.

    Args:
        name: Name of the feature, for messages.
        column: Lists, or texts that have the separator already.
        separator: What stands between two values.
        text: A function from a value of a list to its text.

    Raises:
        DataError: if a value of a list has the separator in it.
    """
    made = np.empty(len(column), object)
    for row, cell in enumerate(column):
        if not is_list(cell):
            made[row] = "" if cell is None or cell is pd.NA or cell != cell else str(cell)
            continue
        parts = [text(value) for value in _ordered(cell)]
        bad = next((part for part in parts if separator in part), None)
        if bad is not None:
            raise DataError(
                f"Feature {name!r}: {bad!r} in row {column.index[row]} holds the separator "
                f"{separator!r}. Give the feature another `separator`."
            )
        made[row] = separator.join(parts)
    return made


def vocabulary(sets: Iterable[Iterable[Any]], min_frequency: int, max_size: int) -> list[Any]:
    """The values that enough rows have, most frequent first, then in the order of the alphabet.

    Example:

    >>> vocabulary([["b", "a", "a"], ["b"], ["c"]], min_frequency=1, max_size=2)
    ['b', 'a']
    """
    counts = Counter(value for row in sets for value in set(row))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [value for value, rows in ranked if rows >= min_frequency][:max_size]


def _ordered(cell: Iterable[Any]) -> Iterable[Any]:
    return sorted(cell, key=str) if isinstance(cell, (set, frozenset)) else cell
