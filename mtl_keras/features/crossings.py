"""Chooses crossings: combinations of values that predict more than each feature alone."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from mtl_keras.features.crossing import factorized
from mtl_keras.features.unexplained import MIN_ROWS, Unexplained

LEVEL = 0.05  # level of a test, or of all tests together
SHARE = 0.01  # share of the squared error of the tasks' means: a point of R², in sum
MOST = 8  # crossings
COMBINED = 64  # number of features to combine with each other

Names = tuple[str, ...]


def choose(
    raw: Mapping[str, np.ndarray],
    encoded: Mapping[str, np.ndarray],
    category_sizes: Sequence[int],
    labels: Sequence[np.ndarray],
    training: int,
) -> list[Names]:
    """Choose crossings on training and validation rows: the features of each, best first.

    Every feature and every pair of features is a candidate. The residuals of a linear model are
    averaged over the training rows of each combination of values, and a candidate passes if these
    means explain enough of the validation rows: 1% of the squared error of the tasks' means, in sum
    over the tasks, and more than chance would. (What is much of a small rest gains next to nothing,
    while other tasks would learn rows by heart from the combinations.) For the latter, the
    reduction of the error, divided by its standard error, must exceed the normal quantile of 5%,
    divided by the number of candidates. Candidates that pass must do so again, at 5%, on the
    residuals of a random forest: the network finds by itself what trees find, and would overfit to
    it as a category. The best of the remaining candidates is chosen, and what it explains is
    subtracted before the next is chosen.

    This excludes what the features explain one by one, and combinations with too few rows. A
    feature takes part if the values of most of its rows occur in five training rows or more. If
    there are more than 64 features, the 64 that explain most alone are combined with each other. At
    most 8 crossings are chosen.

    Args:
        raw: The raw values of each feature that may be crossed: training rows, then validation
            rows.
        encoded: The encoded rows by group, of these features and others.
        category_sizes: Number of indices of each column of the group `"categorical"`.
        labels: For each task, the labels as numbers with meaningful differences (`Task.distances`),
            NaN where missing.
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
        """Return the gain of each candidate that explains enough, and more than chance would."""
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
    """Return whether the values of most rows occur in enough rows."""
    counts = np.bincount(codes)
    counts[0] = 0
    return 2 * counts[counts >= MIN_ROWS].sum() >= (codes > 0).sum() > 0


def _combined(codes: Sequence[np.ndarray]) -> np.ndarray:
    """Return a number from 0 for each row's combination of values."""
    number = codes[0].astype(np.int64)
    for each in codes[1:]:
        number = number * (each.max() + 1) + each
    return pd.factorize(number)[0]
