"""The objective of a search: validation losses relative to those of a constant."""

import importlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mtl_keras.errors import check_installed
from mtl_keras.plans import Plan
from mtl_keras.runs.networks import short
from mtl_keras.runs.prepared import Prepared
from mtl_keras.tuning.space import Space, changed


@dataclass(frozen=True)
class Objective:
    """The objective of a search: trains the plan of a trial, and returns its losses.

    Attributes:
        plan: The plan whose settings are searched.
        rows: Its rows.
        space: The search space.
        constants: The validation loss of the best constant, by task.
        front: Tasks whose losses are minimised separately. If empty, the mean of all is minimised.
    """

    plan: Plan
    rows: Prepared
    space: Space
    constants: Mapping[str, float]
    front: Sequence[str] = ()

    def __call__(self, trial: Any) -> Any:
        """Train the plan of a trial, and return the losses to minimise."""
        optuna = optuna_module()
        values = {name: options.suggested(trial, name) for name, options in self.space.items()}
        started, lowest = time.perf_counter(), Lowest(self.constants)
        if not self.front:
            lowest.watch = trial
        history = short(changed(self.plan, values), callbacks=[lowest], rows=self.rows)
        trial.set_user_attr("settings", values)
        trial.set_user_attr("losses", lowest.losses)
        trial.set_user_attr("epochs", len(history))
        trial.set_user_attr("seconds", time.perf_counter() - started)
        if lowest.pruned:
            raise optuna.TrialPruned
        return [lowest.losses[task] for task in self.front] if self.front else lowest.score


class Lowest(keras.callbacks.Callback):
    """The lowest validation loss of each task, relative to a constant's, reported to a trial.

    Args:
        constants: The validation loss of the best constant, by task.
    """

    def __init__(self, constants: Mapping[str, float]) -> None:
        super().__init__()
        self.constants = constants
        self.losses = dict.fromkeys(constants, float("inf"))
        self.watch: Any = None
        self.pruned = False

    @property
    def score(self) -> float:
        """Return the mean over the tasks."""
        return float(np.mean(list(self.losses.values())))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for task, constant in self.constants.items():
            loss = (logs or {}).get(f"val_{task}_loss", np.nan)
            relative = (loss - constant) / max(abs(constant), 1e-9)
            self.losses[task] = float(np.fmin(self.losses[task], relative))
        if self.watch is not None and np.isfinite(self.score):
            self.watch.report(self.score, epoch)
            if self.watch.should_prune():
                self.pruned = self.model.stop_training = True


def optuna_module() -> Any:
    """Return the package Optuna; a ConfigError says how to install it if it is missing."""
    check_installed("A search for settings", "tune", "optuna")
    return importlib.import_module("optuna")
