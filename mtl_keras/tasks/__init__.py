"""Tasks: what to predict, one named output each."""

import sys
from typing import Any

from mtl_keras.declaring import declaration
from mtl_keras.tasks.base import Task
from mtl_keras.tasks.binary import Binary
from mtl_keras.tasks.count import Count
from mtl_keras.tasks.infer import TaskGuess, TaskGuesses, infer
from mtl_keras.tasks.multiclass import Multiclass
from mtl_keras.tasks.multilabel import Multilabel
from mtl_keras.tasks.ordinal import Ordinal
from mtl_keras.tasks.quantiles import Quantiles
from mtl_keras.tasks.regression import Regression
from mtl_keras.tasks.zero_inflated_log_normal import ZeroInflatedLogNormal

__all__ = [
    "Binary",
    "Count",
    "Multiclass",
    "Multilabel",
    "Ordinal",
    "Quantiles",
    "Regression",
    "Task",
    "TaskGuess",
    "TaskGuesses",
    "ZeroInflatedLogNormal",
    "get",
    "infer",
]


def get(declared: Any, name: str | None = None) -> Task:
    """Return a task from its kind, a `{"kind": ..., ...}` mapping, a guess or an object.

    Args:
        declared: The kind, mapping, `TaskGuess` or object.
        name: Name of the task, if `declared` does not contain it. Default None.

    Returns:
        The task.

    Raises:
        ConfigError: if there is no such kind, or it has no such argument.

    Example:

    >>> get("binary", "churned")
    Binary('churned')
    >>> get({"kind": "regression", "transform": "log1p"}, "spend").transform
    'log1p'
    """
    if isinstance(declared, TaskGuess):
        declared, name = declared.kind, name or declared.column
    task = declaration.from_config(declared, name, sys.modules[__name__], Task, "task kind")
    assert isinstance(task, Task)
    return task
