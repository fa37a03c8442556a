"""What a linear model, and then a random forest, leave unexplained in the tasks' labels."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

INTERVALS = 16  # knots of a number's piecewise-linear function
PENALTIES = (1.0, 10.0, 100.0)
COLUMNS = 8  # columns of a task's labels
MIN_LABELS = 200  # validation rows with a label that a task needs to take part
MIN_ROWS = 5  # training rows that a value, and a leaf, need
PRIOR = 10  # pseudo-rows with mean 0 in the mean of a value
TREES, TREE_ROWS = 20, 5_000

Array = np.ndarray


class Unexplained:
    """The labels of all tasks, minus what simple models of the features explain.

    At first this is a ridge regression for each task, on a piecewise-linear function of each number
    and an indicator for each category, with a penalty that is chosen on the validation rows. The
    residuals are scaled so that the squared error of each task is 1 on these rows.

    A task takes part if 200 validation rows have a label. If its labels have more than eight
    columns, the eight that vary most are read.

    Args:
        encoded: The encoded rows by group, `"numeric"`, `"plain"`, `"categorical"`: training rows,
            then validation rows.
        category_sizes: Number of indices of each column of the group `"categorical"`.
        labels: For each task, `(rows,)` or `(rows, n)`, NaN where missing.
        training: Number of training rows.
    """

    def __init__(
        self,
        encoded: Mapping[str, Array],
        category_sizes: Sequence[int],
        labels: Sequence[Array],
        training: int,
    ) -> None:
        self.training, self._encoded = training, np.hstack(list(encoded.values()))
        design = _design(encoded, category_sizes, training)
        self._tasks = [
            (_residuals(design, y, known, training), known)
            for y, known in map(_labels, labels)
            if known[:training].any() and known[training:].sum() >= MIN_LABELS
        ]

    def __bool__(self) -> bool:
        """Return whether any task takes part."""
        return bool(self._tasks)

    def gain(self, values: Array) -> tuple[float, float]:
        """Return how much the training rows' mean for each value explains of the validation rows.

        Args:
            values: A number from 0 per row, the same for the same value.

        Returns:
            The share of the squared error of each task's mean, summed over the tasks, and this
            divided by its standard error.
        """
        saved = np.zeros(len(values) - self.training)
        for (left, _), mean in zip(self._tasks, self._means(values, PRIOR)):
            before = left[self.training :]
            saved += (before**2 - (before - mean[self.training :]) ** 2).sum(axis=1)
        return saved.sum(), saved.sum() / max(np.sqrt((saved**2).sum()), 1e-12)

    def subtract(self, values: Array) -> None:
        """Subtract what the means of the values explain.

        In the training rows, the whole means are subtracted, so that nothing is left for candidates
        that explain the same.
        """
        whole = self._means(values, 0)
        for (left, _), mean, shrunk in zip(self._tasks, whole, self._means(values, PRIOR)):
            left[: self.training] -= mean[: self.training]
            left[self.training :] -= shrunk[self.training :]

    def without_forest(self) -> Self:
        """Return a copy without what a random forest explains, which finds interactions.

        For a training row, only those trees are used that were grown without it.
        """
        rest = copy.copy(self)
        rest._tasks = [(left.copy(), known) for left, known in self._tasks]
        for left, known in rest._tasks:
            fitted, judged = known.copy(), known.copy()
            fitted[self.training :], judged[: self.training] = False, False
            forest = RandomForestRegressor(
                TREES,
                min_samples_leaf=MIN_ROWS,
                max_features=1 / 3,
                max_samples=min(0.5, TREE_ROWS / fitted.sum()),
                oob_score=True,
                random_state=0,
            ).fit(self._encoded[fitted], left[fitted].squeeze())
            left[fitted] -= forest.oob_prediction_.reshape(-1, left.shape[1])
            left[judged] -= forest.predict(self._encoded[judged]).reshape(-1, left.shape[1])
        return rest

    def _means(self, values: Array, prior: int) -> Iterator[Array]:
        """Return, for each task, the mean of each row's value, 0 where there is no label."""
        rows, size = values[: self.training], int(values.max()) + 1
        for left, known in self._tasks:
            count = np.bincount(rows, known[: self.training], size)
            totals = [np.bincount(rows, column, size) for column in left[: self.training].T]
            mean = np.stack(totals, axis=1) / np.maximum(count + prior, 1)[:, None]
            mean[count < MIN_ROWS] = 0
            yield mean[values] * known[:, None]


def _labels(y: Array) -> tuple[Array, Array]:
    """Return the columns of a task's labels to read, and which rows have a label in each."""
    y = y.reshape(len(y), -1).astype("float32")
    known = ~np.isnan(y).any(axis=1)
    if y.shape[1] > COLUMNS and known.any():
        y = y[:, np.sort(np.argsort(-y[known].var(axis=0))[:COLUMNS])]
    return y, known


def _residuals(design: sparse.csr_matrix, y: Array, known: Array, training: int) -> Array:
    """Return the scaled residuals of the linear model, 0 where there is no label."""
    fitted, judged = known.copy(), known.copy()
    fitted[training:], judged[:training] = False, False
    y = np.where(known[:, None], y - y[fitted].mean(axis=0), 0)
    constant, best, least = (y[judged] ** 2).sum(), y, np.inf
    for penalty in PENALTIES:
        model = Ridge(penalty, solver="lsqr", tol=1e-3).fit(design[fitted], y[fitted])
        left = y - model.predict(design).reshape(y.shape)
        error = (left[judged] ** 2).sum()
        if error < least:
            best, least = left, error
    return np.where(known[:, None], best / np.sqrt(constant or 1.0), 0).astype("float32")


def _design(
    encoded: Mapping[str, Array], category_sizes: Sequence[int], training: int
) -> sparse.csr_matrix:
    """Return the columns that the linear model reads."""
    numbers = encoded.get("numeric", np.empty((0, 0))).T
    categories = encoded.get("categorical", np.empty((0, 0))).T
    parts = [_hats(column, training) for column in numbers]
    parts += [_indicators(column, size) for column, size in zip(categories, category_sizes)]
    if "plain" in encoded:
        parts.append(sparse.csr_matrix(encoded["plain"]))
    return sparse.hstack(parts, format="csr")


def _hats(column: Array, training: int) -> sparse.csr_matrix:
    """Return a number as weights of the two knots around it, quantiles of the training rows.

    A linear function of the weights is a piecewise-linear function of the number.
    """
    knots = np.unique(np.quantile(column[:training], np.linspace(0, 1, INTERVALS + 1)))
    knots = np.append(knots, knots[-1] + 1)  # so that there are two
    above = np.clip(np.searchsorted(knots, column, side="right"), 1, len(knots) - 1)
    part = np.clip((column - knots[above - 1]) / (knots[above] - knots[above - 1]), 0, 1)
    weights = np.concatenate([1 - part, part]).astype("float32")
    rows = np.arange(len(column))
    places = (np.concatenate([rows, rows]), np.concatenate([above - 1, above]))
    return sparse.csr_matrix((weights, places), shape=(len(column), len(knots)))


def _indicators(values: Array, size: int) -> sparse.csr_matrix:
    """Return a column of ones and zeros for each value in `range(size)`."""
    ones = np.ones(len(values), "float32")
    return sparse.csr_matrix((ones, (np.arange(len(values)), values)), shape=(len(values), size))
