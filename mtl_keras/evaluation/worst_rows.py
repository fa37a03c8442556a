"""The rows with the worst predictions."""

import numpy as np
import pandas as pd

from mtl_keras.tasks import Task


def worst_rows(
    task: Task, truth: np.ndarray, predicted: np.ndarray, names: np.ndarray, most: int = 10
) -> pd.DataFrame:
    """Return the rows with the largest losses.

    Args:
        task: The fitted task.
        truth: The labels, none missing (or not all, if there are several per row).
        predicted: The predictions for these rows.
        names: A name for each row.
        most: Maximum number of rows. Default 10.

    Returns:
        A table with the worst row first: `name`, `actual` and `predicted` in words, and `loss`.
        Rows with a loss of 0 are left out. Empty for tasks without a `Task.row_loss`.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> truth, names = np.array([1.0, 9.0, 3.0]), np.array(["a", "b", "c"])
    >>> worst_rows(Regression("spend"), truth, np.array([1.0, 2.0, 4.0]), names)
      name actual predicted  loss
    0    b      9         2   7.0
    1    c      3         4   1.0
    """
    columns = ["name", "actual", "predicted", "loss"]
    if task.row_loss is None or task.row_loss.per_row is None:
        return pd.DataFrame(columns=columns)
    losses = np.asarray(task.row_loss.per_row(truth, predicted), float)
    order = np.argsort(-losses, kind="stable")[:most]
    order = order[losses[order] > 0]
    words = task.in_words(truth[order], predicted[order])
    rows = [(names[row], *both, losses[row]) for row, both in zip(order, words)]
    return pd.DataFrame(rows, columns=columns)
