"""Files with a table: CSV, JSON lines and Parquet, also compressed."""

import bz2
import csv
import gzip
import io
import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mtl_keras.datasets.as_written import WORDS, as_written, missing_words
from mtl_keras.datasets.cells import FIRST_LINE, place
from mtl_keras.datasets.exact_types import exact_type
from mtl_keras.datasets.short_rows import rows_of, warn_of_short_rows
from mtl_keras.datasets.text_encoding import UTF_8, as_utf8, warn_of_parquet
from mtl_keras.errors import DataError, shown

DELIMITERS = ",;\t|"
TEXTS = (".csv", ".tsv", ".txt", ".tab", "")
JSON = (".json", ".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
REFUSED = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "a spreadsheet. Save the sheet as CSV"),
    **dict.fromkeys((".tar", ".tgz", ".7z", ".rar"), "an archive. Unpack it"),
    **dict.fromkeys((".feather", ".arrow", ".orc", ".db", ".sqlite"), "of another kind"),
}


def load(path: Path, as_texts: bool = False, encoding: str = UTF_8) -> pd.DataFrame:
    """Return the table of a file.

    Args:
        path: The file.
        as_texts: Whether to keep the cells of a CSV file as strings, and whole numbers in Parquet
            columns with missing values exact.
        encoding: The encoding of a text file: see `as_utf8`. Default UTF-8.

    Raises:
        DataError: if the file cannot be read; the message names it.
    """
    kind, compression = kind_of(path)
    if kind in PARQUET and compression is None:
        warn_of_parquet(path, encoding)
        try:
            table = (
                pq.read_table(path).to_pandas(types_mapper=exact_type)
                if as_texts
                else pd.read_parquet(path)
            )
            indices = [name for name in table.index.names if name is not None]
            return table.reset_index(indices) if indices else table  # columns of the file
        except (OSError, ValueError, pa.ArrowException) as error:
            raise DataError(f"{path} cannot be read as Parquet: {error}") from error
    content = _decompressed(path, compression)
    if not content.strip():
        raise DataError(f"{path} is empty. Expected a first line with column names, and rows.")
    content = as_utf8(path, content, encoding)
    return read_json(path, content) if kind in JSON else read_csv(path, content, as_texts)


def kind_of(path: PurePath) -> tuple[str, str | None]:
    """Return the suffix for the format of a file, and that of its compression or None.

    Raises:
        DataError: if files of this kind cannot be read.

    Example:

    >>> kind_of(Path("events.csv.gz")), kind_of(Path("events.parquet"))
    (('.csv', '.gz'), ('.parquet', None))
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in DECOMPRESSORS else None
    kind = suffixes[-1] if suffixes else ""
    if kind in REFUSED:
        raise DataError(
            f"{path} is {REFUSED[kind]}. Expected CSV, JSON lines or Parquet (.csv, .jsonl, "
            ".parquet), also compressed (.gz, .bz2, .xz, .zst, .zip)."
        )
    return kind, compression


def _unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            raise ValueError(f"expected one file in it, received {len(names)}: {shown(names)}")
        return archive.read(names[0])


def _from_zstandard(content: bytes) -> bytes:
    with pa.input_stream(pa.py_buffer(content), compression="zstd") as stream:
        return stream.read()


DECOMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zip": _unzipped,
    ".zst": _from_zstandard,
}


def _decompressed(path: Path, compression: str | None) -> bytes:
    content = path.read_bytes()
    if compression is None:
        return content
    try:
        return DECOMPRESSORS[compression](content)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} cannot be decompressed ({compression}): {error}. It may be truncated, or "
            "not be what its name says."
        ) from error


def read_json(path: Path, content: bytes) -> pd.DataFrame:
    """Return the table of a JSON file's content: an object per line, or a list of objects."""
    lines = not content.lstrip().startswith(b"[")
    try:
        table = pd.read_json(
            io.BytesIO(content), lines=lines, dtype=False, convert_axes=False, precise_float=True
        )  # names such as "01" and "2021-01" are no numbers or dates
    except (ValueError, AttributeError) as error:
        raise DataError(
            f"{path} cannot be read as JSON: {error}. Expected an object of column names and "
            "values per line, or a list of such objects."
        ) from error
    return table


# CSV


def read_csv(
    path: Path,
    content: bytes,
    as_texts: bool = False,
    dtypes: Mapping[str, Any] | None = None,
    first: int = 0,
    line: int = 2,
) -> pd.DataFrame:
    """Return the table of a CSV file's content.

    Args:
        path: The file, for messages.
        content: The content in UTF-8, with the line of names.
        as_texts: Whether to keep the cells as strings, including empty ones. Default False.
        dtypes: The types of the columns, if known. Default None: inferred.
        first: Number of the first row within the file, for messages. Default 0.
        line: The line in the file that follows the line of names here. Default 2.
    """
    head = content[: 2**20].decode(errors="replace")
    try:
        lines = {d: io.StringIO(head, None) for d in DELIMITERS}
        headers = {d: next(csv.reader(lines[d], delimiter=d, skipinitialspace=True)) for d in lines}
    except (csv.Error, StopIteration) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}") from error
    delimiter = max(DELIMITERS, key=lambda d: len(headers[d]))
    raw_names = headers[delimiter]
    names = [name.strip() for name in raw_names]
    if any("\n" in name for name in names):
        broken = next(name for name in names if "\n" in name)
        raise DataError(
            f"{path} has a line break in a column's name: {shown(broken)}. Is a quote not closed?"
        )
    duplicated = sorted({name for name in names if name and names.count(name) > 1})
    if duplicated:  # pandas would silently rename them
        raise DataError(f"{path} names columns more than once: {duplicated}. Rename them.")
    options: dict[str, Any] = {"sep": delimiter, "skipinitialspace": True, "low_memory": False}
    options["skip_blank_lines"] = len(names) > 1  # which are missing cells of a single column
    if as_texts:
        options |= {"dtype": str, "keep_default_na": False}
    elif dtypes is not None:
        options["dtype"] = {raw: dtypes[raw.strip()] for raw in raw_names if raw.strip() in dtypes}
    try:
        table = _parsed(path, content, names, options, first)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        told = re.sub(r"(?<= in line )\d+", lambda of: f"{int(of[0]) + line - 2}", str(error))
        raise DataError(f"{path} cannot be read as CSV: {told}") from error
    table = table.rename(columns=str.strip)
    table.index += first
    nameless = [c for c in table.columns if c.startswith("Unnamed: ") and c not in names]
    if content.rstrip().count(b"\n") == len(table):  # a line for each row, below the names
        table.attrs |= {FIRST_LINE: line - first, "source": str(path)}
    if not as_texts and dtypes is None:
        warn_of_short_rows(path, table, content, delimiter, names)
        if words := missing_words(table, content, options):
            table.attrs[WORDS] = words
        table = as_written(table, content, options)
        if content.count(b"\n") > len(table) + 1:  # cells with line breaks
            _warn_of_open_quotes(path, table, delimiter)
    # Last, because all of the above finds the columns by their place in the file.
    empty = [c for c in nameless if (table[c].isna() | (table[c] == "")).all()]
    return table.drop(columns=empty)


def _parsed(
    path: Path, content: bytes, names: list[str], options: dict[str, Any], first: int
) -> pd.DataFrame:
    """Return the rows, of which those that end with the delimiter have a cell too many."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(io.BytesIO(content), index_col=False, **options)
        except pd.errors.ParserWarning:
            pass
    widest = max(map(len, rows_of(content, options["sep"])))
    beyond = [f"Unnamed: {number}" for number in range(len(names), widest)]
    table = pd.read_csv(
        io.BytesIO(content), index_col=False, header=0, names=[*names, *beyond], **options
    )
    filled = table[beyond].notna() & (table[beyond] != "")
    if filled.any(axis=None):
        row = int(filled.any(axis=1).to_numpy().argmax())
        where = place(table.set_axis(table.index + first), row)
        raise DataError(
            f"{path} cannot be read as CSV: {where} has more cells than the "
            f"{len(names)} names of the first line. Is a delimiter within a text that is not "
            "quoted?"
        )
    return table.drop(columns=beyond)


def _warn_of_open_quotes(path: Path, table: pd.DataFrame, delimiter: str) -> None:
    """Warn if a cell seems to contain the rows below it."""
    between = table.shape[1] - 1
    for column in table.columns:
        if not between or pd.api.types.is_numeric_dtype(table[column]):
            continue
        cells = table[column].astype(object)
        broken = [row for row, cell in enumerate(cells) if isinstance(cell, str) and "\n" in cell]
        for row in broken:
            lines = cells.iloc[row].split("\n")[1:-1]
            if lines and all(line.count(delimiter) == between for line in lines):
                warnings.warn(
                    f"{path}: column {column!r} of {place(table, row)} holds {len(lines) + 1} "
                    "lines that look like rows. Is a quote not closed?",
                    stacklevel=2,
                )
                return
