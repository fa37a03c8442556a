"""The scores of a model: as text, as a dict, as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.drawing import notebook
from mtl_keras.drawing.digits import numbers
from mtl_keras.evaluation.predicted import Predicted, by_task
from mtl_keras.evaluation.regions import JointCoverage, joint_coverage
from mtl_keras.tasks import Task
from mtl_keras.tasks.measures import labelled


@dataclass(frozen=True)
class TaskEvaluation:
    """The scores of one task.

    Attributes:
        task: Its name.
        kind: Its kind, e.g. `"binary"`.
        rows: Number of rows with a label that it was evaluated on.
        scores: Value of each metric.
        baseline: Value of each metric for the constant prediction that is best for it, computed
            from the training labels: their mean, median, class shares or most frequent class.
        lower_is_better: The metrics for which lower is better. Default: none.
        intervals: The 95% interval of each metric whose uncertainty the rows determine: see
            `evaluation.interval`. Default: none.
        training: Value of each metric on training rows. Default: none.
        training_rows: Number of those rows. Default 0.

    Example:

    >>> one = TaskEvaluation("churned", "binary", 10, {"roc_auc": 0.8}, {"roc_auc": 0.5})
    >>> one.scores["roc_auc"] > one.baseline["roc_auc"]
    True
    """

    task: str
    kind: str
    rows: int
    scores: dict[str, float]
    baseline: dict[str, float]
    lower_is_better: frozenset[str] = frozenset()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    training: Mapping[str, float] = field(default_factory=dict)
    training_rows: int = 0

    def written(self, metric: str) -> tuple[str, str, str, str]:
        """Return a metric with its significant digits: score, interval, training, baseline."""
        ends = self.intervals.get(metric, ())
        others = (column.get(metric) for column in (self.training, self.baseline))
        value, training, baseline, *texts = numbers(
            [self.scores[metric], *others, *ends], intervals=[ends]
        )
        return value, " to ".join(texts) or "–", training, baseline


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The scores of all tasks on held-out rows, and those of a constant prediction.

    Attributes:
        tasks: The scores of each task.
        joint: The coverage of all tasks together, if several have intervals or sets; else None.

    Example:

    >>> one = TaskEvaluation(
    ...     "churned", "binary", 90, {"roc_auc": 0.8}, {"roc_auc": 0.5},
    ...     intervals={"roc_auc": (0.74, 0.85)},
    ... )
    >>> print(Evaluation([one]))
    churned (binary, 90 rows)
      metric                      model          95% interval   baseline
      roc_auc                     0.800        0.740 to 0.850      0.500
    """

    tasks: Sequence[TaskEvaluation]
    joint: JointCoverage | None = None

    def __getitem__(self, task: str) -> dict[str, float]:
        """The scores of a task: `evaluation["churned"]["roc_auc"]`."""
        return {each.task: each.scores for each in self.tasks}[task]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serialisable dict by task; scores that are not defined are None."""

        def plain(values: Mapping[str, float]) -> dict[str, float | None]:
            return {k: float(v) if np.isfinite(v) else None for k, v in values.items()}

        return {
            each.task: {
                "kind": each.kind,
                "rows": each.rows,
                "scores": plain(each.scores),
                "baseline": plain(each.baseline),
                "intervals": {name: list(ends) for name, ends in each.intervals.items()},
                "training": plain(each.training),
                "training_rows": each.training_rows,
            }
            for each in self.tasks
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row per task and metric.

        Its columns are `task`, `metric`, `value`, `low` and `high` (the ends of the interval),
        `baseline`, `training` and `higher_is_better`.
        """
        columns = ["task", "metric", "value", "low", "high", "baseline", "training"]
        rows = [
            (
                each.task,
                metric,
                value,
                *each.intervals.get(metric, (np.nan, np.nan)),
                each.baseline[metric],
                each.training.get(metric, np.nan),
                metric not in each.lower_is_better,
            )
            for each in self.tasks
            for metric, value in each.scores.items()
        ]
        return pd.DataFrame(rows, columns=[*columns, "higher_is_better"])

    def __str__(self) -> str:
        lines = []
        for each in self.tasks:
            of_training = f"; training: {each.training_rows:,} rows" if each.training else ""
            lines.append(f"{each.task} ({each.kind}, {each.rows:,} rows{of_training})")
            columns = [each.training, each.baseline] if each.training else [each.baseline]
            heads = ["training", "baseline"][-len(columns) :]
            rows = [("metric", "model", "95% interval", *heads)]
            for metric in each.scores:
                value, interval, *others = each.written(metric)
                rows.append((metric, value, interval, *others[-len(columns) :]))
            lines += _aligned(rows)
        if self.joint is not None:
            lines.append(str(self.joint))
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        columns = ["task", "metric", "model", "95% interval", "training", "baseline", "better"]
        rows: list[tuple[str, ...]] = [
            (
                each.task if number == 0 else "",
                metric,
                *each.written(metric),
                "lower" if metric in each.lower_is_better else "higher",
            )
            for each in self.tasks
            for number, metric in enumerate(each.scores)
        ]
        if not any(each.training for each in self.tasks):
            columns, rows = columns[:4] + columns[5:], [row[:4] + row[5:] for row in rows]
        counts = ", ".join(f"{each.task} {each.rows:,} rows" for each in self.tasks)
        parts = [notebook.table(columns, rows), notebook.line(counts, quiet=True)]
        if self.joint is not None:
            parts.append(notebook.line(self.joint, quiet=True))
        return notebook.block("Evaluation", *parts)


def evaluate(
    tasks: Sequence[Task],
    truths: Mapping[str, np.ndarray],
    predictions: Mapping[str, np.ndarray],
    constants: Mapping[str, Mapping[str, np.ndarray]],
    regions: Mapping[str, np.ndarray] | None = None,
    groups: np.ndarray | None = None,
    training: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> Evaluation:
    """Evaluate predictions.

    Args:
        tasks: Fitted tasks.
        truths: For each task, `Task.truth` of the rows to evaluate on.
        predictions: For each task, the probabilities `(rows,)` or `(rows, n)`, or the numbers in
            units.
        constants: For each task, its `Task.constants` for the training rows.
        regions: The intervals or sets of each task that has them. Default: none.
        groups: The group of each row. Rows of one group are not independent. Default None: all rows
            are independent.
        training: For each task, labels and predictions of training rows. Default: none.

    Returns:
        The scores of each task, over the rows that have its label.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> truth, predicted = np.array([1.0, 2.0, np.nan, 4.0]), np.array([1.0, 2.0, 3.0, 5.0])
    >>> constants = {"spend": Regression("spend").constants(truth)}
    >>> made = evaluate([Regression("spend")], {"spend": truth}, {"spend": predicted}, constants)
    >>> made.tasks[0].rows, round(made.tasks[0].scores["mae"], 3)
    (3, 0.333)
    """
    tested, training = by_task(tasks, truths, predictions, regions, groups), training or {}
    scores = [
        _evaluate(each, constants[each.task.name], training.get(each.task.name)) for each in tested
    ]
    return Evaluation(scores, joint_coverage(tested))


def calibration(
    tasks: Sequence[Task], truths: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """Return how much calibration improved the log loss on rows not used for it.

    Args:
        tasks: Fitted tasks.
        truths: For each task, the labels, as `Task.truth` returns them.
        outputs: For each task, the network's uncalibrated outputs.

    Returns:
        For each calibrated task, the `method` and the log loss `before` and `after`.

    Example:

    >>> from mtl_keras.tasks import Binary
    >>> calibration([Binary("churned")], {"churned": np.zeros(2)}, {"churned": np.zeros((2, 1))})
    {}
    """
    effects = {}
    for task in tasks:
        present = labelled(truths[task.name])
        if present.any():
            truth, output = truths[task.name][present], np.asarray(outputs[task.name])[present]
            effects[task.name] = task.calibration_effect(truth, output)
    return {name: effect for name, effect in effects.items() if effect is not None}


def _evaluate(
    tested: Predicted,
    constants: Mapping[str, np.ndarray],
    training: tuple[np.ndarray, np.ndarray] | None,
) -> TaskEvaluation:
    task, tested = tested.task, tested.labelled
    if not len(tested):
        return TaskEvaluation(task.name, task.kind, 0, {}, {})
    scores = task.scores(tested.truth, tested.predicted)
    baseline = task.constant_scores(tested.truth, constants)
    uncertain = dict(zip(task.measures, tested.measured(task.measures)))
    if (regions := tested.of_region) is not None:
        found = task.region_scores(regions.truth, regions.predicted, regions.groups)
        scores, baseline = scores | found, baseline | dict.fromkeys(found, np.nan)
        uncertain |= dict(zip(task.region_measures, regions.measured(task.region_measures)))
    trained = Predicted(task, *training).labelled if training else tested.at(slice(0))
    return TaskEvaluation(
        task=task.name,
        kind=task.kind,
        rows=len(tested),
        scores=scores,
        baseline=baseline,
        lower_is_better=frozenset(name for name in scores if not task.higher_is_better(name)),
        intervals={m.name: each.interval for m, each in uncertain.items() if each.interval},
        training=task.scores(trained.truth, trained.predicted) if len(trained) else {},
        training_rows=len(trained),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of a name and numbers as lines; long numbers widen their column."""
    usual, wide = (22, 9, 20, 9, 9), [max(map(len, cells)) for cells in zip(*rows)]
    first, *others = map(max, zip(usual, wide))
    return [
        f"  {name:{first}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(cells, others))
        for name, *cells in rows
    ]
