"""The uncertainty of a measure that comes from the rows it was measured on."""

from typing import NamedTuple

import numpy as np

from mtl_keras.tasks import Task
from mtl_keras.tasks.measures import Measure, labelled

DRAWS = 200
NUMBERS = 5_000_000  # held at once


class Measured(NamedTuple):
    """A task's main measure on some rows, and how uncertain it is.

    Attributes:
        value: Its value.
        interval: Its 95 % interval over bootstrap samples of the rows.
        error: Its standard deviation over them.
        rows: Number of labelled rows.
    """

    value: float
    interval: tuple[float, float]
    error: float
    rows: int


def measured(task: Task, truth: np.ndarray, predicted: np.ndarray) -> Measured | None:
    """A task's main measure on the rows with a label; None where it is not defined.

    Args:
        task: The fitted task.
        truth: The labels.
        predicted: The predictions for these rows.
    """
    present = labelled(truth)
    if present.sum() < 2:
        return None
    truth, predicted = truth[present], np.asarray(predicted)[present]
    value = task.measure.value(truth, predicted)
    draws = bootstrapped(task.measure, truth, predicted)
    if not np.isfinite(value) or not np.isfinite(draws).any():
        return None
    low, high = np.nanquantile(draws, (0.025, 0.975))
    return Measured(value, (float(low), float(high)), float(np.nanstd(draws)), int(present.sum()))


def bootstrapped(
    measure: Measure, truth: np.ndarray, predicted: np.ndarray, seed: int = 0
) -> np.ndarray:
    """The measure on 200 bootstrap samples of the rows; NaN where it is not defined.

    Args:
        measure: The measure.
        truth: The labels, none missing.
        predicted: The predictions for these rows.
        seed: Integer seed of the draws. Default 0.

    Example:

    >>> mean = Measure.mean("mean", lambda truth, predicted: predicted)
    >>> values = bootstrapped(mean, np.zeros(100), np.arange(100.0))
    >>> bool(2 < values.std() < 4)  # 2.9
    True
    """
    random, count = np.random.default_rng(seed), len(truth)
    at_once = max(1, min(DRAWS, NUMBERS // count))
    values: list[np.ndarray] = []
    while sum(map(len, values)) < DRAWS:
        weights = random.multinomial(count, np.full(count, 1 / count), size=at_once)
        with np.errstate(all="ignore"):
            values.append(np.asarray(measure.weighted(truth, predicted, weights), float))
    return np.concatenate(values)[:DRAWS]
