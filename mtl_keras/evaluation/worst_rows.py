"""The rows with the worst predictions."""

import numpy as np
import pandas as pd

from mtl_keras.evaluation.predicted import Predicted


def worst_rows(tested: Predicted, names: np.ndarray, most: int = 10) -> pd.DataFrame:
    """Return the rows with the largest losses.

    Args:
        tested: Labels and predictions, no label missing (or not all, if there are several per row).
        names: A name for each row.
        most: Maximum number of rows. Default 10.

    Returns:
        A table with the worst row first: `name`, `actual` and `predicted` in words, and `loss`.
        Rows with a loss of 0 are left out. Empty for tasks without a `Task.row_loss`.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> truth, predicted = np.array([1.0, 9.0, 3.0]), np.array([1.0, 2.0, 4.0])
    >>> worst_rows(Predicted(Regression("spend"), truth, predicted), np.array(["a", "b", "c"]))
      name actual predicted  loss
    0    b      9         2   7.0
    1    c      3         4   1.0
    """
    columns = ["name", "actual", "predicted", "loss"]
    loss = tested.task.row_loss
    if loss is None or loss.per_row is None:
        return pd.DataFrame(columns=columns)
    losses = np.asarray(loss.per_row(tested.truth, tested.predicted), float)
    order = np.argsort(-losses, kind="stable")[:most]
    order = order[losses[order] > 0]
    words = tested.task.in_words(tested.truth[order], tested.predicted[order])
    rows = [(names[row], *both, losses[row]) for row, both in zip(order, words)]
    return pd.DataFrame(rows, columns=columns)
