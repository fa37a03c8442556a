"""How good predictions are, one function per kind of task, all through scikit-learn."""

import numpy as np
from sklearn import metrics

LOWER_IS_BETTER = {
    "log_loss",
    "brier",
    "rmse",
    "mae",
    "median_absolute_error",
    "poisson_deviance",
    "pinball",
    "interval_width",
    "classes_off",
}


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of the metric is a better one.

    Example:

    >>> higher_is_better("roc_auc"), higher_is_better("rmse")
    (True, False)
    """
    return metric not in LOWER_IS_BETTER


def binary(truth: np.ndarray, probability: np.ndarray, threshold: float) -> dict[str, float]:
    """Scores of probabilities of the positive label; labels are answered from `threshold` on."""
    truth, answered = truth.astype(int), (probability >= threshold).astype(int)
    both = 0 < truth.mean() < 1
    return {
        "roc_auc": metrics.roc_auc_score(truth, probability) if both else np.nan,
        "average_precision": metrics.average_precision_score(truth, probability)
        if both
        else np.nan,
        "log_loss": metrics.log_loss(truth, probability, labels=[0, 1]),
        "brier": metrics.brier_score_loss(truth, probability),
        "accuracy": metrics.accuracy_score(truth, answered),
        "f1": metrics.f1_score(truth, answered, zero_division=0),
    }


def multiclass(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Scores of class probabilities, `(rows, classes)`."""
    truth, answered = truth.astype(int), probabilities.argmax(axis=1)
    classes = np.arange(probabilities.shape[1])
    normalised = probabilities / probabilities.sum(axis=1, keepdims=True)
    return {
        "accuracy": metrics.accuracy_score(truth, answered),
        "macro_f1": metrics.f1_score(truth, answered, average="macro", zero_division=0),
        "log_loss": metrics.log_loss(truth, normalised, labels=classes),
    }


def ordinal(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Scores of probabilities of classes that have an order, `(rows, classes)`."""
    answered = probabilities.argmax(axis=1)
    several = len(np.unique(np.concatenate([truth, answered]))) > 1
    return {
        **multiclass(truth, probabilities),
        "classes_off": float(np.mean(np.abs(truth - answered))),
        "quadratic_kappa": metrics.cohen_kappa_score(
            truth.astype(int), answered, weights="quadratic"
        )
        if several
        else np.nan,
    }


def quantiles(
    truth: np.ndarray, predicted: np.ndarray, levels: np.ndarray, middle: int
) -> dict[str, float]:
    """Scores of quantiles, `(rows, levels)`, in the user's units; `middle` is the answer's column.

    `coverage` is the share of rows between the lowest and the highest quantile; good is the
    difference of their levels.
    """
    error = truth[:, None] - predicted
    inside = (truth >= predicted[:, 0]) & (truth <= predicted[:, -1])
    return {
        "pinball": float(np.mean(np.maximum(levels * error, (levels - 1) * error))),
        "coverage": float(inside.mean()),
        "interval_width": float(np.mean(predicted[:, -1] - predicted[:, 0])),
        "mae": metrics.mean_absolute_error(truth, predicted[:, middle]),
    }


def multilabel(
    truth: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray
) -> dict[str, float]:
    """Scores of several labels; a missing label (NaN) takes no part."""
    answered = (probabilities >= thresholds).astype(int)
    f1, auc = [], []
    for column in range(truth.shape[1]):
        present = ~np.isnan(truth[:, column])
        labels, scores = truth[present, column].astype(int), probabilities[present, column]
        if len(labels):
            f1.append(metrics.f1_score(labels, answered[present, column], zero_division=0))
        if len(labels) and 0 < labels.mean() < 1:
            auc.append(metrics.roc_auc_score(labels, scores))
    present = ~np.isnan(truth)
    return {
        "macro_f1": float(np.mean(f1)),
        "micro_f1": metrics.f1_score(truth[present].astype(int), answered[present]),
        "mean_auc": float(np.mean(auc)) if auc else np.nan,
    }


def regression(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of numbers, in the user's units."""
    return {
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "mae": metrics.mean_absolute_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted) if len(truth) > 1 else np.nan,
        "median_absolute_error": metrics.median_absolute_error(truth, predicted),
    }


def count(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of expected counts."""
    positive = np.maximum(predicted, 1e-9)
    deviance = metrics.mean_poisson_deviance(truth, positive)
    return {"poisson_deviance": deviance, **regression(truth, predicted)}
