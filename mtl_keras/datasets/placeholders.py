"""Texts and numbers that stand for a missing value, such as `?`, `k.A.` and 999."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.categories import decoded, undecimal
from mtl_keras.datasets.dates import find_format, stated_dates
from mtl_keras.datasets.lists import factorized
from mtl_keras.errors import ConfigError, DataError, nearest, shown

Value = str | float
Declared = Sequence[Value] | Mapping[str, Sequence[Value]]

EXACT = 2.0**53  # below it, whole numbers are exact as floats
PLAIN = r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"  # not 00123, which is a code


def checked(declared: Any) -> Declared:
    """Return declared values as they are stored, a value alone as a list.

    Args:
        declared: Values for all columns, or values by column.

    Raises:
        ConfigError: if one is neither a text nor a number.

    Example:

    >>> checked(["?", 999]), checked({"age": 999})
    (['?', 999], {'age': [999]})
    """
    if isinstance(declared, Mapping):
        return {str(column): listed(values) for column, values in declared.items()}
    return listed(declared)


def listed(values: Any) -> list[Value]:
    """Return values as a list; one alone as a list of one.

    Raises:
        ConfigError: if one is neither a text nor a number.
    """
    values = [values] if isinstance(values, (str, int, float)) else values
    good = isinstance(values, (list, tuple)) and all(
        isinstance(value, (str, int, float)) and not isinstance(value, bool) and value == value
        for value in values
    )
    if not good:
        raise ConfigError(
            "`missing_values` must be a list of texts and numbers, such as ['?', 999], or a "
            f"mapping from columns to such lists. Received: {shown(values)}."
        )
    return list(values)


def of_column(declared: Declared, column: str) -> tuple[Value, ...]:
    """Return the values that stand for a missing one in a column.

    Example:

    >>> of_column(["?"], "age"), of_column({"age": [999]}, "age"), of_column({"age": [999]}, "town")
    (('?',), (999,), ())
    """
    return tuple(declared.get(column, ()) if isinstance(declared, Mapping) else declared)


def texts_of(values: Iterable[Value]) -> list[str]:
    """Return the strings that stand for a missing value: a number is written in two ways.

    Example:

    >>> texts_of(["?", 999])
    ['?', '999', '999.0']
    """
    texts = [str(value).strip() for value in values]
    for number in numbers_of(values):
        texts += _written(number)
    return list(dict.fromkeys(texts))


def numbers_of(values: Iterable[Value]) -> list[float]:
    """Return the numbers that stand for a missing value, also of strings such as `"999"`.

    Example:

    >>> numbers_of(["?", "999", "00"])
    [999.0]
    """
    return [number for value in values if (number := _number(value)) is not None]


def dates_of(values: Iterable[Value]) -> list[pd.Timestamp]:
    """Return the dates that stand for a missing value, of texts in a known format.

    Example:

    >>> dates_of(["?", "31.12.1899", 999])
    [Timestamp('1899-12-31 00:00:00')]
    """
    texts = [value.strip() for value in values if isinstance(value, str)]
    return [day for text in texts if (day := _date(text)) is not None]


@functools.lru_cache
def _date(text: str) -> pd.Timestamp | None:  # kept: each column of each prediction asks for it
    cell = pd.Series([text])
    form = find_format(cell)
    return None if form is None else stated_dates(cell, form).iloc[0]


def _number(value: Value) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return None if isinstance(value, str) and value.strip() not in _written(number) else number


def _written(number: float) -> list[str]:
    whole = number.is_integer() and abs(number) < EXACT
    return [str(int(number)), str(number)] if whole else [str(number)]


def masked(column: pd.Series, values: Sequence[Value]) -> pd.Series:
    """Return a column in which the cells that stand for a missing value are empty.

    Example:

    >>> masked(pd.Series([31, 999]), [999]).tolist(), masked(pd.Series(["a", "? "]), ["?"]).tolist()
    ([31.0, nan], ['a', nan])
    """
    found = _found(column, values) if values else np.zeros(0, bool)
    if not found.any():
        return column
    if column.dtype.kind in "fM" or isinstance(column.dtype, pd.StringDtype):
        return column.mask(found)
    if column.dtype.kind in "iu":
        exact = column.abs().max() < EXACT
        return (column.astype("float64") if exact else column.astype(object)).mask(found)
    return column.astype(object).mask(found, None)


def _found(column: pd.Series, values: Sequence[Value]) -> np.ndarray:
    """Return which cells stand for a missing value, bool `(rows,)`."""
    if column.dtype.kind in "bmc":
        return np.zeros(len(column), bool)
    if column.dtype.kind == "M" and column.dtype.type is not date:  # Arrow's date32
        return column.dt.tz_localize(None).isin(dates_of(values)).to_numpy(bool)
    numbers, texts = numbers_of(values), set(texts_of(values))
    if column.dtype.kind in "iu":
        return column.isin(numbers).to_numpy(bool)
    if column.dtype.kind == "f":  # in single precision, -99.9 is another number
        with np.errstate(over="ignore"):
            numbers = pd.Series(numbers, dtype=float).astype(column.dtype).tolist()
        return column.isin(numbers).to_numpy(bool)
    dates = dates_of(values)
    codes, cells = factorized(column)  # for the code -1: missing
    known = [
        decoded(cell).strip() in texts
        if isinstance(cell, (str, bytes))
        else pd.Timestamp(cell).tz_localize(None) in dates
        if isinstance(cell, date | np.datetime64)
        else isinstance(cell, Real) and not isinstance(cell, bool) and cell in numbers
        for cell in map(undecimal, cells)
    ]
    return np.array([*known, False])[codes]


def applied(
    table: pd.DataFrame, declared: Declared, show: Callable[[str], None] | None = None
) -> pd.DataFrame:
    """Return a table in which the cells that stand for a missing value are empty.

    Args:
        table: The table.
        declared: Values for all columns, or values by column.
        show: A function that prints a line, for a table to learn from: it is told how many such
            cells there are, and strings that are plain numbers besides become numbers, as if these
            cells had been empty in the file. Default None: neither.

    Raises:
        DataError: if `show` is given, and the table lacks a column that is named.

    Example:

    >>> table = pd.DataFrame({"age": ["31", "?"], "plan": ["?", "pro"]})
    >>> applied(table, ["?"], print)["age"].tolist()
    missing values: '?' in 1 row of age, 1 row of plan
    [31.0, nan]
    """
    if not declared:
        return table
    if show is not None and isinstance(declared, Mapping):
        check_columns(declared, list(map(str, table.columns)))
    result, attributes = table.copy(deep=False), dict(table.attrs)
    counts: dict[Value, list[str]] = {value: [] for value in all_of(declared)}
    for name in table.columns:
        values = of_column(declared, str(name))
        before = table[name]
        column = masked(before, values)
        if column is before:
            continue
        result[name] = column if show is None else _as_numbers(column)
        for value in values if show is not None else ():
            if count := int(_found(before, [value]).sum()):
                counts[value].append(f"{count:,} row{'s' * (count > 1)} of {name}")
    result.attrs = attributes
    if show is not None:
        each = [f"{value!r} in {', '.join(where) or 'no row'}" for value, where in counts.items()]
        show(f"missing values: {'; '.join(each)}")
    return result


def check_columns(declared: Declared, columns: Sequence[str]) -> None:
    """Raise a DataError if a column for which values are declared is not in the table."""
    for name in declared if isinstance(declared, Mapping) else ():
        if name not in columns:
            raise DataError(
                f"The table has no column {name!r}, whose missing values are declared."
                f"{nearest(name, columns)}"
            )


def all_of(declared: Declared) -> list[Value]:
    """Return all values that are declared, for any column."""
    lists = declared.values() if isinstance(declared, Mapping) else [declared]
    return list(dict.fromkeys(value for values in lists for value in values))


def in_words(declared: Declared) -> str:
    """Return the declared values in words.

    Example:

    >>> in_words(["?", 999]), in_words({"age": [999], "plan": ["?", "-"]})
    ("'?', 999", "999 (age), '?', '-' (plan)")
    """
    if isinstance(declared, Mapping):
        return ", ".join(f"{in_words(values)} ({column})" for column, values in declared.items())
    return ", ".join(map(repr, declared))


def _as_numbers(column: pd.Series) -> pd.Series:
    """Return strings as numbers if all of them are plain ones, as in a CSV file."""
    present = column.dropna()
    if column.dtype.kind in "iuf" or not all(isinstance(cell, str) for cell in present):
        return column
    texts = present.astype(str).str.strip()
    plain = texts.str.fullmatch(PLAIN) & texts.str.contains(r"[0-9]")
    return pd.to_numeric(column) if plain.all() else column
