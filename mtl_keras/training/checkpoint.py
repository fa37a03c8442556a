"""Checkpoints, from which an interrupted training resumes."""

import contextlib
import json
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtl_keras.errors import ArtifactError, ConfigError
from mtl_keras.training.best_epoch import BestEpoch

DAMAGED = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)
"""The errors of reading a file that was cut off or written by something else."""


class Checkpoint(keras.callbacks.Callback):
    """Writes the whole state of a training to one file after each epoch, atomically.

    The state comprises every variable (weights, dropout seeds, optimizer with its step count,
    balancer), early stopping, and the history so far. As the order of batches depends only on the
    seed and the epoch's number, a resumed training takes the steps that it would have taken. If the
    file cannot be written, the user is warned once, and the training goes on.

    Args:
        path: The file.
        fingerprint: What the training depends on, as text. A checkpoint with another fingerprint is
            rejected.
        best: The early stopping of the training.
        writes: Whether this process writes the file; of several that train together, one does.
            Default True.
    """

    def __init__(self, path: Path, fingerprint: str, best: BestEpoch, writes: bool = True) -> None:
        super().__init__()
        self.writes = writes
        self.path, self.fingerprint, self.best = Path(path), fingerprint, best
        self.history: list[dict[str, float]] = []
        self.failed = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.history.append({key: float(value) for key, value in (logs or {}).items()})
        state = {
            "fingerprint": self.fingerprint,
            "history": self.history,
            "best": self.best.state(),
        }
        arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(_variables(self.model))}
        arrays |= self.best.arrays()
        if not self.writes:
            return
        try:
            self._write(state, arrays)
        except OSError as error:  # a training is worth more than its checkpoint
            if not self.failed:
                warnings.warn(
                    f"The checkpoint {self.path} could not be written after epoch {epoch + 1}: "
                    f"{error.strerror or error}. The training goes on; if it is interrupted, it "
                    "can be resumed from an earlier epoch at most.",
                    stacklevel=2,
                )
            self.failed = True

    def _write(self, state: dict[str, Any], arrays: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(".unfinished")
        try:
            with unfinished.open("wb") as file:
                np.savez(file, allow_pickle=False, state=np.array(json.dumps(state)), **arrays)
            unfinished.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):  # it takes room that others need
                unfinished.unlink(missing_ok=True)
            raise

    def load(self, model: keras.Model) -> int:
        """Restore the model, the early stopping and the history; returns the next epoch's number.

        Raises:
            ConfigError: if the checkpoint belongs to another experiment or to other data.
            ArtifactError: if the file is damaged.
        """
        if not self.path.exists():
            return 0
        try:
            with np.load(self.path, allow_pickle=False) as saved:
                state = json.loads(str(saved["state"]))
                if state["fingerprint"] != self.fingerprint:
                    raise ConfigError(
                        f"The training in {self.path.parent} was of another experiment or of other "
                        "data; it cannot be resumed. Start anew without --resume, or use another "
                        "name."
                    )
                for index, variable in enumerate(_variables(model)):
                    variable.assign(saved[f"variable_{index}"])
                self.best.restore(state["best"], saved)
            self.history = list(state["history"])
        except ConfigError:
            raise
        except DAMAGED as error:
            raise ArtifactError(
                f"The checkpoint {self.path} is damaged ({error!r:.150}). Start anew without "
                "--resume."
            ) from error
        return len(self.history)


def _variables(model: Any) -> Sequence[keras.Variable]:
    return [*model.variables, *model.optimizer.variables, *model.balancer.variables]
