"""CSV and JSON lines files of any length, read in pieces of whole rows.

Each file is scanned once, to find where it can be cut and the type of each column in the whole
file, so that a cell is read in the same way in any piece.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mtl_keras.datasets import files
from mtl_keras.datasets.as_written import WORDS
from mtl_keras.datasets.location import Location
from mtl_keras.datasets.row_groups import RowGroup
from mtl_keras.datasets.short_rows import unquoted
from mtl_keras.datasets.text_encoding import UTF_8, as_utf8, check_divisible
from mtl_keras.errors import DataError

PIECE = 8 * 2**20  # approximate size of a piece in bytes
EMPTY, BOOLEANS, TEXT = "empty", "booleans with missing values", "text"


class TextFiles:
    """The pieces of CSV or JSON lines files with the same columns.

    Args:
        location: The files.
        encoding: Their encoding. Default UTF-8.

    Attributes:
        columns: The columns' names.
        groups: The pieces, in the order of the files' names.
        size: Size of the files in bytes.
        empty: The files without rows.
        words: How often each word counts as missing, by column: see `missing_words`.

    Raises:
        DataError: if a file cannot be read, or if two files have different columns.
    """

    def __init__(self, location: Location, encoding: str = UTF_8) -> None:
        check_divisible(location.shown, encoding)
        self.location, self.encoding = location, encoding
        self.json = location.suffix == ".jsonl"
        self.groups: list[RowGroup] = []
        self.empty: list[str] = []
        self.size = 0
        self.words: dict[str, Counter[str]] = {}
        self._heads: dict[str, bytes] = {}  # the line of names
        self._types: dict[str, str] = {}
        for name in location.names:
            self._add(name)
        self.columns = list(self._types)

    def tables(
        self,
        group: RowGroup,
        columns: Sequence[str] | None,
        rows: int,
        as_texts: bool = False,
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of a piece, at most `rows` at a time: see `ParquetFiles.tables`.

        Args:
            group: The piece.
            columns: The columns; None for all.
            rows: Rows per table.
            as_texts: Whether to keep the cells of a CSV file as strings. Default False.
        """
        start, length = group.place
        path = Path(self.location.path(group.file))
        try:
            with self.location.filesystem.open_input_file(str(path)) as file:
                file.seek(start)
                content = file.read(length)
        except OSError as error:
            raise DataError(
                f"{path} cannot be read: {error}. Was it moved? Restore it, or leave it out."
            ) from error
        table = self._typed(path, self._heads[group.file] + content, as_texts)
        if len(table) != group.rows:
            raise DataError(
                f"Piece {group.number} of {path} has {len(table):,} rows, and had {group.rows:,} "
                "before. Files must not change during training."
            )
        table = table.reindex(columns=self.columns if columns is None else list(columns))
        table.index = pd.RangeIndex(group.first, group.first + group.rows)
        for row in range(0, len(table), rows):
            yield table.iloc[row : row + rows]

    def _typed(self, path: Path, content: bytes, as_texts: bool) -> pd.DataFrame:
        """Return the table of a piece, with the columns' types in the whole file."""
        content = as_utf8(path, content, self.encoding)
        if self.json:
            table = files.read_json(path, content)
            return table.astype({n: _json_type(self._types[n], table[n]) for n in table})
        if as_texts:
            return files.read_csv(path, content, as_texts=True)
        table = files.read_csv(path, content, dtypes={})  # inferred: in half the time
        columns = {name: _inferred(self._types[name], table[name]) for name in table}
        if all(column is not None for column in columns.values()):
            return pd.DataFrame(columns)
        types = {n: "float64" if t == EMPTY else t for n, t in self._types.items()}
        types |= {n: "str" for n, t in types.items() if t in (BOOLEANS, TEXT)}
        table = files.read_csv(path, content, dtypes=types)
        for name, kind in self._types.items():
            if kind == BOOLEANS and name in table:
                cells = table[name].astype(object)
                table[name] = cells.where(cells.isna(), cells.str.lower() == "true")
        return table

    def _add(self, name: str) -> None:
        """Find the pieces of a file, and the types of its columns."""
        path = Path(self.location.path(name))
        if files.kind_of(path)[1] is not None:
            raise DataError(
                f"{path} is compressed, so it can only be read as a whole. Decompress it, or "
                "write it as Parquet."
            )
        types: dict[str, str] = {}
        first = 0
        for number, (start, line, content) in enumerate(self._cut(name, path)):
            head = self._heads[name]
            whole = as_utf8(path, head + content, self.encoding, start - len(head))
            table = (
                files.read_json(path, whole)
                if self.json
                else files.read_csv(path, whole, first=first, line=line)
            )
            for column, counts in table.attrs.get(WORDS, {}).items():
                self.words.setdefault(column, Counter()).update(counts)
            found = {column: type_of(table[column]) for column in table}
            if number == 0:
                types = found
            for column in {**types, **found}:
                both = types.get(column, EMPTY), found.get(column, EMPTY)
                types[column] = together(*both)
            group = RowGroup(name, number, first, len(table), (start, len(content)))
            self.groups.append(group)
            first += len(table)
        if first == 0:
            self.empty.append(name)
            return
        if self._types and set(types) != set(self._types):
            other = self.location.path(self.groups[0].file)
            differing = ", ".join(map(repr, sorted(set(types) ^ set(self._types))[:5]))
            raise DataError(
                f"{other} and {path} have different columns: {differing} only in one of them. "
                "Write all files with the same columns."
            )
        known = self._types or types
        self._types = {name: together(kind, types[name]) for name, kind in known.items()}

    def _cut(self, name: str, path: Path) -> Iterator[tuple[int, int, bytes]]:
        """Yield the pieces of a file: the byte and the line where each begins, and its content."""
        filesystem = self.location.filesystem
        try:
            self.size += filesystem.get_file_info(str(path)).size
            with filesystem.open_input_stream(str(path)) as file:
                content, start = file.read(PIECE), 0
                if content.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise DataError(f"{path} is not UTF-8 text. Save it as UTF-8.")
                self._heads[name] = b""
                if not self.json:
                    breaks = unquoted(content, "\n")
                    start = int(breaks[0]) + 1 if len(breaks) else len(content)
                    self._heads[name] = content[:start]
                    content = content[start:]
                line = self._heads[name].count(b"\n") + 1
                while True:
                    more = file.read(PIECE)
                    end = _last_end(content, quoted=not self.json) if more else len(content)
                    if content[:end].strip():
                        yield start, line, content[:end]
                    line += content[:end].count(b"\n")
                    content, start = content[end:] + more, start + end
                    if not more:
                        return
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error}") from error


def type_of(column: pd.Series) -> str:
    """Return the name of the type of a column in a piece."""
    if column.isna().all():
        return EMPTY
    if column.dtype.kind in "bif" and column.dtype.itemsize in (1, 8):
        return column.dtype.name
    if all(type(cell) is bool for cell in column.dropna()):
        return BOOLEANS
    return TEXT


def together(one: str, other: str) -> str:
    """Return the type of a column in two pieces together, from its types in each.

    Example:

    >>> together("int64", "empty"), together("int64", "float64"), together("bool", "int64")
    ('float64', 'float64', 'text')
    """
    types = {one, other}
    if len(types) == 1:
        return one
    if types <= {"int64", "float64", EMPTY}:
        return "float64"
    if types <= {"bool", BOOLEANS, EMPTY}:
        return BOOLEANS
    return TEXT


def _inferred(kind: str, column: pd.Series) -> pd.Series | None:
    """Convert a column, whose type was inferred from a piece, to its type in the whole file.

    Return None if cells could differ from those that are read as that type.
    """
    wanted = {EMPTY: "float64", TEXT: "str"}.get(kind, kind)
    if column.dtype.name == wanted:
        return column
    if column.dtype.name == "int64" and wanted == "float64":
        exact = column.between(-(2**53), 2**53).all()
        return column.astype("float64") if exact else None
    return None


def _json_type(kind: str, column: pd.Series) -> Any:
    """Return the type for a column of JSON lines: strings remain strings among numbers."""
    if kind == EMPTY or (kind == TEXT and column.dtype.kind not in "bif"):
        return column.dtype
    return object if kind in (BOOLEANS, TEXT) else kind


def _last_end(content: bytes, quoted: bool) -> int:
    """Return where the last whole row ends; 0 if there is none."""
    if not quoted:
        return content.rfind(b"\n") + 1
    breaks = unquoted(content, "\n")
    return int(breaks[-1]) + 1 if len(breaks) else 0
