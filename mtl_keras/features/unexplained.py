"""What a linear model of the encoded features leaves of each task, and what else explains it."""

import copy
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

KNOTS = 16  # of a number's line
STRENGTHS = (1.0, 10.0, 100.0)
COMPONENTS = 8  # of a task with more columns
FEWEST = 200  # validation rows with a label, for a task to take part
PRIOR = 10  # rows of 0 that the mean of a value's rows is taken with
MIN_ROWS = 5  # of a value, and of a leaf
TREES, TREE_ROWS = 40, 10_000

Array = np.ndarray


class Unexplained:
    """The labels of each task without what a linear model explains of them.

    Numbers are lines with 16 bends to it, categories one-hot; how strongly it is regularised is
    chosen on the validation rows, for each task.

    Args:
        encoded: The encoded rows by group, training rows first.
        category_sizes: Number of indices of each column of the group `"categorical"`.
        labels: For each task their labels, `(rows,)` or `(rows, n)`, NaN where missing.
        training: Number of training rows; the rest are validation rows.
    """

    def __init__(
        self,
        encoded: Mapping[str, Array],
        category_sizes: Sequence[int],
        labels: Sequence[Array],
        training: int,
    ) -> None:
        self.training, self._encoded = training, encoded
        design = _design(encoded, category_sizes, training)
        left, present = [], []
        for each in labels:
            y = _standardised(each.reshape(len(each), -1).astype("float32"), training)
            known = ~np.isnan(y).all(axis=1)
            if known[:training].any() and known[training:].sum() >= FEWEST:
                left.append(_residuals(design, np.nan_to_num(y), known, training))
                present.append(known)
        self.tasks = len(left)
        self._task = np.repeat(np.arange(self.tasks), [y.shape[1] for y in left])
        if left:
            self._left = np.hstack(left)  # 0 where there is no label
            self._present = np.stack(present, axis=1).astype("float32")

    def gains(self, values: Array) -> tuple[Array, Array]:
        """What the mean of each value's training rows explains of the validation rows.

        Args:
            values: A number from 0 per row, the same for the same value.

        Returns:
            For each task the share of the squared error that is left, and the share over its
            standard error; behind those of the tasks, the sum of their shares and its.
        """
        before = self._left[self.training :]
        after = before - self._explained(values)[self.training :]
        error = self._by_task(before**2).sum(axis=0)
        saved = self._by_task(before**2 - after**2) / np.maximum(error, 1e-12)
        saved = np.hstack([saved, saved.sum(axis=1, keepdims=True)])
        total, square = saved.sum(axis=0), (saved**2).sum(axis=0)
        judged = self._present[self.training :]
        rows = np.append(judged.sum(axis=0), judged.any(axis=1).sum())
        return total, total / np.sqrt(np.maximum(square - total**2 / rows, 1e-12))

    def explain(self, values: Array, tasks: Array) -> None:
        """Take out what the means of the values explain of some tasks.

        Of the training rows the whole means, so that nothing is left to what tells the same.
        """
        whole, drawn = self._explained(values, prior=0), self._explained(values)
        training = np.arange(len(values))[:, None] < self.training
        self._left = self._left - np.where(tasks[self._task], np.where(training, whole, drawn), 0)

    def without_trees(self) -> Self:
        """A copy without what a random forest explains as well, which finds what acts together.

        Of a training row, that is what those of its trees say that were grown without the row.
        """
        groups = [group for group in ("numeric", "plain", "categorical") if group in self._encoded]
        x = np.hstack([self._encoded[group].astype("float32") for group in groups])
        left = self._left.copy()
        for task in range(self.tasks):
            known, columns = self._present[:, task] > 0, self._task == task
            fitted = known & (np.arange(len(known)) < self.training)
            y = left[np.ix_(fitted, columns)].squeeze()
            forest = RandomForestRegressor(
                TREES,
                min_samples_leaf=MIN_ROWS,
                max_features=1 / 3,
                max_samples=min(1.0, TREE_ROWS / len(y)),
                oob_score=True,
                random_state=0,
            ).fit(x[fitted], y)
            said = np.zeros((len(known), columns.sum()), "float32")
            said[known] = forest.predict(x[known]).reshape(-1, said.shape[1])
            said[fitted] = forest.oob_prediction_.reshape(-1, said.shape[1])
            left[:, columns] -= said
        found = copy.copy(self)
        found._left = left
        return found

    def _explained(self, values: Array, prior: int = PRIOR) -> Array:
        """The mean of each row's value, 0 where there is no label."""
        return self._means(values, prior)[values] * self._present[:, self._task]

    def _means(self, values: Array, prior: int) -> Array:
        rows = values[: self.training]
        which = _one_hot(rows, int(values.max()) + 1).T
        count = which @ self._present[: self.training]
        mean = (which @ self._left[: self.training]) / np.maximum(count + prior, 1)[:, self._task]
        return np.where(np.bincount(rows, minlength=len(mean))[:, None] >= MIN_ROWS, mean, 0)

    def _by_task(self, columns: Array) -> Array:
        return columns @ (self._task[:, None] == np.arange(self.tasks))


def _standardised(y: Array, training: int) -> Array:
    """Centred, with a mean variance of 1, in at most a few columns that tell the most."""
    some = y[:training]
    if not np.isfinite(some).any():
        return np.full_like(y, np.nan)
    missing = np.isnan(y)
    y = y - np.nan_to_num(np.nanmean(np.where(np.isnan(some).all(axis=0), 0, some), axis=0))
    if y.shape[1] > COMPONENTS:
        _, _, axes = np.linalg.svd(np.nan_to_num(y[:training]), full_matrices=False)
        y = np.nan_to_num(y) @ axes[:COMPONENTS].T
        missing = np.broadcast_to(missing.all(axis=1, keepdims=True), y.shape)
    scale = np.sqrt(np.nanmean(np.where(missing, np.nan, y)[:training] ** 2)) or 1.0
    return np.where(missing, np.nan, y / scale)


def _residuals(design: sparse.csr_matrix, y: Array, known: Array, training: int) -> Array:
    """The labels less the linear model's answers, 0 where there is no label."""
    fitted, judged = known.copy(), known.copy()
    fitted[training:], judged[:training] = False, False
    best, least = y, np.inf
    for strength in STRENGTHS:
        model = Ridge(strength, solver="lsqr", tol=1e-3).fit(design[fitted], y[fitted])
        left = y - model.predict(design).reshape(y.shape)
        error = (left[judged] ** 2).sum()
        if error < least:
            best, least = left, error
    return np.where(known[:, None], best, 0).astype("float32")


def _design(
    encoded: Mapping[str, Array], category_sizes: Sequence[int], training: int
) -> sparse.csr_matrix:
    """The columns that the linear model reads."""
    parts = [_bent(column, training) for column in encoded.get("numeric", np.empty((0, 0))).T]
    if "plain" in encoded:
        parts.append(sparse.csr_matrix(encoded["plain"]))
    if "categorical" in encoded:
        columns = zip(encoded["categorical"].T, category_sizes)
        parts += [_one_hot(column, size) for column, size in columns]
    rows = len(next(iter(encoded.values())))
    return sparse.hstack([*parts, np.ones((rows, 1), "float32")], format="csr")


def _bent(column: Array, training: int) -> sparse.csr_matrix:
    """A number as weights of the two knots around it, quantiles of the training rows."""
    knots = np.unique(np.quantile(column[:training], np.linspace(0, 1, KNOTS + 1)))
    if len(knots) == 1:
        return sparse.csr_matrix((len(column), 1), dtype="float32")
    above = np.clip(np.searchsorted(knots, column, side="right"), 1, len(knots) - 1)
    part = np.clip((column - knots[above - 1]) / (knots[above] - knots[above - 1]), 0, 1)
    rows = np.arange(len(column))
    weights = np.concatenate([1 - part, part]).astype("float32")
    places = (np.concatenate([rows, rows]), np.concatenate([above - 1, above]))
    return sparse.csr_matrix((weights, places), shape=(len(column), len(knots)))


def _one_hot(indices: Array, size: int) -> sparse.csr_matrix:
    rows = np.arange(len(indices))
    ones = np.ones(len(indices), "float32")
    return sparse.csr_matrix((ones, (rows, indices)), shape=(len(indices), size))
