"""Measures: one number for the quality of predictions, for many weightings of the rows at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

LOWER_IS_BETTER = frozenset(
    {
        "log_loss",
        "brier",
        "rmse",
        "mae",
        "mape",
        "median_absolute_error",
        "poisson_deviance",
        "pinball",
        "interval_width",
        "conformal_coverage_se",
        "conformal_width",
        "conformal_set_size",
        "classes_off",
    }
)
"""Names of scores for which lower is better, for any task."""


@dataclass(frozen=True)
class Measure:
    """The measure by which models are compared on a task.

    Args:
        name: E.g. `"roc_auc"`; the same name as in the task's `scores`, if it is one of them.
        higher_is_better: Whether a higher value is better.
        weighted: A function from the truth `(rows, ...)`, the predictions and row weights `(draws,
            rows)` to a value per draw. With weights that count how often a row was drawn, it gives
            the measure on each bootstrap sample.
        in_units: Whether it is in the unit of the labels. Default False.

    Example:

    >>> from mtl_keras.tasks import Binary
    >>> Binary("churned").measure.name
    'roc_auc'
    """

    name: str
    higher_is_better: bool
    weighted: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    in_units: bool = False

    @classmethod
    def mean(
        cls,
        name: str,
        per_row: Callable[[np.ndarray, np.ndarray], np.ndarray],
        higher_is_better: bool = False,
        in_units: bool = False,
    ) -> Self:
        """A measure that is the mean over the rows of a function of truth and predictions.

        Example:

        >>> mae = Measure.mean("mae", lambda truth, predicted: np.abs(truth - predicted))
        >>> mae.value(np.array([1.0, 2.0]), np.array([1.0, 5.0]))
        1.5
        """
        return cls(
            name,
            higher_is_better,
            lambda truth, predicted, weights: weighted_mean(per_row(truth, predicted), weights),
            in_units,
        )

    def value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        """The measure on the rows as they are."""
        return float(self.weighted(truth, predicted, np.ones((1, len(truth))))[0])


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of `values`, `(rows,)`, for each row of `weights`, `(draws, rows)`.

    Example:

    >>> weighted_mean(np.array([1.0, 4.0]), np.array([[1, 1], [2, 1]]))
    array([2.5, 2. ])
    """
    return weights @ np.asarray(values, float) / weights.sum(axis=1)


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


def pinball(truth: np.ndarray, predicted: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The pinball loss of each row, averaged over its quantiles.

    Args:
        truth: The labels, `(rows,)`.
        predicted: The quantiles, `(rows, levels)`.
        levels: Their probabilities.

    Example:

    >>> pinball(np.array([1.0]), np.array([[0.0, 2.0]]), np.array([0.1, 0.9])).round(3)
    array([0.1])
    """
    error = truth[:, None] - predicted
    return np.maximum(levels * error, (levels - 1) * error).mean(axis=1)


def _root_mean_squared_error(
    truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    return np.sqrt(weighted_mean((predicted.reshape(-1) - truth) ** 2, weights))


AUC = Measure("roc_auc", True, auc)
ACCURACY = Measure.mean(
    "accuracy", lambda truth, predicted: predicted.argmax(axis=1) == truth, higher_is_better=True
)
RMSE = Measure("rmse", False, _root_mean_squared_error, in_units=True)


def labelled(truth: np.ndarray) -> np.ndarray:
    """Which rows have a label, or at least one of several.

    Args:
        truth: Labels, `(rows,)` or `(rows, n)`, NaN where missing.

    Returns:
        Booleans, `(rows,)`.

    Example:

    >>> labelled(np.array([[0, np.nan], [np.nan, np.nan]]))
    array([ True, False])
    """
    return ~np.isnan(truth) if truth.ndim == 1 else ~np.isnan(truth).all(axis=1)
