"""Chooses crossings: combinations of values that tell more than the features one by one."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from mtl_keras.features.base import Feature
from mtl_keras.features.crossing import coded_values
from mtl_keras.features.unexplained import MIN_ROWS, Unexplained

LEVEL = 0.05  # of all tests together
SHARE = 0.01  # of what is left of a task's squared error
MOST = 8  # crossings
COMBINED = 64  # features that are combined with each other
PARTS = ("train", "validation")

Parts = Mapping[str, Mapping[str, np.ndarray]]
Codes = Mapping[str, np.ndarray]


def choose(
    features: Sequence[Feature],
    raw: Parts,
    encoded: Parts,
    category_sizes: Sequence[int],
    labels: Mapping[str, Sequence[np.ndarray]],
) -> list[tuple[str, ...]]:
    """Choose crossings: the names of the features of each, the best first.

    A linear model of all features is fitted to each task. What it leaves is averaged over the
    training rows of each combination of values, together with ten rows of 0, and that is what the
    combination explains of a validation row. The combinations of each feature alone and of each two
    are tested. One is taken where it explains at least 1 % of the squared error that is
    left of some task, and more than chance would: the improvement, divided by its standard error,
    is beyond the normal quantile of 5 % divided by the number of tests. Then a random forest is
    grown on what the linear model leaves, and of what the forest leaves it has to explain 1 % and
    more than chance would (5 %), all tasks together, with what it costs some of them: so it is
    nothing that a network finds by itself while it learns the rows of a combination by heart. The
    best comes first, and the others are tested again on what it leaves.

    So neither what the features tell one by one is taken, nor combinations with too few rows. A
    number takes part if most of its rows have a value that five training rows have. Of more than 64
    features, those are combined with each other that explain most alone; at most 8 crossings are
    taken.

    Args:
        features: The fitted features that may be crossed.
        raw: For `"train"` and `"validation"`, their raw values by feature.
        encoded: For these, the encoded rows by group, of all features that have a group.
        category_sizes: Number of indices of each column of the group `"categorical"`.
        labels: For these, the labels of each task as numbers whose differences mean something
            (`Task.distances`), NaN where missing.
    """
    training = len(labels["train"][0])
    left = Unexplained(
        {
            group: np.concatenate([encoded[part][group] for part in PARTS])
            for group in encoded[PARTS[0]]
        },
        category_sizes,
        [np.concatenate(pair) for pair in zip(*(labels[part] for part in PARTS))],
        training,
    )
    codes = {}
    for feature in features:
        numbers, _ = coded_values(np.concatenate([raw[part][feature.name] for part in PARTS]))
        if _repeats(numbers[:training]):
            codes[feature.name] = numbers
    if not codes or not left.tasks:
        return []
    alone = sorted(codes, key=lambda name: -left.gains(codes[name])[0][:-1].max())[:COMBINED]
    sources = {feature.name: feature.source for feature in features}
    candidates: list[tuple[str, ...]] = [(name,) for name in codes]
    for pair in itertools.combinations([name for name in codes if name in alone], 2):
        if sources[pair[0]] != sources[pair[1]]:
            candidates.append(pair)
    beyond = stats.norm.isf(LEVEL / (len(candidates) * left.tasks))
    found = _passing(left, codes, candidates, beyond)
    if found:
        rest = left.without_trees()
        kept = [names for names in found if _worth_it(rest, _together(codes, names))]
        found = {names: found[names] for names in kept}
    chosen: list[tuple[str, ...]] = []
    while found and len(chosen) < MOST:
        best = max(found, key=lambda names: found[names][0])
        chosen.append(best)
        left.explain(_together(codes, best), found[best][1])
        found = _passing(left, codes, [names for names in found if names != best], beyond)
    return chosen


def _passing(
    left: Unexplained, codes: Codes, candidates: Iterable[tuple[str, ...]], beyond: float
) -> dict[tuple[str, ...], tuple[float, np.ndarray]]:
    """Those that explain enough of some task: how much, and of which."""
    found = {}
    for names in candidates:
        share, ratio = (each[:-1] for each in left.gains(_together(codes, names)))
        passed = (share >= SHARE) & (ratio > beyond)
        if passed.any():
            found[names] = (float(share[passed].sum()), passed)
    return found


def _worth_it(left: Unexplained, values: np.ndarray) -> bool:
    """Whether values explain enough of all tasks together, with what they cost some of them."""
    share, ratio = (each[-1] for each in left.gains(values))
    return bool(share >= SHARE and ratio > stats.norm.isf(LEVEL))


def _repeats(codes: np.ndarray) -> bool:
    """Whether most of the rows have a value that enough rows have."""
    counts = np.bincount(codes)
    counts[0] = 0
    return 2 * counts[counts >= MIN_ROWS].sum() >= (codes > 0).sum() > 0


def _together(codes: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """A number from 0 for each row, by the combination of its values."""
    number = codes[names[0]].astype(np.int64)
    for name in names[1:]:
        number = number * (codes[name].max() + 1) + codes[name]
    return pd.factorize(number)[0]
