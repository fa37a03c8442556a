"""Calibration: probabilities are corrected on the validation rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.isotonic import IsotonicRegression

from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision


@keras.saving.register_keras_serializable("mtl_keras")
class Temperature(ArgumentsAsConfig, FullPrecision):
    """Makes probabilities softer (above 1) or sharper (below 1) without changing their order.

    **Shape:** `(rows, classes)`, or `(rows, 1)` of the positive class, to the same.

    Args:
        temperature: Float > 0, divisor of the logits.

    Example:

    >>> Temperature(2.0)(tf.constant([[0.9], [0.5]])).numpy().round(2).tolist()
    [[0.75], [0.5]]
    """

    def __init__(self, temperature: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.temperature = temperature

    def call(self, probabilities: tf.Tensor) -> tf.Tensor:
        safe = tf.clip_by_value(tf.cast(probabilities, tf.float32), 1e-7, 1.0 - 1e-7)
        if probabilities.shape[-1] == 1:
            return tf.sigmoid((tf.math.log(safe) - tf.math.log1p(-safe)) / self.temperature)
        return tf.nn.softmax(tf.math.log(safe) / self.temperature)


def best_temperature(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return the temperature with the lowest log loss; 1 if all rows have the same class.

    Rows of one class would say that the network can never be too sure of it.

    Args:
        truth: Class indices.
        probabilities: `(rows, classes)`, or `(rows, 1)` of class 1.

    References:
        Guo et al.: "On Calibration of Modern Neural Networks", ICML 2017.

    Example:

    >>> truth = np.array([0, 1, 1, 1, 1])  # sure to 99%, right in 80%
    >>> round(best_temperature(truth, np.full((5, 1), 0.99))["temperature"], 2)
    3.31
    """
    if len(np.unique(truth)) < 2:
        return {"temperature": 1.0}
    logs = np.log(np.clip(of_both(probabilities).astype(float), 1e-7, 1.0))

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[np.arange(len(truth)), truth]))

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded").x
    return {"temperature": float(np.exp(best))}


@keras.saving.register_keras_serializable("mtl_keras")
class Isotonic(ArgumentsAsConfig, FullPrecision):
    """Corrects probabilities by a curve per class, then normalises them to sum to one.

    **Shape:** `(rows, classes)`, or `(rows, 1)` of the positive class, to the same.

    Args:
        knots: For each class, the raw probabilities, ascending, and the corrected ones; the curve
            is linear between them and constant beyond.

    Example:

    >>> Isotonic([[[0.2, 0.6], [0.1, 0.9]]])(tf.constant([[0.0], [0.4], [0.7]])).numpy().round(2)
    array([[0.1],
           [0.5],
           [0.9]], dtype=float32)
    """

    def __init__(self, knots: Sequence[Sequence[Sequence[float]]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.knots = knots

    def call(self, probabilities: tf.Tensor) -> tf.Tensor:
        probabilities = tf.cast(probabilities, tf.float32)
        corrected = []
        for column, (xs, ys) in enumerate(self.knots):
            x, y = np.asarray(xs, "float32"), np.asarray(ys, "float32")
            width = np.maximum(np.diff(x), 1e-12)  # adjacent float32 may be closer than that
            raw = probabilities[:, column : column + 1]
            inside = tf.clip_by_value((raw - x[:-1]) / width, 0.0, 1.0)
            corrected.append(y[:1] + tf.reduce_sum(inside * np.diff(y), axis=1, keepdims=True))
        curves = tf.concat(corrected, axis=1)
        if len(self.knots) == 1:
            return curves
        return curves / tf.reduce_sum(curves, axis=1, keepdims=True)


def best_isotonic(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Return, for each class, the rising curve from raw to corrected probability that fits best.

    "Best" means the least squared error. No corrected probability is 0 or 1: n rows cannot tell a
    probability below 1 / (2n) from 0. The curve of a class that no row has is a straight line, with
    a mean of at most 1 / (2n): the best fit would be flat, so that the class is never predicted.

    Args:
        truth: Class indices.
        probabilities: `(rows, classes)`, or `(rows, 1)` of class 1.

    References:
        Zadrozny and Elkan: "Transforming Classifier Scores into Accurate Multiclass Probability
        Estimates", KDD 2002.

    Example:

    >>> best_isotonic(np.array([0, 0, 1, 0, 1, 1]), np.linspace(0.1, 0.6, 6)[:, None])["knots"]
    [[[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.08333333, 0.08333333, 0.5, 0.5, 0.9166667, 0.9166667]]]
    """
    classes = [1] if probabilities.shape[1] == 1 else range(probabilities.shape[1])
    least = 1 / (2 * len(truth))
    knots = []
    for column, label in enumerate(classes):
        raw, hits = probabilities[:, column].astype(float), truth == label
        if hits.all() or not hits.any():
            steps = _line(raw, bool(hits.all()))
        else:
            curve = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
            curve.fit(raw, hits)
            steps = curve.X_thresholds_, curve.y_thresholds_
        knots.append([[float(f"{v:.7g}") for v in each] for each in steps])  # as a float32 has
    return {"knots": knots}


def _line(raw: np.ndarray, always: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the line for a class that none of the rows has, or all of them have."""
    slope = min(1.0, 0.5 / max(float(np.sum(1 - raw if always else raw)), 1e-30))
    start = 1 - slope if always else 0.0
    return np.array([0.0, 1.0]), np.array([start, start + slope])


class Method(NamedTuple):
    """A way to correct probabilities.

    Attributes:
        layer: The Keras layer that corrects them.
        fit: A function from class indices and probabilities to the layer's arguments.
        words: How it corrects them, for a report.
    """

    layer: Callable[..., keras.layers.Layer]
    fit: Callable[[np.ndarray, np.ndarray], dict[str, Any]]
    words: str


METHODS: Mapping[str, Method] = {
    "temperature": Method(Temperature, best_temperature, "by temperature scaling"),
    "isotonic": Method(Isotonic, best_isotonic, "by isotonic regression for each class"),
}


def log_loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean negative log probability of the true class.

    Example:

    >>> round(log_loss(np.array([0, 1]), np.array([[0.5], [0.5]])), 4)
    0.6931
    """
    of_truth = of_both(probabilities)[np.arange(len(truth)), truth.astype(int)]
    return float(-np.log(np.clip(of_truth, 1e-7, 1.0)).mean())


def of_both(probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities `(rows, classes)`, even if only those of class 1 of two are given."""
    if probabilities.ndim == 1:
        probabilities = probabilities[:, None]
    if probabilities.shape[1] > 1:
        return probabilities
    return np.hstack([1 - probabilities, probabilities])
