"""Tables in: CSV and Parquet files and DataFrames, read whole and checked."""

import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.errors import DataError, nearest

DELIMITERS = ",;\t|"


def read(source: Any) -> pd.DataFrame:
    """A table from a CSV or Parquet file, or a DataFrame as it is.

    A CSV file is UTF-8, with or without a byte-order mark; its first line names the columns; the
    delimiter is whichever of comma, semicolon, tab and bar the first line has most of. Empty cells
    are missing values.

    Args:
        source: A path (`.csv`, `.tsv`, `.txt`, also compressed `.gz`; or `.parquet`), or a
            `pandas.DataFrame`.

    Raises:
        DataError: if there is no such file, or it is empty, has no rows, is not a table, or names a
            column twice.
    """
    if isinstance(source, pd.DataFrame):
        table, where = source, "The DataFrame"
    else:
        path = Path(source)
        where = str(path)
        if not path.is_file():
            siblings = [str(file) for file in path.parent.glob("*.*")] if path.parent else []
            raise DataError(
                f"There is no file {where}.{nearest(where, siblings)} Expected a CSV or Parquet "
                "file."
            )
        if path.stat().st_size == 0:
            raise DataError(f"{where} is empty. Expected a first line with column names, and rows.")
        table = _parquet(path) if path.suffix in (".parquet", ".pq") else _csv(path)
    duplicated = sorted({str(name) for name in table.columns[table.columns.duplicated()]})
    if duplicated:
        raise DataError(f"{where} names columns more than once: {duplicated}. Rename them.")
    if len(table) == 0:
        raise DataError(f"{where} has no rows. Expected at least one below the column names.")
    table = table.rename(columns=str)
    if not isinstance(source, pd.DataFrame):
        table.attrs["folder"] = str(path.parent)  # where paths in it start
    return table


def fingerprint(table: pd.DataFrame) -> int:
    """A number that another table would hardly have: of its values, whatever they are.

    Example:

    >>> table = pd.DataFrame({"a": [1, 2], "b": ["x", [3, 4]]})
    >>> fingerprint(table) == fingerprint(table.copy()) != fingerprint(table.iloc[:1])
    True
    """

    def text(cell: Any) -> str:
        return cell.tobytes().hex() if isinstance(cell, np.ndarray) else str(cell)

    texts = table.apply(
        lambda column: column.map(text) if column.dtype == object else column.astype(str)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(pd.util.hash_pandas_object(texts).sum())


def write(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV or, where the name ends so, Parquet; whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    if path.suffix in (".parquet", ".pq"):
        table.to_parquet(unfinished, index=False)
    else:
        table.to_csv(unfinished, index=False)
    unfinished.replace(path)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error


def _csv(path: Path) -> pd.DataFrame:
    try:
        header = pd.read_csv(path, header=None, nrows=1, sep="\0", encoding="utf-8-sig", dtype=str)
        first = str(header.iloc[0, 0])
        delimiter = max(DELIMITERS, key=first.count)
        names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
        duplicated = sorted({name for name in names if names.count(name) > 1})
        if duplicated:  # pandas would rename them without a word
            raise DataError(f"{path} names columns more than once: {duplicated}. Rename them.")
        return pd.read_csv(
            path, sep=delimiter, encoding="utf-8-sig", skipinitialspace=True, low_memory=False
        ).rename(columns=str.strip)
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path} is empty. Expected column names, and rows.") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text: {error.reason} at byte {error.start}. Save it as UTF-8."
        ) from error
    except pd.errors.ParserError as error:
        raise DataError(f"{path} cannot be read as CSV: {error}") from error
