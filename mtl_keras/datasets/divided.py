"""The labelled rows of a stream by part: counted, searched for labels, sampled."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.assignment import Assignment
from mtl_keras.datasets.keys import uniform
from mtl_keras.datasets.row_groups import RowGroup
from mtl_keras.datasets.split import PARTS, Split
from mtl_keras.datasets.stream import Chunk, Stream
from mtl_keras.errors import DataError

MOST_VALUES = 10_000  # number of labels in a column up to which all are searched


class Divided:
    """The rows of a stream that have a label, by part.

    The columns of labels and of the split are read completely when this is created.

    Args:
        stream: The data.
        split: The split.
        seed: Integer seed of the split and of samples.
        labels: Columns of labels. A row needs a value in at least one of them.

    Attributes:
        counts: Number of rows by row group and part, int64 `(groups, 3)`.
        unlabelled: Number of rows without any label.

    Raises:
        DataError: if no row has a label, or a part has no rows.
    """

    def __init__(self, stream: Stream, split: Split, seed: int, labels: Sequence[str]) -> None:
        self.stream, self.seed, self.labels = stream, seed, list(dict.fromkeys(labels))
        self.assignment = Assignment(split, stream, seed)
        self.counts = np.zeros((len(stream.groups), len(PARTS)), np.int64)
        self.unlabelled = 0
        self._first: dict[str, dict[Any, np.uint64]] = {label: {} for label in self.labels}
        place = {group: number for number, group in enumerate(stream.groups)}
        for chunk, parts in self.assigned(self.labels):
            labelled = parts >= 0
            self.unlabelled += int((~labelled).sum())
            self.counts[place[chunk.group]] += np.bincount(parts[labelled], minlength=len(PARTS))
            self._look(chunk.but(parts == 0))
        if not self.counts.any():
            raise DataError(f"No row has a label: the columns {self.labels} are empty.")
        for part, count in self.totals.items():
            if count == 0:
                raise DataError(
                    f"The split leaves no {part} rows of {self.counts.sum():,} of {stream.shown}. "
                    "Add rows or groups, use a larger share, or split by something else."
                )

    @property
    def totals(self) -> dict[str, int]:
        """Number of rows of each part."""
        return dict(zip(PARTS, map(int, self.counts.sum(axis=0))))

    def assigned(
        self, columns: Sequence[str] | None = None, groups: Sequence[RowGroup] | None = None
    ) -> Iterator[tuple[Chunk, np.ndarray]]:
        """Yield all rows in order, with the number of each row's part, int8; -1 without a label.

        Args:
            columns: The columns that are wanted; others may be among them. Default None: all.
            groups: The row groups. Default None: all.
        """
        if columns is not None:
            columns = list(dict.fromkeys([*columns, *self.labels, *self.assignment.columns]))
        for chunk in self.stream.chunks(columns, groups):
            parts = self.assignment.of(chunk)
            unlabelled = np.logical_and.reduce([chunk.table[n].isna() for n in self.labels])
            yield chunk, np.where(unlabelled, np.int8(-1), parts)

    def chunks(
        self,
        part: str,
        columns: Sequence[str] | None = None,
        groups: Sequence[RowGroup] | None = None,
        share: float = 1.0,
    ) -> Iterator[Chunk]:
        """Yield the rows of a part, in order.

        Args:
            part: `"train"`, `"validation"` or `"test"`.
            columns: The columns that are wanted; others may be among them. Default None: all.
            groups: The row groups. Default None: all.
            share: The share of the rows, drawn at random but always the same. Default 1.0.
        """
        for chunk, parts in self.assigned(columns, groups):
            chosen = parts == PARTS.index(part)
            if share < 1:
                chosen &= uniform(chunk.keys, self.seed, "sample") < share
            if chosen.any():
                yield chunk.but(chosen)

    def samples(self, most: Mapping[str, int]) -> dict[str, pd.DataFrame]:
        """Return random rows of each part, read in one pass.

        If a column has at most 10,000 different labels, the training rows include one with each,
        however rare it is.

        Args:
            most: Approximate number of rows of each part; all if there are fewer.
        """
        totals = self.totals
        shares = np.array([min(1.0, most[part] / totals[part]) for part in PARTS])
        witnesses = np.array(
            [k for found in self._first.values() for k in found.values()], "uint64"
        )
        tables: dict[str, list[pd.DataFrame]] = {part: [] for part in PARTS}
        for chunk, parts in self.assigned():
            chosen = uniform(chunk.keys, self.seed, "sample") < shares[parts]
            if shares[0] < 1:
                chosen |= (parts == 0) & np.isin(chunk.keys, witnesses)
            for number, part in enumerate(PARTS):
                rows = chosen & (parts == number)
                if rows.any():
                    tables[part].append(chunk.table[rows])
        whole = {part: pd.concat(each, ignore_index=True) for part, each in tables.items()}
        for table in whole.values():
            table.attrs = {"folder": self.stream.location.root, "source": self.stream.shown}
            table.attrs["sampled"] = True  # its index has no meaning
        return whole

    def _look(self, chunk: Chunk) -> None:
        """Note where each label of the training rows occurs first."""
        for label, found in list(self._first.items()):
            column = chunk.table[label]
            try:
                first = ~column.duplicated() & column.notna()
            except TypeError:  # lists and the like
                del self._first[label]
                continue
            for value, key in zip(column[first], chunk.keys[first.to_numpy()]):
                found.setdefault(value, key)
            if len(found) > MOST_VALUES:
                del self._first[label]
