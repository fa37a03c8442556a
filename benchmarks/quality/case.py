"""A table with the rows of one seed's split, and the loss of predictions for them."""

import numpy as np
import pandas as pd

from mtl_keras import Split

from .table import NUMBER, ROWS
from .tables import TABLES


class Case:
    """A table, its targets and the rows of a seed's split.

    Args:
        name: The table.
        seed: Of the sample of a table with more rows than are used, and of the split.
        limit: At most this many rows. Default `ROWS`.
    """

    def __init__(self, name: str, seed: int, limit: int = ROWS) -> None:
        declared = TABLES[name]
        table, self.kinds = declared.load(), declared.targets
        if len(table) > limit:
            table = table.sample(limit, random_state=1000 + seed)
        self.table = table.reset_index(drop=True)
        self.name, self.seed = name, seed
        if declared.group is None:
            binary = next((t for t, kind in self.kinds.items() if kind == "binary"), None)
            self.split = Split(validation=0.2, test=0.2, stratify=binary)
        else:
            self.split = Split("group", validation=0.2, test=0.2, column=declared.group)
        self.parts = self.split.parts(self.table, seed)
        self.features = self.table.drop(columns=[*self.kinds, *self.split.columns()])

    def labels(self, target: str) -> tuple[np.ndarray, int]:
        """Labels as numbers, NaN where missing, and the number of classes (0: a quantity)."""
        column = self.table[target]
        if self.kinds[target] == NUMBER:
            return column.to_numpy(float), 0
        codes, classes = pd.factorize(column, sort=True)
        return np.where(codes < 0, np.nan, codes), len(classes)

    def present(self, target: str) -> dict[str, np.ndarray]:
        """The rows of each part that have a label."""
        y, _ = self.labels(target)
        return {part: rows[~np.isnan(y[rows])] for part, rows in self.parts.items()}


def constant(y: np.ndarray, classes: int, rows: int) -> np.ndarray:
    """The best constant prediction for the training labels, for a number of rows."""
    value = np.bincount(y.astype(int), minlength=classes) / len(y) if classes else y.mean()
    return np.broadcast_to(value, (rows, *np.shape(value)))


def loss(truth: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """The log loss of classes, the mean squared error of a quantity."""
    from sklearn.metrics import log_loss, mean_squared_error

    if not classes:
        return mean_squared_error(truth, predicted)
    predicted = np.clip(predicted, 1e-7, 1)
    return log_loss(truth, predicted / predicted.sum(1, keepdims=True), labels=range(classes))
