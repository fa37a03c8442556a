"""Thresholds of probabilities: the scores at each, and the best one."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

POINTS = 99


class Costs(NamedTuple):
    """The costs of wrong predictions.

    Attributes:
        false_positive: Cost of predicting the positive label for a negative row.
        false_negative: Cost of predicting the negative label for a positive row.
    """

    false_positive: float
    false_negative: float


@dataclass(frozen=True)
class ThresholdCurve:
    """The scores of yes-or-no predictions for each of several thresholds.

    Attributes:
        label: The label that is predicted from the threshold on.
        in_use: The threshold that the task uses.
        threshold: The thresholds, ascending; the one in use is among them.
        precision: Share of positive rows among those with the predicted label; NaN without any.
        recall: Share of the positive rows for which the label is predicted.
        f1: The harmonic mean of precision and recall.
        cost: The mean cost per row; None if no costs are declared.

    Example:

    >>> curve = ThresholdCurve.of(np.array([0, 1, 1]), np.array([0.1, 0.4, 0.8]), 0.5, "yes")
    >>> place = curve.threshold.index(0.5)
    >>> curve.precision[place], curve.recall[place]
    (1.0, 0.5)
    """

    label: str
    in_use: float
    threshold: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    cost: tuple[float, ...] | None = None

    @classmethod
    def of(
        cls,
        truth: np.ndarray,
        scores: np.ndarray,
        in_use: float,
        label: str,
        costs: Costs | None = None,
    ) -> "ThresholdCurve":
        """Return the curve of some rows, at about 100 thresholds.

        Args:
            truth: Whether each row is positive, none missing.
            scores: The predicted probabilities.
            in_use: The threshold in use.
            label: The positive label.
            costs: The costs of wrong predictions. Default None.
        """
        scores = np.asarray(scores, "float32").reshape(-1)
        several = np.quantile(scores, np.linspace(0, 1, POINTS)).astype(float)
        thresholds = np.unique(np.concatenate([several, [in_use]]))
        ordered = np.sort(scores)
        positive = np.sort(scores[np.asarray(truth) == 1])
        places = thresholds.astype("float32")  # as a model compares: float32(0.7) is below 0.7
        answered = len(ordered) - np.searchsorted(ordered, places)
        hits = len(positive) - np.searchsorted(positive, places)
        missed, wrong = len(positive) - hits, answered - hits
        with np.errstate(invalid="ignore", divide="ignore"):
            precision, recall = hits / answered, hits / np.float64(len(positive))
        f1 = 2 * hits / np.maximum(answered + len(positive), 1)
        cost = None
        if costs is not None:
            total = costs.false_positive * wrong + costs.false_negative * missed
            cost = tuple((total / len(scores)).tolist())
        columns = {"threshold": thresholds, "precision": precision, "recall": recall, "f1": f1}
        made = {name: tuple(values.tolist()) for name, values in columns.items()}
        return cls(label, float(in_use), **made, cost=cost)


def cheapest_threshold(
    truth: np.ndarray, scores: np.ndarray, false_positive: float, false_negative: float
) -> float:
    """Return the threshold with the lowest cost, midway between adjacent scores.

    Example:

    >>> truth, scores = np.array([False, True, False, True]), np.array([0.1, 0.3, 0.5, 0.8])
    >>> [cheapest_threshold(truth, scores, *costs) for costs in ((1, 5), (5, 1))]
    [0.2, 0.65]
    """
    order = np.argsort(-scores, kind="stable")
    ranked, positive = scores[order].astype(float), truth[order]
    missed = truth.sum() - np.append(0, np.cumsum(positive))
    cost = false_positive * np.append(0, np.cumsum(~positive)) + false_negative * missed
    edges = np.concatenate([[1.0], ranked, [0.0]])
    separable = np.append(edges[:-2] > edges[1:-1], True)  # nothing is above a score of 1
    best = int(np.argmin(np.where(separable, cost, np.inf)))
    return _between(edges[best], edges[best + 1])


def best_f1_threshold(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the threshold with the highest F1, midway between adjacent scores.

    Example:

    >>> best_f1_threshold(np.array([False, True, True]), np.array([0.1, 0.3, 0.8]))
    0.2
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + truth.sum())
    separable = np.append(ranked[:-1] > ranked[1:], True)  # no threshold separates equal scores
    best = int(np.argmax(np.where(separable, f1, -1.0)))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return _between(float(ranked[best]), float(below))


def _between(above: float, below: float) -> float:
    """Return the middle of two scores; the upper one if a float32 is not between them."""
    middle = (above + below) / 2
    return float(middle if np.float32(middle) > np.float32(below) else above)
