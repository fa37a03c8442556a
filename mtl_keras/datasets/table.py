"""Reading and checking tables, from files and DataFrames; and writing them."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mtl_keras.datasets import files, text_encoding
from mtl_keras.datasets.cells import place
from mtl_keras.errors import DataError, nearest, shown


def read(source: Any, as_texts: bool = False, encoding: str = "utf-8") -> pd.DataFrame:
    """Read a table from a file, or check a DataFrame.

    The first line of a CSV file names the columns, and the delimiter is the comma, semicolon, tab
    or bar, whichever splits that line into most names. Empty cells and words such as `NA` and
    `None` are missing values (a training tells in which columns of strings), and whole numbers that
    begin with a zero, such as `00123`, remain strings, as do `1.234` and `999` in a column of
    nothing else in a file with semicolons, where they may be thousands. In a file with one column,
    an empty line is a missing cell. A JSON file contains one object per line, or a list of objects.

    Args:
        source: A path (`.csv`, `.tsv`, `.txt`, `.json`, `.jsonl`, also compressed: `.gz`, `.bz2`,
            `.xz`, `.zst`, `.zip` of one file; or `.parquet`), or a `pandas.DataFrame`.
        as_texts: Whether to keep the cells of a CSV file as strings, including empty ones, and
            whole numbers in Parquet columns with missing values exact. Default False.
        encoding: The encoding of a CSV or JSON file, such as `"cp1252"` for one from Windows; it is
            never guessed. Default UTF-8, or UTF-16 with a byte-order mark. Parquet files, of which
            it is warned, and DataFrames do not need it.

    Returns:
        The table.

    Raises:
        DataError: if the file does not exist, is empty, has no rows, is not a table, or names a
            column twice.
        ConfigError: if there is no such encoding.

    Example:

    >>> read("data/customers.csv").columns[:3].tolist()
    ['customer_id', 'first_order', 'cohort_month']
    """
    encoding = text_encoding.checked(encoding)
    if isinstance(source, pd.DataFrame):
        table, where = source, "The DataFrame"
    elif isinstance(source, (str, Path)):
        path = Path(source)
        where = str(path)
        if not path.is_file():
            siblings = [file.name for file in path.parent.glob("*.*")]
            hint = nearest(path.name, siblings)
            raise DataError(
                f"There is no file {where}.{hint} Expected a CSV, JSON lines or Parquet file."
            )
        table = files.load(path, as_texts, encoding)
    else:
        raise DataError(
            f"A table must be a path or a pandas.DataFrame. Received: {type(source).__name__}."
        )
    if isinstance(table.columns, pd.MultiIndex):
        raise DataError(f"{where} has column names with several levels. Join them into one.")
    broken = [name for name in map(str, table.columns) if not _encodes(name)]
    if broken:
        raise DataError(f"{where} has a column whose name is not valid Unicode: {broken[0]!r}.")
    names = table.columns.map(str)
    duplicated = sorted(set(names[names.duplicated()]))
    if duplicated:
        raise DataError(f"{where} names columns more than once: {duplicated}. Rename them.")
    if len(table) == 0:
        raise DataError(f"{where} has no rows. Expected at least one below the column names.")
    attributes = dict(table.attrs)
    table = table.set_axis(names, axis=1)
    table.attrs = attributes
    arrow = [name for name, dtype in table.dtypes.items() if isinstance(dtype, pd.ArrowDtype)]
    if arrow:  # lists and days of Arrow's own types, as pandas objects
        table = table.copy(deep=False)
        for name in arrow:  # not as arguments of `assign`, since a column may be named `self`
            table[name] = _from_arrow(table[name])
        table.attrs = attributes
    _refuse_broken_texts(table, where)
    if not isinstance(source, pd.DataFrame):
        table.attrs |= {"folder": str(path.parent), "source": where}  # folder of relative paths
    return table


def _refuse_broken_texts(table: pd.DataFrame, where: str) -> None:
    """Raise a DataError for invalid Unicode, which neither files nor TensorFlow accept."""
    for name, dtype in table.dtypes.items():  # taking each column would be slow for a single row
        if not pd.api.types.is_object_dtype(dtype):
            continue
        for row, cell in enumerate(table[name]):
            parts = cell if isinstance(cell, (list, tuple, set, frozenset)) else (cell,)
            if not all(_encodes(part) for part in parts if isinstance(part, str)):
                raise DataError(
                    f"{where}: column {name!r} contains invalid Unicode in "
                    f"{place(table, row)}: {shown(cell)}. Clean the column."
                )


def _encodes(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair, as in broken JSON
        return False


def _from_arrow(column: pd.Series) -> pd.Series:
    return pa.array(column.array).to_pandas().set_axis(column.index)


@contextlib.contextmanager
def naming_source(table: pd.DataFrame) -> Iterator[None]:
    """Within the block, name the file in errors about its rows."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{table.attrs['source']}: {error}") from error


def fingerprint(table: pd.DataFrame) -> int:
    """Return a hash of a table's values, which may be of any type, and of their order.

    Args:
        table: The table.

    Returns:
        An unsigned 64-bit integer.

    Example:

    >>> table = pd.DataFrame({"a": [1, 2], "b": ["x", [3, 4]]})
    >>> fingerprint(table) == fingerprint(table.copy()) != fingerprint(table.iloc[::-1])
    True
    """

    def text(cell: Any) -> str:
        return cell.tobytes().hex() if isinstance(cell, np.ndarray) else str(cell)

    texts = table.apply(
        lambda column: column.map(text) if column.dtype == object else column.astype(str)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hashes = pd.util.hash_pandas_object(texts).to_numpy()
    return int((hashes * (2 * np.arange(len(hashes), dtype=np.uint64) + 1)).sum())
