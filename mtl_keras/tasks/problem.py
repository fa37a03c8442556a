"""The problems of one column to which a task is reduced for simple models."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mtl_keras.errors import ConfigError, unknown
from mtl_keras.tasks.measures import Measure

LOSSES = ("log_loss", "squared_error", "poisson", "quantile")


def unchanged(truth: np.ndarray) -> np.ndarray:
    """Return the labels unchanged."""
    return truth


@dataclass(frozen=True)
class Problem:
    """A problem that every library for tabular data has a model for.

    Args:
        loss: The loss to minimise, as scikit-learn names it: `"log_loss"` for classes,
            `"squared_error"`, `"poisson"` for a mean that is not negative, or `"quantile"`.
        measure: The measure that selects the best of several settings on the validation rows.
        labels: A function from a task's `truth` to the labels of this problem, `(rows,)`, NaN where
            missing. Default: unchanged.
        classes: Number of classes, whose probabilities `(rows, classes)` are predicted. Default
            None: labels are 0 and 1, and the probability of 1 is predicted, `(rows,)`.
        level: Probability of the quantile. Default 0.5.

    Example:

    >>> from mtl_keras.tasks.measures import RMSE
    >>> Problem("squared_error", RMSE, labels=np.log).labels(np.array([1.0]))
    array([0.])
    """

    loss: str
    measure: Measure
    labels: Callable[[np.ndarray], np.ndarray] = unchanged
    classes: int | None = None
    level: float = 0.5

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ConfigError(unknown("loss of a `Problem`:", self.loss, LOSSES))
