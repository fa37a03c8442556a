"""A task's predictions with the labels of the same rows, and what belongs to these rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtl_keras.evaluation.interval import Measured, measured
from mtl_keras.tasks import Task
from mtl_keras.tasks.measures import Measure, labelled


@dataclass(frozen=True)
class Predicted:
    """The labels of a task and the predictions for the same rows.

    Attributes:
        task: The fitted task.
        truth: The labels, as `Task.truth` returns them.
        predicted: The predictions, as `Task.prediction` returns them.
        groups: The group of each row. Default None: no groups.
        region: The intervals or sets. Default None: the task has none.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> rows = Predicted(Regression("spend"), np.array([1.0, np.nan]), np.array([2.0, 3.0]))
    >>> rows.labelled.predicted
    array([2.])
    """

    task: Task
    truth: np.ndarray
    predicted: np.ndarray
    groups: np.ndarray | None = None
    region: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def at(self, rows: Any) -> "Predicted":
        """Return some of the rows: those of a mask, of places or of a slice."""
        others = (None if each is None else each[rows] for each in (self.groups, self.region))
        return Predicted(self.task, self.truth[rows], np.asarray(self.predicted)[rows], *others)

    @property
    def labelled(self) -> "Predicted":
        """The rows that have a label, or at least one of several."""
        return self.at(labelled(self.truth))

    @property
    def of_region(self) -> "Predicted | None":
        """The same with the region in place of the predictions, if the task has one."""
        return None if self.region is None else replace(self, predicted=self.region)

    def measured(self, measures: Sequence[Measure]) -> list[Measured]:
        """Return measures of rows that all have a label: see `evaluation.interval.measured`."""
        return measured(measures, self.truth, self.predicted, self.groups)


def by_task(
    tasks: Sequence[Task],
    truths: Mapping[str, np.ndarray],
    predictions: Mapping[str, np.ndarray],
    regions: Mapping[str, np.ndarray] | None = None,
    groups: np.ndarray | None = None,
) -> list[Predicted]:
    """Return the labels of each task with its predictions, from mappings by name."""
    regions = regions or {}
    return [
        Predicted(task, truths[task.name], predictions[task.name], groups, regions.get(task.name))
        for task in tasks
    ]
