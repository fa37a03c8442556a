"""The rows of a CSV file as lists of cells, and those with fewer than the line of names."""

import csv
import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mtl_keras.datasets.cells import FIRST_LINE, place
from mtl_keras.errors import shown


def rows_of(content: bytes, delimiter: str) -> list[list[str]]:
    r"""Return the cells of each row as pandas reads them, the names first.

    Args:
        content: The content of the file, in UTF-8.
        delimiter: Its delimiter.

    Example:

    >>> rows_of(b'town, "rent, cold"\r\nBonn, 900\r\n', ",")
    [['town', 'rent, cold'], ['Bonn', '900']]
    """
    lines = io.StringIO(content.decode(errors="replace"), None)
    limit = csv.field_size_limit(max(csv.field_size_limit(), len(content)))  # 128 KB, for texts
    try:
        return list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    finally:
        csv.field_size_limit(limit)


def warn_of_short_rows(
    path: Path,
    table: pd.DataFrame,
    content: bytes,
    delimiter: str,
    names: Sequence[str],
) -> None:
    """Warn of rows with too few cells, whose last cells count as missing.

    They are not refused, because Excel leaves out empty cells at the end of a row.

    Args:
        path: The file, for the message.
        table: The table of the content, its rows numbered as in the file.
        content: The content of the file, or of a piece of it below the line of names.
        delimiter: Its delimiter.
        names: The names in its first line, which may end with empty ones.

    Example:

    >>> content, names = b"a,b\\n1,2\\n4\\n", ["a", "b"]
    >>> with warnings.catch_warnings(record=True) as told:
    ...     table = pd.read_csv(io.BytesIO(content))
    ...     warn_of_short_rows(Path("x.csv"), table, content, ",", names)
    >>> str(told[0].message)[:62]
    'x.csv: row 1 (counting from 0) has 1 cell, fewer than the 2 na'
    """
    needed = max((place for place, name in enumerate(names, start=1) if name), default=0)
    if needed < 2 or not table.iloc[:, needed - 1].isna().any():
        return
    if needed == len(names) and _delimiters(content, delimiter) >= (len(table) + 1) * (needed - 1):
        return
    rows = rows_of(content, delimiter)[1:]
    filled = [row for row in rows if any(cell.strip() for cell in row) or len(row) > 1]
    short = [number for number, row in enumerate(filled) if len(row) < needed]
    if not short:
        return
    cells = filled[short[0]]
    where = place(table, short[0])
    where = where if FIRST_LINE in table.attrs else f"{path}: {where}"
    several = f", the first of {len(short):,} such rows," if len(short) > 1 else ""
    warnings.warn(
        f"{where}{several} has {len(cells)} cell{'s' * (len(cells) != 1)}, fewer than the "
        f"{needed} names of the first line: {shown(cells)}. The last cells count as missing: if "
        "others were left out, complete the row.",
        stacklevel=2,
    )


def _delimiters(content: bytes, delimiter: str) -> int:
    """Return the number of delimiters that are not inside quotes."""
    if b'"' not in content:
        return content.count(delimiter.encode())
    return len(unquoted(content, delimiter))


def unquoted(content: bytes, character: str) -> np.ndarray:
    """Return where a character is in a CSV file, except inside quotes."""
    characters = np.frombuffer(content, np.uint8)
    places = np.flatnonzero(characters == ord(character))
    quotes = np.flatnonzero(characters == ord('"'))
    return places[np.searchsorted(quotes, places) % 2 == 0]
