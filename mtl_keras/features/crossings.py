"""Chooses crossings: combinations of values that tell more than the features one by one."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from mtl_keras.features.crossing import factorized
from mtl_keras.features.unexplained import MIN_ROWS, Unexplained

LEVEL = 0.05  # of a test, or of all tests together
SHARE = 0.01  # of the squared error that a linear model leaves of a task
MOST = 8  # crossings
COMBINED = 64  # features that are combined with each other

Names = tuple[str, ...]


def choose(
    raw: Mapping[str, np.ndarray],
    encoded: Mapping[str, np.ndarray],
    category_sizes: Sequence[int],
    labels: Sequence[np.ndarray],
    training: int,
) -> list[Names]:
    """Choose crossings on training and validation rows: the features of each, the best first.

    Every feature alone and every two together are candidates. What a linear model leaves of the
    labels is averaged over the training rows of each combination of their values, and a candidate
    passes if these means explain enough of the validation rows: 1 % of the squared error of a task
    (or as much in sum over the tasks), and more than chance would. That is, the error they save,
    divided by its standard error, is beyond the normal quantile of 5 %, divided by the number of
    candidates. Those that pass must do so again, at 5 %, on what a random forest leaves: what trees
    find, the network finds by itself, and as a category it would rather learn the rows by heart.
    The best of the rest is taken, and what it explains is taken out before the next is chosen.

    So neither what the features tell one by one is taken, nor combinations with too few rows. A
    feature takes part if most of its rows have a value that five training rows have. Of more than
    64 features, those are combined with each other that explain most alone; at most 8 crossings
    are taken.

    Args:
        raw: The raw values of each feature that may be crossed: training rows first, validation
            rows behind them.
        encoded: The encoded rows by group, of these features and others.
        category_sizes: Number of indices of each column of the group `"categorical"`.
        labels: For each task the rows' labels as numbers whose differences mean something
            (`Task.distances`), NaN where missing.
        training: Number of training rows.

    Example:

    >>> random = np.random.default_rng(0)
    >>> month, day = random.integers(1, 13, 4000), random.integers(1, 29, 4000)
    >>> sales = random.normal(size=(13, 29))[month, day]
    >>> raw = {"month": month.astype(float), "day": day.astype(float)}
    >>> choose(raw, {"numeric": np.stack([month, day], axis=1)}, [], [sales], training=3000)
    [('month', 'day')]
    """
    codes = {name: factorized(values)[0] for name, values in raw.items()}
    repeated = [name for name in codes if _repeats(codes[name][:training])]
    if not repeated:
        return []
    left = Unexplained(encoded, category_sizes, labels, training)
    if not left:
        return []

    def together(names: Names) -> np.ndarray:
        return _combined([codes[name] for name in names])

    def passing(rest: Unexplained, candidates: Iterable[Names], level: float) -> dict[Names, float]:
        """How much each explains that explains enough, and more than chance would."""
        gains = {names: rest.gain(together(names)) for names in candidates}
        beyond = stats.norm.isf(level)
        return {
            names: share for names, (share, z) in gains.items() if share >= SHARE and z > beyond
        }

    alone = {name: left.gain(codes[name])[0] for name in repeated}
    strongest = sorted(alone, key=lambda name: -alone[name])[:COMBINED]
    pairs = itertools.combinations([name for name in repeated if name in strongest], 2)
    candidates: list[Names] = [*((name,) for name in repeated), *pairs]
    each = LEVEL / len(candidates)
    found = passing(left, candidates, each)
    if found:
        lasting = passing(left.without_forest(), found, LEVEL)
        found = {names: found[names] for names in lasting}
    chosen: list[Names] = []
    while found and len(chosen) < MOST:
        best = max(found, key=lambda names: found[names])
        chosen.append(best)
        left.subtract(together(best))
        found = passing(left, [names for names in found if names != best], each)
    return chosen


def _repeats(codes: np.ndarray) -> bool:
    """Whether most of the rows have a value that enough rows have."""
    counts = np.bincount(codes)
    counts[0] = 0
    return 2 * counts[counts >= MIN_ROWS].sum() >= (codes > 0).sum() > 0


def _combined(codes: Sequence[np.ndarray]) -> np.ndarray:
    """A number from 0 for each row, by the combination of its values."""
    number = codes[0].astype(np.int64)
    for each in codes[1:]:
        number = number * (each.max() + 1) + each
    return pd.factorize(number)[0]
