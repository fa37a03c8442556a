"""The one measure by which a task is compared, on many weightings of the rows at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mtl_keras.tasks.base import Task
from mtl_keras.tasks.quantiles import Quantiles


@dataclass(frozen=True)
class Measure:
    """What a task is compared by.

    Attributes:
        name: E.g. `"roc_auc"`.
        higher_is_better: Whether more is better.
        of: A function of the truth `(rows, ...)`, the predictions and row weights `(draws, rows)`
            to a value per draw. With weights that count how often a row was drawn it gives the
            measure on each bootstrap sample.
    """

    name: str
    higher_is_better: bool
    of: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

    def value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        """The measure on the rows as they are."""
        return float(self.of(truth, predicted, np.ones((1, len(truth))))[0])


def measure(task: Task) -> Measure:
    """The measure of a task's kind: of ranking for labels, of errors for numbers.

    Example:

    >>> from mtl_keras.tasks import Binary
    >>> measure(Binary("churned")).value(np.array([0, 1, 1]), np.array([0.2, 0.1, 0.9]))
    0.5
    """
    if isinstance(task, Quantiles):
        levels = np.array(task.levels)
        return Measure("pinball", False, lambda t, p, w: _mean(_pinball(t, p, levels), w))
    return {
        "binary": Measure("roc_auc", True, auc),
        "multiclass": Measure("accuracy", True, lambda t, p, w: _mean(p.argmax(axis=1) == t, w)),
        "ordinal": Measure(
            "classes_off", False, lambda t, p, w: _mean(np.abs(p.argmax(axis=1) - t), w)
        ),
        "multilabel": Measure("mean_auc", True, _mean_auc),
        "regression": Measure(
            "rmse", False, lambda t, p, w: np.sqrt(_mean((p.reshape(-1) - t) ** 2, w))
        ),
        "count": Measure("poisson_deviance", False, lambda t, p, w: _mean(_deviance(t, p), w)),
    }[task.kind]


def labelled(truth: np.ndarray) -> np.ndarray:
    """Which rows have a label, any of several.

    Example:

    >>> labelled(np.array([[0, np.nan], [np.nan, np.nan]]))
    array([ True, False])
    """
    return ~np.isnan(truth) if truth.ndim == 1 else ~np.isnan(truth).all(axis=1)


def auc(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve for each row of weights; ties count half.

    Example:

    >>> auc(np.array([0, 1, 1]), np.array([0.1, 0.1, 0.9]), np.array([[1, 1, 1], [1, 0, 2]]))
    array([0.75, 1.  ])
    """
    scores = np.asarray(scores).reshape(-1)
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))
    positive = np.add.reduceat(weights[:, order] * (truth[order] == 1), starts, axis=1)
    negative = np.add.reduceat(weights[:, order] * (truth[order] != 1), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (positive * below).sum(axis=1) / pairs


def _mean_auc(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over the labels, a missing one (NaN) taking no part."""
    values = []
    for column in range(truth.shape[1]):
        present = ~np.isnan(truth[:, column])
        values.append(auc(truth[present, column], scores[present, column], weights[:, present]))
    return np.nanmean(values, axis=0)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ np.asarray(values, float) / weights.sum(axis=1)


def _pinball(truth: np.ndarray, predicted: np.ndarray, levels: np.ndarray) -> np.ndarray:
    error = truth[:, None] - predicted
    return np.maximum(levels * error, (levels - 1) * error).mean(axis=1)


def _deviance(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    mean = np.maximum(predicted.reshape(-1), 1e-9)
    logs = truth * np.log(np.where(truth > 0, truth, 1.0) / mean)
    return 2 * (logs - truth + mean)
