"""One object for how good a model is: as text, as a dict, as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.tasks import Quantiles, Task, scores
from mtl_keras.tasks.measures import labelled


@dataclass(frozen=True)
class TaskEvaluation:
    """The scores of one task.

    Attributes:
        task: Its name.
        kind: Its kind, e.g. `"binary"`.
        rows: Rows with a label, on which it was judged.
        scores: Value of each metric.
        baseline: Value of each metric for a constant: the training rows' mean or class shares.
    """

    task: str
    kind: str
    rows: int
    scores: dict[str, float]
    baseline: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """The scores of all tasks on rows that training never saw, beside a constant's.

    Example:

    >>> one = TaskEvaluation("churned", "binary", 10, {"roc_auc": 0.8}, {"roc_auc": 0.5})
    >>> print(Evaluation([one]))
    churned (binary, 10 rows)
      metric                      model   constant
      roc_auc                    0.8000     0.5000
    """

    tasks: Sequence[TaskEvaluation]

    def __getitem__(self, task: str) -> dict[str, float]:
        """The scores of a task: `evaluation["churned"]["roc_auc"]`."""
        return {each.task: each.scores for each in self.tasks}[task]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dict by task; a score that is not defined on these rows is None."""

        def plain(values: Mapping[str, float]) -> dict[str, float | None]:
            return {k: float(v) if np.isfinite(v) else None for k, v in values.items()}

        return {
            each.task: {
                "kind": each.kind,
                "rows": each.rows,
                "scores": plain(each.scores),
                "baseline": plain(each.baseline),
            }
            for each in self.tasks
        }

    def to_frame(self) -> pd.DataFrame:
        """A row per task and metric: task, metric, value, baseline, higher_is_better."""
        return pd.DataFrame(
            [
                (each.task, metric, value, each.baseline[metric], scores.higher_is_better(metric))
                for each in self.tasks
                for metric, value in each.scores.items()
            ],
            columns=["task", "metric", "value", "baseline", "higher_is_better"],
        )

    def __str__(self) -> str:
        lines = []
        for each in self.tasks:
            lines.append(f"{each.task} ({each.kind}, {each.rows:,} rows)")
            lines.append(f"  {'metric':22}{'model':>11}{'constant':>11}")
            for metric, value in each.scores.items():
                lines.append(f"  {metric:22}{_number(value)}{_number(each.baseline[metric])}")
        return "\n".join(lines)


def evaluate(
    tasks: Sequence[Task],
    truths: Mapping[str, np.ndarray],
    predictions: Mapping[str, np.ndarray],
    constants: Mapping[str, np.ndarray],
) -> Evaluation:
    """Judge predictions against the truth.

    Args:
        tasks: Fitted tasks.
        truths: Per task `Task.truth` of the rows to judge on.
        predictions: Per task the probabilities `(rows,)` or `(rows, n)`, or the numbers in units.
        constants: Per task the `constant` of its training rows.
    """
    return Evaluation(
        [
            _evaluate(task, truths[task.name], predictions[task.name], constants[task.name])
            for task in tasks
        ]
    )


def _evaluate(
    task: Task, truth: np.ndarray, predicted: np.ndarray, always: np.ndarray
) -> TaskEvaluation:
    present = labelled(truth)
    truth, predicted = truth[present], np.asarray(predicted)[present]
    rows = len(truth)
    if rows == 0:
        return TaskEvaluation(task.name, task.kind, 0, {}, {})
    baseline = np.broadcast_to(np.asarray(always, float), (rows, *np.shape(always)))
    of_constant = score(task, truth, baseline)
    if task.kind == "binary":  # the best a constant can do, not what the model's threshold makes it
        of_constant["accuracy"] = float(np.mean(truth == (baseline >= 0.5)))
        of_constant["f1"] = scores.binary(truth, baseline, threshold=0.0)["f1"]
    return TaskEvaluation(task.name, task.kind, rows, score(task, truth, predicted), of_constant)


def score(task: Task, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """The scores of one task on rows that all have a label."""
    if task.kind == "binary":
        threshold = getattr(task, "threshold", None)
        return scores.binary(truth, predicted, 0.5 if threshold is None else threshold)
    if task.kind == "multilabel":
        thresholds = getattr(task, "thresholds", None) or [0.5] * task.width
        return scores.multilabel(truth, predicted, np.array(thresholds))
    if isinstance(task, Quantiles):
        return scores.quantiles(truth, predicted, np.array(task.levels), task.middle)
    return getattr(scores, task.kind)(truth, predicted)


def constant(task: Task, training: np.ndarray) -> np.ndarray:
    """What a model says of any row that knows the training labels and nothing of the row.

    Args:
        task: A fitted task.
        training: Its `truth` for the training rows.

    Returns:
        The mean, `()` or `(labels,)`; for a multiclass or ordinal task the share of each class,
        `(classes,)`; the quantiles of a task that predicts them.
    """
    if isinstance(task, Quantiles):
        return np.nanquantile(training, task.levels)
    if task.kind in ("multiclass", "ordinal"):
        present = training[~np.isnan(training)].astype(int)
        return np.bincount(present, minlength=task.width) / len(present)
    return np.nanmean(training, axis=0)


def _number(value: float) -> str:
    if not np.isfinite(value):
        return f"{'-':>11}"
    return f"{value:>11,.4f}" if abs(value) < 1000 else f"{value:>11,.1f}"
