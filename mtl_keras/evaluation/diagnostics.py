"""Diagnostics beyond the scores: where, on which rows and how a model is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.evaluation.predicted import by_task
from mtl_keras.evaluation.residual_correlation import residual_correlation
from mtl_keras.evaluation.segments import by_prediction
from mtl_keras.evaluation.weak_slices import Cells, weak_slices
from mtl_keras.evaluation.worst_rows import worst_rows
from mtl_keras.tasks import Task
from mtl_keras.tasks.measures import labelled
from mtl_keras.tasks.thresholds import ThresholdCurve


@dataclass(frozen=True, repr=False)
class Diagnostics:
    """Where a model is wrong on the test rows.

    Attributes:
        thresholds: The scores at other thresholds, for each task that uses one.
        residuals: The residuals of each quantity by the size of the prediction, with a column
            `task` and those of `evaluation.segments.by_prediction`.
        weak_slices: See `evaluation.weak_slices.weak_slices`.
        searched: Number of features that were searched for weak slices.
        worst_rows: The rows with the largest losses of each task, with a column `task` and those of
            `evaluation.worst_rows.worst_rows`. Empty if they were not requested.
        correlation: See `evaluation.residual_correlation.residual_correlation`.

    Example:

    >>> import mtl_keras as mtl
    >>> run = mtl.Experiment.from_file("data/customers.toml").run()  # doctest: +SKIP
    >>> run.diagnostics.worst_rows  # doctest: +SKIP
    """

    thresholds: Mapping[str, Sequence[ThresholdCurve]]
    residuals: pd.DataFrame
    weak_slices: pd.DataFrame
    searched: int
    worst_rows: pd.DataFrame
    correlation: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"Diagnostics: {len(self.weak_slices)} weak_slices, {len(self.worst_rows)} worst_rows, "
            f"thresholds of {', '.join(self.thresholds) or 'no task'}, residuals, correlation"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable values; NaN where something is not defined."""
        return {
            "thresholds": {n: [asdict(c) for c in each] for n, each in self.thresholds.items()},
            "residuals": self.residuals.to_dict("records"),
            "weak_slices": self.weak_slices.to_dict("records"),
            "searched": self.searched,
            "worst_rows": self.worst_rows.to_dict("records"),
            "correlation": self.correlation.to_dict("records"),
            "correlation_left_out": self.correlation.attrs.get("left_out", {}),
        }


def diagnose(
    tasks: Sequence[Task],
    truths: Mapping[str, np.ndarray],
    predictions: Mapping[str, np.ndarray],
    constants: Mapping[str, Mapping[str, np.ndarray]],
    cells: Sequence[Cells],
    names: np.ndarray,
    most: int = 10,
    groups: np.ndarray | None = None,
) -> Diagnostics:
    """Find out where predictions are wrong.

    Args:
        tasks: Fitted tasks.
        truths: For each task, the labels, as `Task.truth` returns them.
        predictions: For each task, the predictions for these rows.
        constants: For each task, its `Task.constants`.
        cells: The features' values in these rows: see `evaluation.weak_slices.feature_cells`.
        names: A name for each row.
        most: Number of the worst rows of each task to return; 0 for none. Default 10.
        groups: The group of each row. Default None: no groups.

    Returns:
        The diagnostics.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> truth, names = {"spend": np.arange(4.0)}, np.array(["row 0", "row 1", "row 2", "row 3"])
    >>> predicted, mean = {"spend": np.array([0.0, 1.0, 2.0, 9.0])}, {"spend": np.array(1.5)}
    >>> found = diagnose([Regression("spend")], truth, predicted, mean, [], names, most=1)
    >>> found.worst_rows["name"].tolist()
    ['row 3']
    """
    thresholds: dict[str, list[ThresholdCurve]] = {}
    residuals, worst = [], []
    tested = by_task(tasks, truths, predictions, groups=groups)
    for each in tested:
        task, some = each.task, each.labelled
        if not len(some):
            continue
        if curves := task.threshold_curves(some.truth, some.predicted):
            thresholds[task.name] = curves
        if task.is_quantity:
            residuals.append(_of(task, by_prediction(some)))
        worst.append(_of(task, worst_rows(some, names[labelled(each.truth)], most)))
    return Diagnostics(
        thresholds=thresholds,
        residuals=_together(residuals),
        weak_slices=weak_slices(tested, constants, cells),
        searched=len(cells),
        worst_rows=_together(worst),
        correlation=residual_correlation(tested),
    )


def _of(task: Task, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "task", task.name)
    return table


def _together(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
