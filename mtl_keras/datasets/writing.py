"""Writes tables to files, at once or in pieces."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mtl_keras.datasets import files
from mtl_keras.datasets.unfinished import (
    check_folder,
    remove_what_the_dead_left,
    unfinished_path,
)
from mtl_keras.errors import ConfigError, naming, shown

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Writer:
    """Writes a table to a file in pieces, and atomically.

    The file has a unique temporary name until the block ends, so that two processes that write the
    same file do not mix their rows, and is removed if the block fails.

    Args:
        path: A `.csv`, `.tsv`, `.txt` or `.parquet` file.
        escape_formulas: Whether strings in a CSV file that begin with `=`, `+`, `-` or `@` are
            prefixed with an apostrophe, so that a spreadsheet does not read them as formulas.
            Default False.

    Example:

    >>> import tempfile
    >>> with Writer(f"{tempfile.mkdtemp()}/answers.csv") as file:
    ...     file.write(pd.DataFrame({"age": [31]}))
    ...     file.write(pd.DataFrame({"age": [40]}))
    >>> file.path.read_text().split()
    ['age', '31', '40']
    """

    def __init__(self, path: str | Path, escape_formulas: bool = False) -> None:
        check_writable(path)
        self.path, self.escape_formulas = Path(path), escape_formulas
        self.unfinished = unfinished_path(self.path.parent)
        self.rows = 0
        self._parquet: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        remove_what_the_dead_left(self.path.parent)
        return self

    def write(self, table: pd.DataFrame) -> None:
        """Add rows, without the index."""
        with naming(self.path):
            if self.path.suffix in files.PARQUET:
                self._write_parquet(table)
            else:
                table = table.map(_escaped) if self.escape_formulas else table
                delimiter = "\t" if self.path.suffix == ".tsv" else ","
                header = not self.unfinished.exists()
                table.to_csv(self.unfinished, index=False, sep=delimiter, mode="a", header=header)
        self.rows += len(table)

    def _write_parquet(self, table: pd.DataFrame) -> None:
        schema = None if self._parquet is None else self._parquet.schema
        rows = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self.unfinished, rows.schema)
        self._parquet.write_table(rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with naming(self.path):
                if self._parquet is not None:
                    self._parquet.close()
                if error is None:
                    self.unfinished.replace(self.path)
        finally:
            self.unfinished.unlink(missing_ok=True)


def write(table: pd.DataFrame, path: str | Path, escape_formulas: bool = False) -> None:
    """Write a table atomically, as CSV or, for a `.parquet` file, as Parquet: see `Writer`.

    Args:
        table: The table.
        path: Path of a `.csv`, `.tsv` or `.parquet` file.
        escape_formulas: Whether to put an apostrophe before strings that a spreadsheet would read
            as formulas. Default False.

    Raises:
        ConfigError: if files with this suffix cannot be written.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "predictions.csv"
    >>> write(pd.DataFrame({"churned": ["no", "yes"]}), path)
    >>> path.read_text()
    'churned\\nno\\nyes\\n'
    """
    with Writer(path, escape_formulas) as file:
        file.write(table)


def check_writable(path: str | Path) -> None:
    """Create the folder of a file, and raise an error if `write` could not write the file there.

    Args:
        path: The path of the file.

    Raises:
        ConfigError: if files with this suffix cannot be written.
        OSError: if the folder cannot be created, or nothing can be written to it.

    Example:

    >>> check_writable("predictions.xlsx")
    Traceback (most recent call last):
    ...
    mtl_keras.errors.ConfigError: Expected a .csv, .tsv or .parquet file to write. Received: \
'predictions.xlsx'.
    """
    if Path(path).suffix not in (".csv", ".tsv", ".txt", *files.PARQUET):
        raise ConfigError(
            f"Expected a .csv, .tsv or .parquet file to write. Received: {shown(str(path))}."
        )
    with naming(path):
        check_folder(Path(path).parent)


def _escaped(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
