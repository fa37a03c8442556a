"""The bin edges of a piecewise-linear embedding, by quantiles or by trees."""

import itertools
from collections.abc import Sequence

import numpy as np
from sklearn.tree import DecisionTreeRegressor

ROWS = 64  # fewest rows of a bin that trees place


def quantile_edges(values: np.ndarray, bins: int) -> list[np.ndarray]:
    """Edges of up to `bins` bins per column, each bin with about the same number of rows.

    Args:
        values: `(rows, columns)`.
        bins: Most bins of a column.

    Example:

    >>> quantile_edges(np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]), bins=2)
    [array([0., 1., 2.]), array([1.])]
    """
    table = np.quantile(values, np.linspace(0, 1, bins + 1), axis=0)
    return [np.unique(table[:, column]) for column in range(values.shape[1])]


def tree_edges(values: np.ndarray, labels: Sequence[np.ndarray], bins: int) -> list[np.ndarray]:
    """The split points of small trees that predict each task from each column alone.

    Each task has its own tree per column, grown on the rows that have a label of it, since a tree
    knows no missing labels. Of the splits of all tasks, those that explain the largest shares of
    their tasks' variance become edges, as long as at least 64 rows lie between them.

    Args:
        values: `(rows, columns)`.
        labels: The labels of each task, `(rows,)` or `(rows, n)`, NaN where missing. Classes
            without an order are one column each, 1 where a row is of the class.
        bins: Most bins of a column.

    References:
        Gorishniy, Rubachev, Babenko, 2022, section 3.2.2: at least 64 rows per leaf, a minimum
        impurity decrease of 1e-4.

    Example:

    >>> x = np.linspace(0, 1, 400)[:, None]
    >>> tree_edges(x, [(x > 0.5) * 1.0], bins=8)[0].round(2)
    array([0. , 0.5, 1. ])
    """
    targets = []
    for target in itertools.chain.from_iterable(map(_predicted_together, labels)):
        present = ~np.isnan(target).any(axis=1)
        scale = np.sqrt(target[present].var(axis=0).mean()) if present.any() else 0.0
        if scale > 0:
            targets.append((present, target[present] / scale))
    found = []
    for column in values.T:
        splits = [split for rows, y in targets for split in _splits(column[rows], y, bins)]
        inner = _apart([threshold for _, threshold in sorted(splits, reverse=True)], column)
        found.append(np.unique([column.min(), *inner[: bins - 1], column.max()]))
    return found


def _predicted_together(labels: np.ndarray) -> list[np.ndarray]:
    """The columns that one tree predicts: all of a task's, unless their gaps differ."""
    labels = labels.reshape(len(labels), -1)
    missing = np.isnan(labels)
    if (missing.any(axis=1) == missing.all(axis=1)).all():
        return [labels]
    return [column[:, None] for column in labels.T]


def _splits(column: np.ndarray, labels: np.ndarray, bins: int) -> list[tuple[float, float]]:
    """The splits of one task's tree: how much each lowers the mean squared error, and where."""
    tree = (
        DecisionTreeRegressor(
            max_leaf_nodes=max(2, bins),
            min_samples_leaf=ROWS,
            min_impurity_decrease=1e-4,
            random_state=0,
        )
        .fit(column[:, None], labels)
        .tree_
    )
    left, right = tree.children_left, tree.children_right
    error = tree.impurity * tree.weighted_n_node_samples / len(column)
    return [
        (error[node] - error[left[node]] - error[right[node]], tree.threshold[node])
        for node in np.flatnonzero(left >= 0)
    ]


def _apart(thresholds: Sequence[float], column: np.ndarray) -> list[float]:
    """The thresholds, best first, that have enough rows between them and all better ones."""
    ordered = np.sort(column)
    kept: list[float] = []
    ranks = np.array([0, len(ordered)])
    for threshold in thresholds:
        rank = np.searchsorted(ordered, threshold, side="right")
        if np.abs(ranks - rank).min() >= ROWS:
            kept.append(threshold)
            ranks = np.append(ranks, rank)
    return kept
