"""Rivals: the plain problems of one column that a task comes down to for a simple model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mtl_keras.errors import ConfigError, unknown
from mtl_keras.tasks.measures import Measure

LOSSES = ("log_loss", "squared_error", "poisson", "quantile")


def unchanged(truth: np.ndarray) -> np.ndarray:
    """The labels as they are."""
    return truth


@dataclass(frozen=True)
class Problem:
    """Something to learn from a table of numbers that any library for tables has a model for.

    Args:
        loss: What the model minimises, in scikit-learn's words: `"log_loss"` for classes,
            `"squared_error"`, `"poisson"` for a mean that is not negative, or `"quantile"`.
        measure: By what the best of several settings is chosen, on the validation rows.
        labels: From a task's `truth` to the labels of this problem, `(rows,)`, NaN where missing.
            Default: as they are.
        classes: Number of classes, whose probabilities `(rows, classes)` are the answer; None (the
            default) for labels 0 and 1, where the answer is the probability of 1, `(rows,)`.
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
