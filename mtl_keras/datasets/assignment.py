"""Splits of a stream: the part of each row, decided chunk by chunk.

A random or grouped split uses a stable hash of a row's file and number, or of its group. A row is
therefore in the same part whatever else is read, in any order and by any number of readers. The
parts have their shares of the rows up to chance.
"""

import numpy as np
import pandas as pd

from mtl_keras.datasets.dates import find_format
from mtl_keras.datasets.keys import group_keys, text_key, uniform
from mtl_keras.datasets.split import PARTS, Split
from mtl_keras.datasets.stream import Chunk, Stream
from mtl_keras.datasets.table import naming_source
from mtl_keras.errors import DataError

MOST_TIMES = 1_000_000


class Assignment:
    """Assigns the rows of a stream to the parts of a split.

    Args:
        split: The split.
        stream: The data. With `"time"`, the column is read once to find the times between parts,
            from up to a million rows, so that shares are exact to about 0.1%.
        seed: Integer seed of random and grouped splits.

    Raises:
        DataError: if a column does not exist.
    """

    def __init__(self, split: Split, stream: Stream, seed: int) -> None:
        split.check_columns(stream.columns)
        self.split, self.seed = split, seed
        self.cuts: np.ndarray | None = None
        self.format: str | None = None  # format of times that are strings
        self.doubt: str | None = None  # how they may be meant otherwise
        if split.strategy == "time":
            self._find_cuts(stream)
        self.files = self._files(stream) if split.strategy == "file" else {}

    @property
    def columns(self) -> list[str]:
        """The columns to read to assign rows."""
        return [self.split.column] if self.split.column else []

    def of(self, chunk: Chunk) -> np.ndarray:
        """Return the number of each row's part in `PARTS`, int8.

        Raises:
            DataError: if a row has no group, time or part; the message names the file.
        """
        strategy, table = self.split.strategy, chunk.table
        with naming_source(table):
            if strategy == "file":
                return np.full(len(table), self.files[chunk.group.file], "int8")
            if strategy == "column":
                return pd.Categorical(self.split.stated(table), PARTS).codes
            if strategy == "time":
                assert self.cuts is not None
                times = self.split.times(table, self.format).to_numpy()
                return np.searchsorted(self.cuts, times, side="right").astype("int8")
            if strategy == "group":
                assert self.split.column is not None
                groups = table[self.split.column]
                self.split.refuse_missing(groups, "group")
                return self._drawn(group_keys(groups))
            return self._drawn(chunk.keys)

    def _drawn(self, keys: np.ndarray) -> np.ndarray:
        drawn = uniform(keys, self.seed, "split")
        train = 1 - self.split.validation - self.split.test
        return np.searchsorted([train, train + self.split.validation], drawn, "right").astype(
            "int8"
        )

    def _find_cuts(self, stream: Stream) -> None:
        """Find the times at which the validation and test rows begin."""
        share = min(1.0, MOST_TIMES / stream.rows)
        sample = pd.concat(
            [
                chunk.but(uniform(chunk.keys, "times") < share).table
                for chunk in stream.chunks(self.columns)
            ]
        )
        column = sample[self.split.column]
        self.split.refuse_missing(column, "time")
        if isinstance(column.iloc[0], str):
            self.format = find_format(column.astype(str).str.strip())
            self.doubt = self.split.doubt(sample)
        times = np.sort(self.split.times(sample, self.format).to_numpy())
        shares = 1 - self.split.validation - self.split.test, 1 - self.split.test
        self.cuts = times[[min(len(times) - 1, round(share * len(times))) for share in shares]]

    def _files(self, stream: Stream) -> dict[str, int]:
        """Return the part of each file, drawn in an order that depends on seed and names only."""
        rows: dict[str, int] = {}
        for group in stream.groups:
            rows[group.file] = rows.get(group.file, 0) + group.rows
        if len(rows) < len(PARTS):
            raise DataError(
                f"{stream.shown} has {len(rows)} files with rows. Expected at least three, so "
                "that split.strategy='file' leaves one for each part."
            )
        names = list(rows)
        keys = np.array([text_key(name) for name in names], np.uint64)
        order = [names[place] for place in np.argsort(uniform(keys, self.seed, "files"))]
        parts = {}
        wanted = {2: self.split.test * stream.rows, 1: self.split.validation * stream.rows}
        left = len(order)
        for part, share in wanted.items():
            taken = 0
            while left > part and (not taken or taken + rows[order[-1]] / 2 <= share):
                name = order.pop()
                parts[name], taken, left = part, taken + rows[name], left - 1
        return parts | dict.fromkeys(order, 0)
