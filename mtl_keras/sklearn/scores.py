"""The scores of single tasks, and the order of classes, as scikit-learn has them."""

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from mtl_keras.tasks import Task
from mtl_keras.tasks.classes import ClassTask
from mtl_keras.tasks.stated import as_in_column, coded_labels


def ascending(task: ClassTask) -> np.ndarray:
    """Return the places of a task's classes in ascending order.

    scikit-learn's scores take the columns of probabilities to be in this order.

    Example:

    >>> from mtl_keras.tasks import Ordinal
    >>> ascending(Ordinal("size", classes=("S", "M", "L"))).tolist()
    [2, 1, 0]
    """
    return np.argsort(np.array(task.classes))


def score(task: Task, table: pd.DataFrame, answered: np.ndarray) -> float:
    """Return the accuracy of classes or the R² of quantities, over the rows with a label.

    Args:
        task: A fitted task.
        table: The labels as users write them. A class that training did not see counts as wrong.
        answered: The predictions.

    Example:

    >>> from mtl_keras.tasks import Binary
    >>> table = pd.DataFrame({"left": [1.0, 0.0, None, 1.0]})
    >>> score(Binary("left").fit(table), table, np.array([1, 0, 1, 0])).__round__(3)
    0.667
    """
    if not isinstance(task, ClassTask):
        truth = task.truth(table)
        present = ~np.isnan(truth)
        return float(r2_score(truth[present], answered[present]))
    codes, labels = coded_labels(table[task.columns[0]])
    classes = task.classes or ()
    labels = list(as_in_column(labels, classes))
    as_answered = dict(zip(classes, np.array(classes, answered.dtype)))
    expected = np.array([as_answered.get(label) for label in labels], object)
    return float(np.mean(expected[codes[codes >= 0]] == answered[codes >= 0]))
