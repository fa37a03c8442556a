"""Probabilities corrected on validation rows: one number for all, or a curve for each class."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.isotonic import IsotonicRegression

from mtl_keras.layers import Isotonic, Temperature


def best_temperature(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """The temperature of lowest log loss.

    Args:
        truth: Class indices.
        probabilities: `(rows, classes)`, or `(rows, 1)` of class 1.

    References:
        Guo et al.: "On Calibration of Modern Neural Networks", ICML 2017.

    Example:

    >>> truth = np.array([0, 1, 1, 1, 1])  # said 99 %, right in 80 %
    >>> round(best_temperature(truth, np.full((5, 1), 0.99))["temperature"], 2)
    3.31
    """
    logs = np.log(np.clip(_both(probabilities).astype(float), 1e-7, 1.0))

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[np.arange(len(truth)), truth]))

    found = minimize_scalar(loss, bounds=(-3, 3), method="bounded").x
    return {"temperature": float(np.exp(found))}


def best_isotonic(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """For each class the rising curve from said to true probability with the least squared error.

    No corrected probability is 0 or 1: n rows cannot tell less than 1 / (2n) from none.

    Args:
        truth: Class indices.
        probabilities: `(rows, classes)`, or `(rows, 1)` of class 1.

    References:
        Zadrozny and Elkan: "Transforming Classifier Scores into Accurate Multiclass Probability
        Estimates", KDD 2002.

    Example:

    >>> best_isotonic(np.array([0, 0, 1, 0, 1, 1]), np.linspace(0.1, 0.6, 6)[:, None])["knots"]
    [[[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.0833, 0.0833, 0.5, 0.5, 0.9167, 0.9167]]]
    """
    classes = [1] if probabilities.shape[1] == 1 else range(probabilities.shape[1])
    least = 1 / (2 * len(truth))
    knots = []
    for column, label in enumerate(classes):
        curve = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
        curve.fit(probabilities[:, column].astype(float), truth == label)
        steps = (curve.X_thresholds_, curve.y_thresholds_)
        knots.append(
            [[round(float(v), 4 if axis else 6) for v in s] for axis, s in enumerate(steps)]
        )
    return {"knots": knots}


CALIBRATIONS: Mapping[
    str | None, tuple[type[keras.layers.Layer], Callable[[np.ndarray, np.ndarray], dict[str, Any]]]
] = {"temperature": (Temperature, best_temperature), "isotonic": (Isotonic, best_isotonic)}


def log_loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of the negative log of what was said of the true class.

    Example:

    >>> round(log_loss(np.array([0, 1]), np.array([[0.5], [0.5]])), 4)
    0.6931
    """
    said = _both(probabilities)[np.arange(len(truth)), truth.astype(int)]
    return float(-np.log(np.clip(said, 1e-7, 1.0)).mean())


def _both(probabilities: np.ndarray) -> np.ndarray:
    """`(rows, classes)` also where only the positive class is said."""
    if probabilities.ndim == 1:
        probabilities = probabilities[:, None]
    if probabilities.shape[1] > 1:
        return probabilities
    return np.hstack([1 - probabilities, probabilities])
