"""Measures of predictions of several labels per row, of which some may be missing."""

import numpy as np

from mtl_keras.tasks.measures import auc, f1, ratio


def mean_auc(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean area under the labels' ROC curves for each row of weights.

    A missing label (NaN) is ignored.

    Example:

    >>> truth, scores = np.array([[0, np.nan], [1, 1], [1, 0]]), np.array([[1, 9], [2, 2], [3, 1]])
    >>> mean_auc(truth, scores, np.ones((1, 3)))
    array([1.])
    """
    values = []
    for column in range(truth.shape[1]):
        present = ~np.isnan(truth[:, column])
        values.append(auc(truth[present, column], scores[present, column], weights[:, present]))
    return ratio(np.nansum(values, axis=0), np.isfinite(values).sum(axis=0))


def macro_f1(
    truth: np.ndarray, scores: np.ndarray, weights: np.ndarray, cuts: np.ndarray
) -> np.ndarray:
    """Return the labels' mean F1 at their thresholds `cuts`, for each row of weights.

    A missing label (NaN) is ignored, and so is a label that is missing in all rows.
    """
    values = []
    for label, answered in zip(truth.T, _answered(scores, cuts).T):
        present = ~np.isnan(label)
        if present.any():
            values.append(f1(label[present], answered[present], weights[:, present]))
    return np.mean(values, axis=0)


def micro_f1(
    truth: np.ndarray, scores: np.ndarray, weights: np.ndarray, cuts: np.ndarray
) -> np.ndarray:
    """Return F1 of all present labels pooled into one, for each row of weights."""
    present, answered = ~np.isnan(truth), _answered(scores, cuts)
    rows, _ = np.nonzero(present)
    return f1(truth[present], answered[present], weights[:, rows])


def _answered(scores: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Return which labels are predicted, as a model does: 0.7 as a float32 is at least 0.7."""
    return scores >= np.asarray(cuts, scores.dtype)


def most_frequent_labels(truth: np.ndarray) -> np.ndarray:
    """Return 1 for each label that is predicted by the constant with the highest micro F1, or -1.

    These are the most frequent ones, of which as many as give the highest F1.

    Example:

    >>> most_frequent_labels(np.array([[1, 0, 1], [1, 0, 1], [0, 1, 0], [1, 0, np.nan]]))
    array([ 1., -1.,  1.])
    """
    shares = np.nanmean(truth, axis=0)
    order = np.argsort(-shares)
    ones, rows = np.nansum(truth, axis=0)[order], (~np.isnan(truth)).sum(axis=0)[order]
    count = 1 + int(np.argmax(2 * np.cumsum(ones) / (np.cumsum(rows) + ones.sum())))
    return np.where(np.isin(np.arange(len(order)), order[:count]), 1.0, -1.0)
