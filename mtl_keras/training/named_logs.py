"""Logs under the task's name where there is only one task, and only where there are labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from mtl_keras.errors import ConfigError


def check_logs(tasks: Sequence[str]) -> None:
    """Raise a ConfigError if losses of two tasks, or of training and validation, share a name.

    Example:

    >>> check_logs(["spend", "orders"])
    """
    losses = {"val_loss", *(f"val_{task}_loss" for task in tasks)}
    for task in tasks:
        if f"{task}_loss" in losses:
            raise ConfigError(
                f"Task {task!r} would log its losses under the same name as validation losses, "
                f"{task}_loss. Give it another `name`, and set its `column`."
            )


class NamedLogs(keras.callbacks.Callback):
    """Logs `<task>_loss` and `<task>_<metric>` for a single task, too, as for several.

    Keras, and therefore `MultiTaskModel`, leaves the name out of the logs of a single output, but
    the code that reads the history of an experiment needs it. Metrics of a task that has no label
    in a part are NaN there, as its loss is; Keras has 0. The callback must be the first of all.

    Args:
        tasks: Names of the tasks.
        metrics: Names that the model logs metrics under, with the task of each.
    """

    def __init__(self, tasks: Sequence[str], metrics: Mapping[str, str]) -> None:
        super().__init__()
        self.names, self.task_of = {name: name for name in metrics}, dict(metrics)
        if len(tasks) == 1:
            self.names = {name: f"{tasks[0]}_{name}" for name in ["loss", *metrics]}

    @property
    def metrics(self) -> list[str]:
        """The names of the metrics after this callback."""
        return [new for old, new in self.names.items() if old != "loss"]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for name, task in self.task_of.items():
            for part in ("", "val_"):
                if np.isnan(logs.get(f"{part}{task}_loss", 0.0)) and part + name in logs:
                    logs[part + name] = float("nan")
        for old, new in self.names.items():
            for part in ("", "val_"):
                if part + old in logs:
                    logs[part + new] = logs[part + old] if old == "loss" else logs.pop(part + old)
