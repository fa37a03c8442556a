"""The place of a cell as a user finds it in the file, and errors about cells."""

import numpy as np
import pandas as pd

from mtl_keras.errors import DataError, shown

FIRST_LINE = "first_line"  # key of `attrs`: the line of row 0 in a file with a line for each row


class CellError(DataError):
    """Cells of a table are not of the declared kind of their column."""


def place(rows: pd.Series | pd.DataFrame, position: int) -> str:
    """Return the row at a position: its number in the table, and its line in the file if known.

    Example:

    >>> column = pd.Series([1, 2, 3])
    >>> place(column, 2)
    'row 2 (counting from 0)'
    >>> column.attrs = {"first_line": 2, "source": "shop.csv"}
    >>> place(column[1:], 1)
    'row 2 (line 4 of shop.csv)'
    """
    label = rows.index[position]
    if not isinstance(label, (int, np.integer)):
        return f"row {shown(label)}"
    if FIRST_LINE in rows.attrs:
        return f"row {label} (line {label + rows.attrs[FIRST_LINE]} of {rows.attrs['source']})"
    return f"row {label} (counting from 0)"


def first_of(column: pd.Series, bad: np.ndarray) -> str:
    """Return the first of some cells of a column, its place, and their number.

    Args:
        column: The column.
        bad: Which cells, bool `(rows,)`; at least one.

    Example:

    >>> first_of(pd.Series(["1", "x", "y"]), np.array([False, True, True]))
    "'x' in row 1 (counting from 0), the first of 2 such cells in 3 rows"
    """
    position, count = int(np.flatnonzero(bad)[0]), int(bad.sum())
    several = f", the first of {count:,} such cells in {len(column):,} rows" if count > 1 else ""
    return f"{shown(column.iloc[position])} in {place(column, position)}{several}"


def refuse(what: str, column: pd.Series, bad: np.ndarray, advice: str) -> None:
    """Raise a CellError for the cells of a column that are bad, if there are any.

    Args:
        what: What the column is, as a sentence without its full stop.
        column: The column.
        bad: Which cells, bool `(rows,)`.
        advice: What to do, in sentences.
    """
    if bad.any():
        raise CellError(f"{what}. Received: {first_of(column, bad)}. {advice}")
