"""Measures of the quality of predictions, computed for many weightings of the rows at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

EPSILON = float(np.finfo("float32").eps)  # keeps the logarithm of a probability finite


@dataclass(frozen=True)
class Measure:
    """A measure of how good predictions are.

    Args:
        name: E.g. `"roc_auc"`.
        higher_is_better: Whether a higher value is better.
        weighted: A function from the truth `(rows, ...)`, the predictions and row weights `(draws,
            rows)` to a value per draw. With weights that count how often a row was drawn, it gives
            the measure on each bootstrap sample.
        in_units: Whether it has the unit of the labels. Default False.
        per_row: If the measure is a mean over the rows, a function from truth and predictions to
            the value of each row, `(rows,)`. Default None: it is not a mean.
        constant: A function from the truth, NaN where missing, to the constant prediction for which
            the measure is best, `()` or `(n,)`. Default None: `Task.constant`.

    Example:

    >>> from mtl_keras.tasks import Binary
    >>> Binary("churned").measure.name
    'roc_auc'
    """

    name: str
    higher_is_better: bool
    weighted: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    in_units: bool = False
    per_row: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    constant: Callable[[np.ndarray], Any] | None = None

    @classmethod
    def mean(
        cls,
        name: str,
        per_row: Callable[[np.ndarray, np.ndarray], np.ndarray],
        higher_is_better: bool = False,
        in_units: bool = False,
        constant: Callable[[np.ndarray], Any] | None = None,
    ) -> Self:
        """Return a measure that is the mean of a function of each row's truth and prediction.

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
            per_row,
            constant,
        )

    def value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        """Return the measure on unweighted rows; NaN where they do not determine it."""
        if not len(truth):
            return float("nan")
        return float(self.weighted(truth, predicted, np.ones((1, len(truth))))[0])

    def constant_value(self, truth: np.ndarray, constant: np.ndarray) -> float:
        """Return the measure of the same prediction for all rows."""
        return self.value(truth, np.broadcast_to(constant, (len(truth), *np.shape(constant))))


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean of `values`, `(rows,)`, for each row of `weights`, `(draws, rows)`.

    Example:

    >>> weighted_mean(np.array([1.0, 4.0]), np.array([[1, 1], [2, 1]]))
    array([2.5, 2. ])
    """
    return weights @ np.asarray(values, float) / weights.sum(axis=1)


def ranked(
    truth: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of positive and of negative rows at each distinct score, ascending.

    Args:
        truth: 1 for positive rows, `(rows,)`.
        scores: Their scores, `(rows,)` or `(rows, 1)`.
        weights: Row weights, `(draws, rows)`.

    Returns:
        Two arrays `(draws, scores)`.
    """
    scores = np.asarray(scores).reshape(-1)
    if np.any(scores[1:] < scores[:-1]):
        order = np.argsort(scores, kind="stable")
        truth, scores, weights = truth[order], scores[order], weights[:, order]
    positive = weights * (truth == 1)
    changes = np.append(True, scores[1:] > scores[:-1])
    if not changes.all():
        starts = np.flatnonzero(changes)
        positive, weights = (np.add.reduceat(w, starts, axis=1) for w in (positive, weights))
    return positive, weights - positive


def auc(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve for each row of weights; ties count half.

    Example:

    >>> auc(np.array([0, 1, 1]), np.array([0.1, 0.1, 0.9]), np.array([[1, 1, 1], [1, 0, 2]]))
    array([0.75, 1.  ])
    """
    positive, negative = ranked(truth, scores, weights)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return ratio((positive * below).sum(axis=1), pairs)


def average_precision(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the average precision: that at each threshold, weighted by the recall it adds.

    NaN without positive or without negative rows.

    Example:

    >>> truth, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4])
    >>> average_precision(truth, scores, np.ones((1, 4))).round(3)
    array([0.833])
    """
    positive, negative = (part[:, ::-1] for part in ranked(truth, scores, weights))
    hits = np.cumsum(positive, axis=1)
    precision = hits / np.maximum(hits + np.cumsum(negative, axis=1), 1e-12)
    total = np.where(negative.any(axis=1), hits[:, -1], 0.0)
    return ratio((positive * precision).sum(axis=1), total)


def f1(truth: np.ndarray, answered: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return F1 of predictions 0 and 1, for each row of weights; 0 if nothing is or should be 1.

    Example:

    >>> f1(np.array([0, 1, 1]), np.array([1, 1, 0]), np.array([[1, 1, 1], [3, 0, 1]]))
    array([0.5, 0. ])
    """
    positive, answers = truth == 1, answered == 1
    counted = weights @ np.stack([positive & answers, positive, answers], axis=1).astype(float)
    return 2 * counted[:, 0] / np.maximum(counted[:, 1] + counted[:, 2], 1e-12)


def r2(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the share of the variance that is explained, for each row of weights.

    NaN for a single row, and where all labels are the same.

    Example:

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]), np.array([[1, 1, 1], [1, 1, 0]]))
    array([0.5, 1. ])
    """
    centered = truth - truth.mean()  # guards against rounding if the labels vary little
    errors = (truth - np.asarray(predicted).reshape(-1)) ** 2
    rows = weights.sum(axis=1)
    total, squares, left = (weights @ np.stack([centered, centered**2, errors], axis=1)).T
    variance = squares - total**2 / rows
    return 1 - ratio(left, np.where(variance > 1e-12 * squares, variance, 0.0))


def median_absolute_error(
    truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the median absolute error for each row of weights, which are whole numbers.

    Example:

    >>> weights = np.array([[1, 1, 1, 1], [1, 1, 0, 3]])
    >>> median_absolute_error(np.zeros(4), np.array([1.0, 2.0, 4.0, 9.0]), weights)
    array([3., 9.])
    """
    errors = np.abs(truth - np.asarray(predicted).reshape(-1))
    order = np.argsort(errors)
    reached = np.cumsum(weights[:, order], axis=1)
    half = reached[:, -1:] / 2
    middle = ((reached < half).sum(axis=1), (reached <= half).sum(axis=1))
    return errors[order][np.minimum(middle, len(errors) - 1)].mean(axis=0)


def shortest_half(truth: np.ndarray) -> float:
    """Return the middle of the shortest interval with half of the labels.

    Of all constants, it has the smallest median absolute error.

    References:
        Rousseeuw: "Least Median of Squares Regression", JASA 79, 1984.

    Example:

    >>> shortest_half(np.array([0.0, 8.0, 9.0, 10.0, 30.0, np.nan]))
    9.0
    """
    ordered = np.sort(truth[~np.isnan(truth)])
    rows = len(ordered) // 2 + 1
    first, last = ordered[: len(ordered) - rows + 1], ordered[rows - 1 :]
    shortest = int(np.argmin(last - first))
    return float(first[shortest] + last[shortest]) / 2


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return `part / whole`, NaN where the whole is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def log_losses(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the negative log probability of each label, 0 or 1; NaN where it is missing.

    Args:
        truth: The labels.
        probabilities: The probabilities of 1, in the same shape or `(rows, 1)`.

    Example:

    >>> log_losses(np.array([0, 1]), np.array([0.5, 1.0])).round(4).tolist()
    [0.6931, 0.0]
    """
    of_one = np.asarray(probabilities, float).reshape(truth.shape)
    of_truth = np.where(np.isnan(truth), np.nan, np.where(truth == 1, of_one, 1 - of_one))
    return np.abs(np.log(np.clip(of_truth, EPSILON, 1.0)))


def pinball(truth: np.ndarray, predicted: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the pinball loss of each row, averaged over its quantiles.

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
MAE = Measure.mean(
    "mae",
    lambda truth, predicted: np.abs(truth - predicted.reshape(-1)),
    in_units=True,
    constant=np.nanmedian,
)
R2 = Measure("r2", True, r2)
MEDIAN_ABSOLUTE_ERROR = Measure(
    "median_absolute_error", False, median_absolute_error, True, constant=shortest_half
)


def labelled(truth: np.ndarray) -> np.ndarray:
    """Return which rows have a label, or at least one of several.

    Args:
        truth: Labels, `(rows,)` or `(rows, n)`, NaN where missing.

    Returns:
        Booleans, `(rows,)`.

    Example:

    >>> labelled(np.array([[0, np.nan], [np.nan, np.nan]]))
    array([ True, False])
    """
    return ~np.isnan(truth) if truth.ndim == 1 else ~np.isnan(truth).all(axis=1)
