"""Test or validation rows that are also among the training rows, so that scores are too good."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FEWEST, SHARE = 5, 0.01  # fewer rows are not told
UNEXPECTED = 3  # times as many rows as are alike by chance
SAME_LABELS = 0.2  # of the labels that would differ by chance, those of copies differ at most
SAMPLE = 20_000  # rows, to find the part of them with the most different values
WIDE = 16  # columns of a feature, from which on it is divided into as many parts
CELLS = 2**22  # to hash at once


@dataclass(frozen=True)
class RepeatedRows:
    """How many rows of a part have the same values in every feature as a training row.

    Attributes:
        part: `"test"` or `"validation"`.
        rows: Number of rows of the part.
        repeated: Number of those that are also among the training rows.
        expected: The number of rows that would be repeated with their labels by chance, because
            features and labels are coarse.
        same_labels: For those repeated, the share of training rows with the same values that have
            the same labels, too.
        same_by_chance: For those repeated, the share of all training rows with the same labels.

    Example:

    >>> found = RepeatedRows("test", 4714, 312, 2.5, 0.98, 0.02)
    >>> str(found), found.copies
    ('312 of 4,714 test rows (6.6%)', True)
    """

    part: str
    rows: int
    repeated: int
    expected: float
    same_labels: float
    same_by_chance: float

    @property
    def many(self) -> bool:
        """Whether they are so many that scores may depend on them."""
        return self.repeated >= max(FEWEST, SHARE * self.rows)

    @property
    def copies(self) -> bool:
        """Whether they are many, and copies: not rows that are alike because they are coarse."""
        differ, by_chance = 1 - self.same_labels, 1 - self.same_by_chance
        unexpected = self.repeated >= UNEXPECTED * self.expected
        return self.many and unexpected and differ <= SAME_LABELS * by_chance

    def __str__(self) -> str:
        share = 100 * self.repeated / self.rows
        return f"{self.repeated:,} of {self.rows:,} {self.part} rows ({share:.1f}%)"


def repeated_rows(
    columns: Mapping[str, Mapping[str, Sequence[int]]],
    x: Mapping[str, Mapping[str, np.ndarray]],
    y: Mapping[str, Mapping[str, np.ndarray]],
    part: str = "test",
) -> RepeatedRows:
    """Return how many rows of a part are also among the training rows, as the network reads them.

    Rows of few, coarse features are alike without being copies. To tell the two apart, what has the
    most different values, a feature or the labels, is left out. Rows that are alike by chance agree
    in it as often as any two rows do, which gives the expected number; copies agree always.

    Args:
        columns: For each feature, the indices of its columns in each group of encoded columns.
        x: Encoded rows by group, of the parts `"train"` and `part`.
        y: Encoded labels by task, of the same parts.
        part: The part. Default `"test"`.

    Returns:
        The number of these rows, and whether they are copies.

    Example:

    >>> train = np.random.default_rng(0).normal(size=(1000, 2))
    >>> test = np.concatenate([train[:30], train[:70] + 1])
    >>> x = {"train": {"numeric": train}, "test": {"numeric": test}}
    >>> y = {part: {"spend": rows["numeric"].sum(axis=1)} for part, rows in x.items()}
    >>> found = repeated_rows({"a": {"numeric": [0]}, "b": {"numeric": [1]}}, x, y)
    >>> str(found), found.copies
    ('30 of 100 test rows (30.0%)', True)
    """
    some = {group: values[:SAMPLE] for group, values in x["train"].items()}
    labels = [_hashes(_table(y[name].values()), seed=0) for name in ("train", part)]
    alike = [_alike(_hashes(cells)) for cells in _parts(columns, some)]
    finest = int(np.argmin(alike))
    values, rest = zip(*(_divided(columns, x[name], finest) for name in ("train", part)))
    rows = [one + others for one, others in zip(values, rest)]
    if _alike(labels[0][:SAMPLE]) < alike[finest]:
        values, rest = labels, rows
    else:
        rest = [others ^ label for others, label in zip(rest, labels)]
    count = len(rows[0])
    expected = 1 - (1 - _occurrences(*values) / count) ** _occurrences(*rest)
    found, again = _occurrences(*rows), np.isin(rows[1], rows[0])
    same = _occurrences(*(row ^ label for row, label in zip(rows, labels)))
    return RepeatedRows(
        part=part,
        rows=len(rows[1]),
        repeated=int(again.sum()),
        expected=float(expected.sum()),
        same_labels=_mean(same[again] / found[again]),
        same_by_chance=_mean(_occurrences(*labels)[again] / count),
    )


def _parts(
    columns: Mapping[str, Mapping[str, Sequence[int]]], x: Mapping[str, np.ndarray]
) -> Iterator[np.ndarray]:
    """Yield the encoded columns of each feature, those of a text or an image in several parts."""
    for groups in columns.values():
        cells = _table(x[g] if g.startswith("own_") else x[g][:, at] for g, at in groups.items())
        yield from np.array_split(cells, 1 if cells.shape[1] <= WIDE else WIDE, axis=1)


def _table(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Return arrays side by side, with a row for each of theirs."""
    flat = [np.reshape(each, (len(each), -1)) for each in arrays]
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)


def _divided(
    columns: Mapping[str, Mapping[str, Sequence[int]]], x: Mapping[str, np.ndarray], one: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a hash per row of one part of its values, and a hash of the others."""
    own = others = np.zeros(len(next(iter(x.values()))), np.uint64)
    for number, cells in enumerate(_parts(columns, x), start=1):
        if number == one + 1:
            own = _hashes(cells, number)
        else:
            others = others + _hashes(cells, number)
    return own, others


def _hashes(cells: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a uint64 hash per row: the sum of its cells' bits, times odd random numbers."""
    factors = np.random.default_rng(seed).integers(0, 2**63, cells.shape[1], np.uint64) * np.uint64(
        2
    ) + np.uint64(1)
    rows = max(1, CELLS // max(1, cells.shape[1]))
    return np.concatenate(
        [_bits(cells[first : first + rows]) @ factors for first in range(0, len(cells), rows)]
    )


def _bits(cells: np.ndarray) -> np.ndarray:
    cells = np.ascontiguousarray(cells + 0 if cells.dtype.kind == "f" else cells)  # no -0.0
    bits = cells.view(f"u{cells.itemsize}").astype(np.uint64)
    return bits ^ (bits >> np.uint64(32))  # numbers of few digits have their bits in front


def _alike(hashes: np.ndarray) -> int:
    """Return the number of pairs that are the same."""
    return int((np.unique(hashes, return_counts=True)[1].astype(np.int64) ** 2).sum())


def _occurrences(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return how often each value that is asked for is among the known ones."""
    known = np.sort(known)
    return np.searchsorted(known, asked, "right") - np.searchsorted(known, asked, "left")


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
