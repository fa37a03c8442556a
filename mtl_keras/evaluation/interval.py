"""The uncertainty of measures that is due to the choice of rows."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from mtl_keras.tasks.groups import numbered
from mtl_keras.tasks.measures import Measure

DRAWS = 400
MOST_ROWS = 10_000  # rows to draw from
NUMBERS = 1_000_000  # number of weights in memory at once
TAIL = 0.025  # probability beyond each end of an interval


class Measured(NamedTuple):
    """A measure on some rows, and its uncertainty.

    Attributes:
        value: Its value; NaN if the rows do not determine it.
        interval: Its 95% interval; None if the rows do not determine it because there is a single
            row or group, or because the value is the same whatever rows are drawn.
        error: Its standard error; None without an interval.
        rows: Number of rows.
    """

    value: float
    interval: tuple[float, float] | None
    error: float | None
    rows: int


def measured(
    measures: Sequence[Measure],
    truth: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> list[Measured]:
    r"""Return measures of predictions, with bootstrap intervals.

    400 samples of the rows are drawn with replacement, the same for all measures; rows of one group
    are drawn together. The interval is the bias-corrected percentile interval (Efron 1987). For few
    rows, its tails are widened as a Student interval is wider than a normal one (Hesterberg 2015).
    If there are n > 10,000 rows, samples are drawn from m = 10,000 random ones, and their spread is
    scaled by $\sqrt{m / n}$, as is right for all measures here.

    Args:
        measures: The measures.
        truth: The labels, none missing (or not all, if there are several per row).
        predicted: The predictions for these rows.
        groups: The group of each row, `(rows,)`. Default None: each row is a group of its own.
        seed: Integer seed of the draws. Default 0.

    References:
        Efron: "Better Bootstrap Confidence Intervals", JASA 82, 1987. Hesterberg: "What Teachers
        Should Know About the Bootstrap", The American Statistician 69, 2015, section 4.3.

    Example:

    >>> mean = Measure.mean("mean", lambda truth, predicted: predicted)
    >>> (found,) = measured([mean], np.zeros(100), np.arange(100.0))
    >>> found.value, round(found.error), [round(end) for end in found.interval]
    (49.5, 3, [44, 55])
    """
    random, predicted = np.random.default_rng(seed), np.asarray(predicted)
    rows = len(truth)
    codes, units = (None, rows) if groups is None else numbered(groups)
    with np.errstate(all="ignore"):
        values = [measure.value(truth, predicted) for measure in measures]
        if units < 2 or not measures:
            return [Measured(value, None, None, rows) for value in values]
        centers, among = values, units
        if rows > MOST_ROWS:
            chosen, codes, among = _some(rows, codes, random)
            truth, predicted = truth[chosen], predicted[chosen]
            centers = [measure.value(truth, predicted) for measure in measures]
        if predicted.ndim == 1:  # so that a measure of ranks need not sort each sample
            order = np.argsort(predicted, kind="stable")
            truth, predicted = truth[order], predicted[order]
            codes = None if codes is None else codes[order]
        blocks = [
            [measure.weighted(truth, predicted, weights) for measure in measures]
            for weights in resampled(len(truth), DRAWS, random, codes)
        ]
    scale = (among / units) ** 0.5
    drawn = np.concatenate(blocks, axis=1)
    return [
        Measured(value, *_spread(value, scale * (each - center), units), rows)
        for value, center, each in zip(values, centers, drawn)
    ]


def resampled(
    rows: int, draws: int, random: np.random.Generator, codes: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Yield bootstrap samples, several at once.

    Args:
        rows: Number of rows.
        draws: Number of samples.
        random: Random generator.
        codes: The number of each row's group, from 0. Default None: no groups.

    Yields:
        How often each row was drawn, float64 `(samples, rows)`.

    Example:

    >>> (weights,) = resampled(5, 3, np.random.default_rng(0))
    >>> weights.shape, weights.sum(axis=1)
    ((3, 5), array([5., 5., 5.]))
    """
    units = rows if codes is None else int(codes.max()) + 1
    at_once = max(1, NUMBERS // rows)
    for start in range(0, draws, at_once):
        samples = min(at_once, draws - start)
        places = random.integers(0, units, (samples, units)) + units * np.arange(samples)[:, None]
        counts = np.bincount(places.reshape(-1), minlength=samples * units).reshape(samples, units)
        yield (counts if codes is None else counts[:, codes]).astype(float)


def _some(
    rows: int, codes: np.ndarray | None, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Return about 10,000 rows in whole groups, their groups' codes, and the number of groups."""
    if codes is None:
        return np.sort(random.choice(rows, MOST_ROWS, replace=False)), None, MOST_ROWS
    sizes = np.bincount(codes)
    order = random.permutation(len(sizes))
    count = max(2, int(np.searchsorted(np.cumsum(sizes[order]), MOST_ROWS)))
    places = np.full(len(sizes), -1)
    places[order[:count]] = np.arange(count)
    chosen = np.flatnonzero(places[codes] >= 0)
    return chosen, places[codes[chosen]], count


def _spread(
    value: float, deviations: np.ndarray, units: int
) -> tuple[tuple[float, float] | None, float | None]:
    """Return the interval and the standard error of a value from its samples' deviations."""
    deviations = deviations[np.isfinite(deviations)]
    if not np.isfinite(value) or len(deviations) < DRAWS / 2 or not np.ptp(deviations):
        return None, None
    below = (np.sum(deviations < 0) + np.sum(deviations == 0) / 2) / len(deviations)
    bias = stats.norm.ppf(np.clip(below, TAIL, 1 - TAIL))
    reach = stats.t.ppf(1 - TAIL, units - 1) * np.sqrt(units / (units - 1))
    low, high = np.quantile(deviations, stats.norm.cdf([2 * bias - reach, 2 * bias + reach]))
    return (float(value + low), float(value + high)), float(deviations.std())
