"""Rows that are ready for a network, in memory or as a stream."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtl_keras import datasets
from mtl_keras.datasets import Split
from mtl_keras.features import Guesses
from mtl_keras.features.encoder import Encoder
from mtl_keras.model import MultiTaskModel
from mtl_keras.tasks import Task
from mtl_keras.training import Data

MOST_LEARNED = 5000  # number of training rows to score as well

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Prepared:
    """A table, prepared for training.

    Attributes:
        rows: Rows by part: `"train"`, `"validation"`, `"test"`. Samples of them for a stream.
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
        """What identifies these rows."""
        table = pd.concat(list(self.rows.values()))
        return [len(table), datasets.fingerprint(table)]

    def truths(self) -> dict[str, Arrays]:
        """The labels of `rows` by part and task, as `Task.truth` returns them."""
        return {
            part: {task.name: task.truth(rows) for task in self.tasks}
            for part, rows in self.rows.items()
        }

    def tested(
        self, model: MultiTaskModel, split: Split
    ) -> tuple[dict[str, Arrays], Arrays, np.ndarray | None]:
        """Return the labels of each part, and a network's outputs and groups for the test rows.

        Args:
            model: The network.
            split: The split that determines the groups: see `Split.groups`.
        """
        outputs = model.predict(self.data.x["test"], verbose=0)
        return self.truths(), outputs, split.groups(self.rows["test"])

    def learned(self, model: MultiTaskModel) -> tuple[Arrays, Arrays]:
        """Return labels and a network's outputs for some training rows."""
        count = len(self.rows["train"])
        some = np.sort(np.random.default_rng(0).permutation(count)[:MOST_LEARNED])
        table = self.rows["train"].iloc[some]
        x = keras.tree.map_structure(lambda values: values[some], self.data.x["train"])
        return {task.name: task.truth(table) for task in self.tasks}, model.predict(x, verbose=0)

    def sampled(self) -> "Prepared":
        """Return the same with only the rows in memory, for repeated trainings."""
        return self
