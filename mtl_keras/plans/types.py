"""The types of a plan's values, which may come from a file or a notebook."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets import Split
from mtl_keras.errors import ConfigError, shown
from mtl_keras.tasks import Task, TaskGuess
from mtl_keras.training import Training


def check(plan: Any) -> None:
    """Raise a ConfigError for a value of the wrong type."""

    def refuse(name: str, expected: str) -> None:
        value = getattr(plan, name)
        raise ConfigError(
            f"`{name}` must be {expected}. Received: {shown(value)} ({type(value).__name__})."
        )

    one = isinstance(plan.tasks, (str, bytes, Task)) or not isinstance(plan.tasks, Iterable)
    if one or not (
        isinstance(plan.tasks, Mapping)
        or all(isinstance(task, (Task, TaskGuess)) for task in plan.tasks)
    ):
        example = "{'churned': 'binary'}"
        refuse("tasks", f"a mapping from column to kind, such as {example}, or a list of tasks")
    if not isinstance(plan.features, (str, Mapping, list, tuple)):
        refuse("features", "'infer', a list or a mapping")
    for name in ("preset", "name"):
        if not isinstance(getattr(plan, name), str):
            refuse(name, "a text")
    whole = isinstance(plan.seed, (int, np.integer)) and not isinstance(plan.seed, bool)
    if not whole or not 0 <= plan.seed < 2**32:
        refuse("seed", "a whole number from 0 to 4294967295")
    whole = isinstance(plan.worst_rows, int) and not isinstance(plan.worst_rows, bool)
    if not whole or not 0 <= plan.worst_rows <= 10:
        refuse("worst_rows", "a whole number from 0 to 10")
    if not isinstance(plan.split, Split):
        refuse("split", "a `Split` or a mapping with its arguments")
    if not isinstance(plan.training, (Training, Mapping)):
        refuse("training", "a `Training` or a mapping with its arguments")
    paths = plan.data if isinstance(plan.data, (list, tuple)) else [plan.data]
    if not all(isinstance(path, (str, Path, pd.DataFrame, type(None))) for path in paths):
        refuse("data", "a path, a list of paths or a pandas.DataFrame")
    if plan.streaming not in (True, False, None):
        refuse("streaming", "true, false or left out")
    if not isinstance(plan.sample_weight, (str, Mapping, type(None))):
        refuse("sample_weight", "a column, or a mapping from task to column")
    if not isinstance(plan.search, (Mapping, type(None))):
        refuse("search", "a mapping from settings to the values to try")
    if not isinstance(plan.intended_use, (str, type(None))):
        refuse("intended_use", "a text")
    if not isinstance(plan.slices, (str, type(None))):
        refuse("slices", "a column")
