"""Data that may be larger than memory: files, read chunk by chunk."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mtl_keras.datasets import placeholders, text_encoding
from mtl_keras.datasets.as_written import WORDS
from mtl_keras.datasets.keys import row_keys, uniform
from mtl_keras.datasets.location import Location, locate
from mtl_keras.datasets.pieces import TextFiles
from mtl_keras.datasets.row_groups import ParquetFiles, RowGroup
from mtl_keras.errors import DataError

CHUNK_ROWS = 32_768
GROWTH = 8.0  # bytes in memory per byte of columns, with all that is computed from them: measured


class Chunk(NamedTuple):
    """Some successive rows of a file.

    Attributes:
        table: The rows, with their numbers in the file as index.
        keys: A key for each row, uint64: see `datasets.keys`.
        group: The row group to which they belong.
    """

    table: pd.DataFrame
    keys: np.ndarray
    group: RowGroup

    def but(self, rows: np.ndarray) -> "Chunk":
        """Return some of the rows, by a mask."""
        return self if rows.all() else Chunk(self.table[rows], self.keys[rows], self.group)


class Stream:
    """The rows of Parquet, CSV or JSON lines files, which may be larger than memory.

    Args:
        source: A folder, a pattern such as `"events/*.parquet"`, a list of files, or one file. They
            may be local, or URIs that Arrow supports (or fsspec, if it is installed). Folders named
            `column=value` become columns.
        encoding: The encoding of CSV or JSON lines files: UTF-8 (default), or one with a byte per
            character, such as `"cp1252"`.

    Attributes:
        columns: The columns' names.
        groups: The row groups, in the order of the files' names.
        shown: The data as the user named them.
        encoding: Name of the encoding of CSV and JSON lines files.
        words: Words in CSV files that count as missing, by column: see `missing_words`.

    Raises:
        DataError: if there is no file, if one is damaged, or if two differ in columns or types.
        ConfigError: if there is no such encoding.

    Example:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> pd.DataFrame({"age": [31, 40]}).to_parquet(f"{folder}/one.parquet")
    >>> pd.DataFrame({"age": [25]}).to_parquet(f"{folder}/two.parquet")
    >>> stream = Stream(folder)
    >>> stream.rows, [chunk.table["age"].tolist() for chunk in stream.chunks()]
    (3, [[31, 40], [25]])
    """

    def __init__(self, source: Any, encoding: str = "utf-8") -> None:
        self.encoding = text_encoding.checked(encoding)
        self.location: Location = locate(source)
        self._files: ParquetFiles | TextFiles
        if self.location.suffix == ".parquet":
            text_encoding.warn_of_parquet(self.location.shown, self.encoding)
            self._files = ParquetFiles(self.location)
        else:
            self._files = TextFiles(self.location, self.encoding)
        self.columns, self.groups = self._files.columns, self._files.groups
        self.empty, self.words = self._files.empty, self._files.words
        self.shown = self.location.shown
        self._missing: placeholders.Declared = ()
        if not self.groups:
            raise DataError(f"{self.shown} has no rows. Expected at least one.")

    def masked(self, declared: placeholders.Declared) -> "Stream":
        """Return a copy in whose chunks some values are missing: see `placeholders.applied`."""
        placeholders.check_columns(declared, self.columns)
        stream = copy.copy(self)
        stream._missing = declared
        return stream

    @property
    def rows(self) -> int:
        """Number of rows in all files."""
        return sum(group.rows for group in self.groups)

    @property
    def size(self) -> int:
        """Size of all columns in bytes; uncompressed for Parquet files."""
        return max(self._files.size, 8 * self.rows * len(self.columns))

    @property
    def memory(self) -> float:
        """Approximate memory that training on all rows would take, in bytes."""
        return GROWTH * self.size

    def chunks(
        self,
        columns: Sequence[str] | None = None,
        groups: Sequence[RowGroup] | None = None,
        rows: int = CHUNK_ROWS,
        **options: Any,
    ) -> Iterator[Chunk]:
        """Yield the rows of some row groups, in order.

        Args:
            columns: The columns to read. Default None: all.
            groups: The row groups. Default None: all.
            rows: Maximum number of rows per chunk. Default 32,768.
            options: `as_texts=True` keeps the cells of CSV files as strings, and whole numbers in
                Parquet columns with missing values exact.
        """
        for group in self.groups if groups is None else groups:
            for table in self._files.tables(group, columns, rows, **options):
                path = self.location.path(group.file)
                table.attrs = {"folder": self.location.root, "source": path}
                table = placeholders.applied(table, self._missing)
                keys = row_keys(group.file, int(table.index[0]), len(table))
                yield Chunk(table, keys, group)

    def batches(
        self,
        rows: int,
        columns: Sequence[str] | None = None,
        file: str | None = None,
        **options: Any,
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of one or all files in tables of exactly `rows` rows, except the last.

        Args:
            rows: Rows per table.
            columns: The columns to read. Default None: all.
            file: Name of the file. Default None: all.
            options: As for `chunks`.
        """
        groups = [group for group in self.groups if file in (None, group.file)]
        waiting: list[pd.DataFrame] = []
        count = 0
        for chunk in self.chunks(columns, groups, rows, **options):
            waiting.append(chunk.table)
            count += len(chunk.table)
            if count >= rows:
                table = self._joined(waiting)
                for start in range(0, count - rows + 1, rows):
                    yield table.iloc[start : start + rows]
                rest = table.iloc[count - count % rows :]
                waiting, count = ([rest] if len(rest) else []), len(rest)
        if waiting:
            yield self._joined(waiting)

    def sample(self, rows: int, seed: int = 0) -> pd.DataFrame:
        """Return about this many random rows, or all if there are fewer.

        Args:
            rows: Number of rows.
            seed: Integer seed. Default 0.
        """
        share = rows / self.rows
        chosen = (
            chunk.but(uniform(chunk.keys, seed, "sample") < share).table for chunk in self.chunks()
        )
        table = pd.concat([rows for rows in chosen if len(rows)], ignore_index=True)
        table.attrs = {"folder": self.location.root, "source": self.shown}
        return table

    def read(self) -> pd.DataFrame:
        """Return all rows as one table."""
        table = self._joined([chunk.table for chunk in self.chunks()])
        if self.words:
            table.attrs[WORDS] = self.words
        return table

    def _joined(self, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """Return successive tables as one; rows of one file keep their numbers as index."""
        one = len({table.attrs["source"] for table in tables}) == 1
        table = pd.concat(tables, ignore_index=not one)
        source = tables[0].attrs["source"] if one else self.shown
        table.attrs = {"folder": self.location.root, "source": source}
        return table

    def identity(self) -> list[Any]:
        """Return what identifies these data: files, row groups, sizes, columns, encoding."""
        stated = [] if self.encoding == text_encoding.UTF_8 else [self.encoding]
        return [self.columns, [group[:4] for group in self.groups], self.size, *stated]
