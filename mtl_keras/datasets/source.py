"""Opens data: in memory if they fit, or else as a stream."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from mtl_keras.datasets import files
from mtl_keras.datasets.location import is_many
from mtl_keras.datasets.memory import available_memory
from mtl_keras.datasets.stream import GROWTH, Stream
from mtl_keras.datasets.table import read
from mtl_keras.errors import ConfigError

PACKED = 8.0  # bytes of columns per byte of a Parquet file; rarely more


def opened(
    source: Any,
    streaming: bool | None = None,
    show: Callable[[str], None] = lambda line: None,
    encoding: str = "utf-8",
) -> pd.DataFrame | Stream:
    """Open data as a table in memory, or as a stream if they do not fit into memory.

    Args:
        source: A path, folder, pattern, URI, list of paths, or DataFrame.
        streaming: Whether to stream. Default None: only if the rows and everything computed from
            them would not fit into the available memory.
        show: A function that prints a line.
        encoding: The encoding of text files: see `read`. Default UTF-8.

    Returns:
        The table, or a `Stream`.

    Raises:
        DataError: if the data cannot be read.
        ConfigError: if a DataFrame is to be streamed, or if there is no such encoding.

    Example:

    >>> opened("data/customers.csv").shape
    (23570, 30)
    """
    if isinstance(source, pd.DataFrame):
        if streaming:
            raise ConfigError(
                "A DataFrame is in memory already, and is not streamed. Leave out `streaming`, and "
                "split.strategy='file', which needs several files."
            )
        return read(source)
    available = available_memory()
    if not streaming and not is_many(source):
        fits = not isinstance(source, (str, Path)) or not Path(source).is_file()
        if streaming is False or fits or _size(Path(source)) <= available:
            return read(source, encoding=encoding)
    stream = Stream(source, encoding)
    streams = stream.memory > available if streaming is None else streaming
    count = len({group.file for group in stream.groups})
    why = ""
    if streaming is None:
        than = "more" if streams else "less"
        why = f", about {stream.memory / 1e9:.1f} GB in memory, {than} than the "
        why += f"{available / 1e9:.1f} GB available"
    how = "read as a stream" if streams else "read into memory"
    show(f"{stream.shown}: {stream.rows:,} rows in {count:,} files{why}: {how}")
    for name in stream.empty:
        show(f"{stream.location.path(name)} has no rows")
    return stream if streams else read(stream.read())


def _size(path: Path) -> float:
    """Return how many bytes of memory a file would take; rarely more."""
    packed = path.suffix.lower() in (*files.PARQUET, *files.DECOMPRESSORS)
    return path.stat().st_size * GROWTH * (PACKED if packed else 1.0)
