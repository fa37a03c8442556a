"""The types of a plan's values, which may come from a file or a notebook."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets import Split
from mtl_keras.errors import ConfigError, shown
from mtl_keras.tasks import Task, TaskGuess
from mtl_keras.training import Training

KINDS: dict[str, tuple[Any, str]] = {
    "features": ((str, Mapping, list, tuple), "'infer', a list or a mapping"),
    "preset": (str, "a text"),
    "name": (str, "a text"),
    "split": (Split, "a `Split` or a mapping with its arguments, such as {'test': 0.2}"),
    "training": ((Training, Mapping), "a `Training` or a mapping with its arguments"),
    "sample_weight": ((str, Mapping, NoneType), "a column, or a mapping from task to column"),
    "search": ((Mapping, NoneType), "a mapping from settings to the values to try"),
    "intended_use": ((str, NoneType), "a text"),
    "slices": ((str, NoneType), "a column"),
}
"""The types of values, and how a message says what was expected."""


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
    for name, (kinds, expected) in KINDS.items():
        if not isinstance(getattr(plan, name), kinds):
            refuse(name, expected)
    for name, most in (("seed", 2**32 - 1), ("worst_rows", 10)):
        value = getattr(plan, name)
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or not 0 <= value <= most:
            refuse(name, f"a whole number from 0 to {most}")
    paths = plan.data if isinstance(plan.data, (list, tuple)) else [plan.data]
    if not all(isinstance(path, (str, Path, pd.DataFrame, type(None))) for path in paths):
        refuse("data", "a path, a list of paths or a pandas.DataFrame")
    if plan.streaming not in (True, False, None):
        refuse("streaming", "true, false or left out")
