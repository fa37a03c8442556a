"""Checkpoints, from which an interrupted training resumes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtl_keras.errors import ConfigError
from mtl_keras.training.best_epoch import BestEpoch


class Checkpoint(keras.callbacks.Callback):
    """Writes the whole state of a training to one file after each epoch, atomically.

    The state comprises every variable (weights, dropout seeds, optimizer with its step count,
    balancer), early stopping, and the history so far. As the order of batches depends only on the
    seed and the epoch's number, a resumed training takes the steps that it would have taken.

    Args:
        path: The file.
        fingerprint: What the training depends on, as text. A checkpoint with another fingerprint is
            rejected.
        best: The early stopping of the training.
    """

    def __init__(self, path: Path, fingerprint: str, best: BestEpoch) -> None:
        super().__init__()
        self.path, self.fingerprint, self.best = Path(path), fingerprint, best
        self.history: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.history.append({key: float(value) for key, value in (logs or {}).items()})
        state = {
            "fingerprint": self.fingerprint,
            "history": self.history,
            "best": self.best.state(),
        }
        arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(_variables(self.model))}
        arrays |= self.best.arrays()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez(file, state=np.array(json.dumps(state)), **arrays)
        unfinished.replace(self.path)

    def load(self, model: keras.Model) -> int:
        """Restore the model, the early stopping and the history; returns the next epoch's number.

        Raises:
            ConfigError: if the checkpoint belongs to another experiment or to other data.
        """
        if not self.path.exists():
            return 0
        with np.load(self.path) as saved:
            state = json.loads(str(saved["state"]))
            if state["fingerprint"] != self.fingerprint:
                raise ConfigError(
                    f"The training in {self.path.parent} was of another experiment or of other "
                    "data; it cannot be resumed. Start anew without --resume, or use another name."
                )
            for index, variable in enumerate(_variables(model)):
                variable.assign(saved[f"variable_{index}"])
            self.best.restore(state["best"], saved)
        self.history = state["history"]
        return len(self.history)


def _variables(model: Any) -> Sequence[keras.Variable]:
    return [*model.variables, *model.optimizer.variables, *model.balancer.variables]
