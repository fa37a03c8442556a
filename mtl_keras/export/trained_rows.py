"""Recognises training rows by fingerprints stored in an artifact."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mtl_keras.errors import reading
from mtl_keras.features import Feature
from mtl_keras.features.encoder import raw_columns

MOST_ROWS = 20_000


@dataclass(frozen=True)
class TrainedRows:
    """Fingerprints of the training rows, as the model reads them.

    Attributes:
        hashes: Hashes of up to 20,000 training rows, uint64, ascending. They cannot be turned
            into rows, but confirm a row that is guessed as a whole.
        share: The share of the training rows that have a fingerprint.
        chance: The share of rows that were *not* trained on but match a training row, because they
            are alike; measured on the test rows, unless these contain copies of training rows.

    Example:

    >>> from mtl_keras.features import Numeric
    >>> table = pd.DataFrame({"age": np.arange(20.0)})
    >>> age = Numeric("age").fit(table["age"])
    >>> known = TrainedRows.of([age], train=table[:12], test=table[12:])
    >>> known.seen([age], table)
    0.6
    """

    hashes: np.ndarray
    share: float
    chance: float

    @classmethod
    def read(cls, path: Path) -> "TrainedRows | None":
        """Return the fingerprints in an artifact's file; None if there is no file.

        Raises:
            ArtifactError: if the file is damaged.
        """
        if not path.is_file():
            return None
        with reading(path), np.load(path, allow_pickle=False) as saved:
            if not saved.files:
                return None
            known = cls(saved["hashes"], float(saved["share"]), float(saved["chance"]))
            if known.hashes.dtype != np.uint64 or not 0 < known.share <= 1:
                raise ValueError("expected hashes and a share of the rows from 0 to 1")
        return known

    @classmethod
    def of(
        cls,
        features: Sequence[Feature],
        train: pd.DataFrame,
        test: pd.DataFrame,
        rows: int | None = None,
        chance: float | None = None,
    ) -> "TrainedRows":
        """Return the fingerprints of training rows.

        Args:
            features: Fitted features.
            train: The training rows, or a sample of them.
            test: Rows that were not trained on.
            rows: Number of training rows. Default None: those of `train`.
            chance: The attribute `chance`. Default None: all test rows that match a training row
                do so by chance.
        """
        chosen = np.random.default_rng(0).permutation(len(train))[:MOST_ROWS]
        hashes = np.unique(row_hashes(features, train.iloc[np.sort(chosen)]))
        share = len(chosen) / (rows or len(train))
        if chance is None:
            chance = cls(hashes, share, 0.0).seen(features, test)
        return cls(hashes, share, chance)

    def seen(self, features: Sequence[Feature], table: pd.DataFrame) -> float:
        """Return the approximate share of rows that were trained on, less chance matches."""
        rows = row_hashes(features, table)
        alike = min(1.0, float(np.isin(rows, self.hashes).mean()) / self.share)
        return max(0.0, (alike - self.chance) / (1 - self.chance)) if self.chance < 1 else 0.0


def row_hashes(features: Sequence[Feature], table: pd.DataFrame) -> np.ndarray:
    """Return a uint64 hash per row of all columns that are quick to read (no images).

    Not the hashes of `evaluation.repeated_rows`: these ones are kept in artifacts, so they must not
    change, and they are of raw rows, so that any table is recognised without the network's layers.
    Those are of rows as the network reads them, which training has in memory, feature by feature.
    """
    quick = [f for f in features if f.rows_per_call >= Feature.rows_per_call]
    total = np.zeros(len(table), np.uint64)
    for column in raw_columns(quick, table).values() if quick else ():
        if column.ndim == 1:
            total = total * np.uint64(31) + pd.util.hash_array(column)
    return total
