"""Rows that are ready for a network, whether they are all in memory or come as a stream."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import datasets
from mtl_keras.features import Guesses
from mtl_keras.features.encoder import Encoder
from mtl_keras.model import MultiTaskModel
from mtl_keras.tasks import Task
from mtl_keras.training import Data

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Prepared:
    """A table, prepared for training.

    Attributes:
        rows: Rows by part: `"train"`, `"validation"`, `"test"`; samples of them for a stream.
        guesses: The kind guessed for each column, and why.
        encoder: The fitted encoder.
        tasks: The fitted tasks.
        data: The encoded rows.
    """

    rows: Mapping[str, pd.DataFrame]
    guesses: Guesses
    encoder: Encoder
    tasks: list[Task]
    data: Data

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows of each part."""
        return {part: len(rows) for part, rows in self.rows.items()}

    @functools.cached_property
    def identity(self) -> list[Any]:
        """What tells these rows from others."""
        table = pd.concat(list(self.rows.values()))
        return [len(table), datasets.fingerprint(table)]

    def truths(self) -> dict[str, Arrays]:
        """For each part and task, the labels of `rows` as evaluation reads them."""
        return {
            part: {task.name: task.truth(rows) for task in self.tasks}
            for part, rows in self.rows.items()
        }

    def tested(self, model: MultiTaskModel) -> tuple[dict[str, Arrays], Arrays]:
        """The labels of each part, as `truths`, and a network's outputs for the test rows."""
        return self.truths(), model.predict(self.data.x["test"], verbose=0)

    def sampled(self) -> "Prepared":
        """The same with no more rows than are in memory, for what trains many times."""
        return self
