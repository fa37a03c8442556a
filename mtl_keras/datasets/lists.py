"""Columns with several values per row: lists, arrays, or strings with a separator."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.cells import place, refuse
from mtl_keras.errors import DataError, shown

WRITTEN = re.compile(
    r"""[\[{]\s*((['"]).*\2|[-+\d.,\s]*)\s*[\]}]|\(\s*(['"]).*\3\s*,?\s*\)""", re.DOTALL
)
"""A list as Python or JSON writes it: what a CSV file has of a column of lists."""


def is_list(value: Any) -> bool:
    """Return whether a value of a column is a list, tuple, set or array."""
    return isinstance(value, (list, tuple, set, frozenset, np.ndarray))


def is_missing(value: Any) -> bool:
    """Return whether a value is missing: None, NaN, NA or NaT."""
    return value is None or value is pd.NA or (not is_list(value) and bool(value != value))


def has_gaps(value: Any) -> bool:
    """Return whether a value is a list with missing members."""
    return is_list(value) and any(map(is_missing, value))


def written_lists(column: pd.Series) -> np.ndarray:
    """Return which cells are lists as strings, as a CSV file has them: bool `(rows,)`.

    Example:

    >>> written_lists(pd.Series(["['a', 'b']", "[1, 2]", "a, b", "[deleted]", None])).tolist()
    [True, True, False, False, False]
    """
    return np.array([isinstance(v, str) and bool(WRITTEN.fullmatch(v.strip())) for v in column])


def refuse_written_lists(name: str, column: pd.Series, separator: str) -> None:
    """Raise a CellError for the first cell that is a list as a string."""
    advice = (
        f"Separate the values by {separator!r} and nothing else, or store lists as Parquet or JSON."
    )
    what = f"Feature {name!r} has lists that were written as strings"
    refuse(what, column, written_lists(column), advice)


def factorized(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Return the index of each row's value, -1 where it is missing, and the distinct values.

    Values that cannot be hashed, such as lists, are replaced by their strings. True is not 1.

    Example:

    >>> codes, values = factorized(pd.Series(["a", None, "a", [1, 2]], dtype=object))
    >>> codes.tolist(), values
    ([0, -1, 0, 1], ['a', '[1, 2]'])
    """
    if isinstance(column.dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    try:
        codes, values = pd.factorize(column)
    except TypeError:  # lists, dicts, sets and arrays cannot be looked up
        texts = [cell if isinstance(cell, Hashable) else str(cell) for cell in column]
        codes, values = pd.factorize(pd.Series(texts, dtype=object))
    if column.dtype == object:
        codes, values = _with_booleans_apart(column, codes, values)
    if values.dtype.kind == "f" and values.dtype.itemsize < 8:  # 1.6, not 1.600000023841858
        values = np.asarray(values).astype(str).astype(float)
    return codes, values.tolist()


def _with_booleans_apart(
    column: pd.Series, codes: np.ndarray, values: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return codes in which True and False are other values than 1 and 0, which equal them."""
    values, cells = list(values), np.asarray(column, object)
    for code, value in enumerate(values[:]):
        if isinstance(value, (Number, np.bool_)) and value in (0, 1):
            rows = np.flatnonzero(codes == code)
            others = [row for row in rows if _is_boolean(cells[row]) != _is_boolean(value)]
            if others:
                codes[others] = len(values)
                values.append(cells[others[0]])
    return codes, _objects(values)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _objects(values: list[Any]) -> np.ndarray:
    made = np.empty(len(values), object)  # of lists, np.array would make rows
    made[:] = values
    return made


def refuse_several(name: str, kind: str, column: pd.Series) -> None:
    """Raise a DataError for the first row with several values in place of one."""
    if column.dtype != object:
        return
    for row, value in enumerate(column):
        if is_list(value) or isinstance(value, dict):
            raise DataError(
                f"Feature {name!r} is {kind} and takes one value per row. Received: "
                f"{shown(value)} in {place(column, row)}. Declare it as categories, a sequence "
                "or a vector, or drop it."
            )


def first_list(column: pd.Series) -> Any:
    """Return the first value of a column if it is a list, else None."""
    if column.dtype != object or not len(column):
        return None
    value = column.iloc[int(column.notna().to_numpy().argmax())]  # an index may repeat
    return value if is_list(value) else None


def parts(text: str, separator: str) -> list[str]:
    """Return the non-empty parts of a string, stripped of white space.

    The separator " " stands for any white space.

    Example:

    >>> parts("New York,\u00a0Oslo,", ","), parts("a \t b", " ")
    (['New York', 'Oslo'], ['a', 'b'])
    """
    split = text.split(None if separator == " " else separator)
    return [part.strip() for part in split if part.strip()]


def joined(name: str, column: pd.Series, separator: str, text: Any) -> np.ndarray:
    """Return a string per row: its values joined by the separator, "" if there are none.

    White space around the values, of any kind, is removed: TensorFlow knows only that of ASCII.
    Missing members of lists are left out.

    Args:
        name: Name of the feature, for messages.
        column: Lists, strings that already contain the separator, or single values.
        separator: The separator of the values.
        text: A function from a value to a string.

    Raises:
        DataError: if a value of a list contains the separator.
    """
    texts = np.empty(len(column), object)
    for row, value in enumerate(column):
        if not is_list(value):
            texts[row] = "" if is_missing(value) else separator.join(parts(text(value), separator))
            continue
        each = [text(part) for part in _ordered(value) if not is_missing(part)]
        bad = next((part for part in each if part and parts(part, separator) != [part]), None)
        if bad is not None:
            raise DataError(
                f"Feature {name!r}: {bad!r} in {place(column, row)} contains the separator "
                f"{separator!r}. Give the feature another `separator`."
            )
        texts[row] = separator.join(each)
    return texts


def vocabulary(sets: Iterable[Iterable[Any]], min_frequency: int, max_size: int) -> list[Any]:
    """Return the values that enough rows have, most frequent first, ties in alphabetical order.

    Example:

    >>> vocabulary([["b", "a", "a"], ["b"], ["c"]], min_frequency=1, max_size=2)
    ['b', 'a']
    """
    counts = Counter(value for row in sets for value in set(row))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [value for value, rows in ranked if rows >= min_frequency][:max_size]


def _ordered(values: Iterable[Any]) -> Iterable[Any]:
    return sorted(values, key=str) if isinstance(values, (set, frozenset)) else values
