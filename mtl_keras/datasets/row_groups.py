"""Parquet files, read a few rows of a row group at a time."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mtl_keras.datasets.exact_types import exact_type
from mtl_keras.datasets.location import Location
from mtl_keras.errors import DataError

BUFFER = 2**20  # bytes of a column to read at a time
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
UNREADABLE = (OSError, ValueError, pa.ArrowException)


class RowGroup(NamedTuple):
    """Some successive rows of a file that are read together.

    Attributes:
        file: Name of the file.
        number: Number of the group in its file.
        first: Number of its first row in the file.
        rows: Number of its rows.
        place: Its place in the file, for its reader.
    """

    file: str
    number: int
    first: int
    rows: int
    place: Any = None


class ParquetFiles:
    """The row groups of Parquet files, with the keys of hive partitions as columns.

    Args:
        location: The files.

    Attributes:
        columns: The columns' names.
        groups: The row groups, in the order of the files' names.
        size: Bytes of all columns, uncompressed.
        empty: The files without rows.
        words: Words that count as missing: none, as Parquet files have missing cells.

    Raises:
        DataError: if the footer of a file shows that it is damaged, or if two files have different
            columns.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self.groups: list[RowGroup] = []
        self.empty: list[str] = []
        self.words: dict[str, Counter[str]] = {}
        self.size = 0
        self._types: dict[str, tuple[pa.DataType, str]] = {}  # and a file that has it
        for name in location.names:
            self._add(name, self._footer(name))
        self._keys = self._partitions()
        self.columns = [*self._types, *self._keys[location.names[0]]]

    def tables(
        self, group: RowGroup, columns: Sequence[str] | None, rows: int, as_texts: bool = False
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of a group, at most `rows` at a time, with their numbers as index.

        Args:
            group: The row group.
            columns: The columns to read; None for all.
            rows: Rows per table.
            as_texts: Whether to keep values and types exact if cells are missing. Default False.

        Raises:
            DataError: if they cannot be read; the message names the file and the group.
        """
        keys = self._keys[group.file]
        wanted = self.columns if columns is None else list(columns)
        names = [name for name in wanted if name not in keys]
        schema = pa.schema([(name, self._types[name][0]) for name in names])
        first = group.first
        try:
            with self._opened(group.file) as file:
                for batch in file.iter_batches(rows, row_groups=[group.number], columns=names):
                    table = pa.Table.from_batches([batch]).select(names)
                    if table.schema.types != schema.types:
                        table = table.cast(schema)
                    types = exact_type if as_texts else None
                    frame = table.to_pandas(ignore_metadata=True, types_mapper=types)
                    frame.index = pd.RangeIndex(first, first + batch.num_rows)
                    for name in wanted:
                        if name in keys:
                            frame[name] = keys[name]
                    first += batch.num_rows
                    yield frame[wanted] if len(names) < len(wanted) else frame
        except UNREADABLE as error:
            raise DataError(
                f"Row group {group.number} of {self.location.path(group.file)} cannot be read: "
                f"{error}. Is the file damaged, moved or changed? Restore it, or leave it out."
            ) from error
        if first != group.first + group.rows:
            raise DataError(
                f"Row group {group.number} of {self.location.path(group.file)} has "
                f"{first - group.first:,} rows, and had {group.rows:,} when training began. Files "
                "must not change during training."
            )

    def _opened(self, name: str) -> pq.ParquetFile:
        return pq.ParquetFile(
            self.location.path(name),
            filesystem=self.location.filesystem,
            buffer_size=BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,  # if the writer stored checksums
        )

    def _footer(self, name: str) -> pq.FileMetaData:
        path = self.location.path(name)
        try:
            with self._opened(name) as file:
                footer = file.metadata
        except UNREADABLE as error:
            raise DataError(
                f"{path} cannot be read as Parquet: {error}. Was it written to the end? Restore "
                "it, or leave it out."
            ) from error
        end = self.location.filesystem.get_file_info(path).size
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            for column in map(group.column, range(group.num_columns)):
                start = column.dictionary_page_offset or column.data_page_offset
                if not 0 < start <= start + column.total_compressed_size < end:
                    raise DataError(
                        f"Row group {number} of {path} is damaged: column "
                        f"{column.path_in_schema!r} ends at byte "
                        f"{start + column.total_compressed_size:,} of a file of {end:,} bytes. "
                        "Restore the file, or leave it out."
                    )
        return footer

    def _add(self, name: str, footer: pq.FileMetaData) -> None:
        self._check(name, footer.schema.to_arrow_schema())
        first = 0
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            if group.num_rows:
                self.groups.append(RowGroup(name, number, first, group.num_rows))
            first += group.num_rows
            self.size += group.total_byte_size
        if first == 0:
            self.empty.append(name)

    def _check(self, name: str, schema: pa.Schema) -> None:
        """Add a file's columns, or raise a DataError if they differ from those of other files."""
        path = self.location.path
        types = {}
        for field in schema:
            if re.fullmatch(r"__index_level_\d+__", field.name):  # a pandas index
                continue
            if field.name in types:
                raise DataError(f"{path(name)} names a column more than once: {field.name!r}.")
            types[field.name] = _plain(field.type)
        if self._types and set(types) != set(self._types):
            other = next(iter(self._types.values()))[1]
            only = sorted(set(self._types) - set(types)), sorted(set(types) - set(self._types))
            told = [
                f"{', '.join(map(repr, names[:5]))} only in {path(file)}"
                for names, file in zip(only, (other, name))
                if names
            ]
            raise DataError(
                f"{path(other)} and {path(name)} have different columns: {'; '.join(told)}. "
                "Write all files with the same columns."
            )
        for column, dtype in types.items():
            known, other = self._types.get(column, (pa.null(), name))
            if known == pa.null():
                self._types[column] = dtype, name
            elif dtype not in (known, pa.null()):
                raise DataError(
                    f"Column {column!r} is {known} in {path(other)}, and {dtype} in {path(name)}. "
                    "Write it with the same type in all files."
                )

    def _partitions(self) -> dict[str, dict[str, Any]]:
        """Return, for each file, the columns in its path: `name=value`."""
        keys: dict[str, dict[str, Any]] = {
            name: dict(re.findall(r"([^/=]+)=([^/]*)/", name)) for name in self.location.names
        }
        first = self.location.names[0]
        for name in keys:
            if list(keys[name]) != list(keys[first]):
                raise DataError(
                    f"{self.location.path(first)} is in partitions by {list(keys[first])}, and "
                    f"{self.location.path(name)} by {list(keys[name])}. Expected the same for all "
                    "files."
                )
        twice = set(keys[first]) & set(self._types)
        if twice:
            raise DataError(
                f"Column {min(twice)!r} is both in the file {self.location.path(first)} and in the "
                "names of its folders. Leave it in one of them."
            )
        for column in keys[first]:
            texts: list[Any] = [
                None if of[column] == HIVE_NULL else unquote(of[column]) for of in keys.values()
            ]
            if all(text and re.fullmatch(r"0|-?[1-9]\d*", text) for text in texts):
                texts = [int(str(text)) for text in texts]
            for of, value in zip(keys.values(), texts):
                of[column] = value
        return keys


def _plain(dtype: pa.DataType) -> pa.DataType:
    """Return a type without differences that do not matter to a reader."""
    if pa.types.is_dictionary(dtype):
        return _plain(dtype.value_type)
    if pa.types.is_large_string(dtype) or pa.types.is_string_view(dtype):
        return pa.string()
    return dtype
