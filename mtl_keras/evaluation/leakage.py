"""Features that alone predict a task's label, which is often too good to be true."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from mtl_keras.tasks import Task

SUSPICIOUS = 0.97  # share of the labels' variance
PROMISING = 0.2  # what the bins must explain for a tree to be tried
BINS, TREE_ROWS = 64, 5_000
ROWS = {"train": 20_000, "validation": 10_000}
MIN_ROWS = 50


def leaking_features(
    columns: Mapping[str, Mapping[str, Sequence[int]]],
    tasks: Sequence[Task],
    x: Mapping[str, Mapping[str, np.ndarray]],
    y: Mapping[str, Mapping[str, np.ndarray]],
) -> list[tuple[str, str, float]]:
    """Return features that alone explain nearly all of a task, on the validation rows.

    The label is predicted by the mean of the training rows in each bin of a number, or with each
    value of a category. If bins of a number explain something but not enough, a decision tree
    chooses them. A feature is returned if this explains nearly all of the variance of the
    validation labels. Labels are replaced by their ranks, so that a few large ones do not dominate.

    Args:
        columns: For each feature, the indices of its columns in each group of encoded columns.
        tasks: Fitted tasks.
        x: Encoded rows by group, of the parts `"train"` and `"validation"`.
        y: Encoded labels by task, of the same parts.

    Returns:
        Feature, task, and the share of the variance, if it is at least 97%.

    Example:

    >>> import pandas as pd
    >>> from mtl_keras.tasks import Regression
    >>> table = pd.DataFrame({"grade": np.arange(400.0)})
    >>> task = Regression("grade").fit(table)
    >>> parts = {"train": table[::2], "validation": table[1::2]}
    >>> x = {part: {"numeric": rows.to_numpy("float32")} for part, rows in parts.items()}
    >>> y = {part: {"grade": task.encode(rows)} for part, rows in parts.items()}
    >>> found = leaking_features({"sub_grade": {"numeric": [0]}}, [task], x, y)
    >>> [(feature, share > 0.97) for feature, _, share in found]
    [('sub_grade', True)]
    """
    found = []
    for task in tasks:
        labels, rows = {}, {}
        for part, most in ROWS.items():
            distances = np.asarray(task.distances(y[part][task.name]), float)
            distances = distances.reshape(len(distances), -1)
            rows[part] = np.flatnonzero(np.isfinite(distances).all(axis=1))[:most]
            labels[part] = distances[rows[part]]
        ordered = np.sort(labels["train"], axis=0)
        labels = {part: _ranks(ordered, values) for part, values in labels.items()}
        if min(map(len, rows.values())) < MIN_ROWS or not labels["validation"].var(axis=0).any():
            continue
        for feature, groups in columns.items():
            shares = [
                _explained(*(x[part][group][rows[part], column] for part in ROWS), **labels)
                for group, places in groups.items()
                if group in ("numeric", "plain", "categorical")
                for column in places
            ]
            best = max(shares, default=0.0)
            if best >= SUSPICIOUS:
                found.append((feature, task.name, best))
    return found


def _ranks(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the rank of each value among the ordered ones of its column; ties get the mean."""
    columns = list(zip(ordered.T, values.T))
    sides = [
        np.stack([np.searchsorted(among, column, side) for among, column in columns], axis=1)
        for side in ("left", "right")
    ]
    return (sides[0] + sides[1]) / (2 * max(1, len(ordered)))


def _explained(
    known: np.ndarray, new: np.ndarray, *, train: np.ndarray, validation: np.ndarray
) -> float:
    """Return the share of the variance of new labels that the means by value explain."""
    if known.dtype.kind != "f":
        return _share(validation, _means(known, new, train))
    bins = max(2, min(BINS, len(known) // 20))
    edges = np.unique(np.sort(known)[len(known) * np.arange(1, bins) // bins])
    binned = np.searchsorted(edges, known), np.searchsorted(edges, new)
    share = _share(validation, _means(*binned, train))
    if not PROMISING <= share < SUSPICIOUS:
        return share
    # A bin may contain the edge of a class, where a tree cuts. If it then explains all training
    # rows, a validation row is forgiven: one beyond the training row that is next to a cut.
    tree = DecisionTreeRegressor(max_leaf_nodes=BINS, min_samples_leaf=2)
    known, train = known[:TREE_ROWS, None], train[:TREE_ROWS]
    tree.fit(known, train)
    exact = _share(train, tree.predict(known).reshape(train.shape)) > 1 - 1e-9
    predicted = tree.predict(new[:, None]).reshape(validation.shape)
    return max(share, _share(validation, predicted, forgiven=int(exact)))


def _means(known: np.ndarray, new: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return, for new rows, the mean label of the known rows with the same whole number."""
    size = int(max(known.max(), new.max())) + 1
    counts = np.bincount(known, minlength=size)[:, None]
    sums = np.stack([np.bincount(known, column, minlength=size) for column in labels.T], axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), labels.mean(axis=0))[new]


def _share(labels: np.ndarray, predicted: np.ndarray, forgiven: int = 0) -> float:
    """Return the share of the labels' variance that predictions explain, but for the worst rows."""
    left = np.sort(((labels - predicted) ** 2).sum(axis=1))[: len(labels) - forgiven].sum()
    return float(1 - left / ((labels - labels.mean(axis=0)) ** 2).sum())
