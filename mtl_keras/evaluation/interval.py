"""The uncertainty of a measure that comes from the rows it was measured on."""

import numpy as np

from mtl_keras.tasks.measures import Measure

DRAWS = 200
NUMBERS = 5_000_000  # held at once


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
