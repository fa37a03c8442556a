"""The bin edges of a piecewise-linear embedding, by quantiles or by trees."""

import numpy as np
from sklearn.tree import DecisionTreeRegressor


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


def tree_edges(values: np.ndarray, labels: np.ndarray, bins: int) -> list[np.ndarray]:
    """The split points of a small regression tree per column that predicts all tasks at once.

    Args:
        values: `(rows, columns)`.
        labels: `(rows, n)`, NaN where missing.
        bins: Most bins of a column.

    References:
        Gorishniy, Rubachev, Babenko, 2022, section 3.2.2: at least 64 rows per leaf, a minimum
        impurity decrease of 1e-4.

    Example:

    >>> x = np.linspace(0, 1, 400)[:, None]
    >>> tree_edges(x, (x > 0.5) * 1.0, bins=8)[0].round(2)
    array([0. , 0.5, 1. ])
    """
    scale = np.nanstd(labels, axis=0)
    labels = (labels - np.nanmean(labels, axis=0)) / np.where(scale > 0, scale, 1.0)
    labels = np.nan_to_num(labels)
    found = []
    for column in values.T:
        tree = DecisionTreeRegressor(
            max_leaf_nodes=max(2, bins),
            min_samples_leaf=64,
            min_impurity_decrease=1e-4,
            random_state=0,
        ).fit(column[:, None], labels)
        splits = tree.tree_.threshold[tree.tree_.children_left >= 0]
        found.append(np.unique([column.min(), *splits, column.max()]))
    return found
