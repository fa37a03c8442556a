"""Checkpoints, from which an interrupted training resumes."""

import contextlib
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtl_keras import __version__
from mtl_keras.errors import UNREADABLE, ArtifactError, ConfigError
from mtl_keras.jobs import replaced
from mtl_keras.model import MultiTaskModel
from mtl_keras.training.best_epoch import BestEpoch
from mtl_keras.training.workers import ALONE, Workers


class Checkpoint(keras.callbacks.Callback):
    """Writes the whole state of a training to one file, atomically.

    It is written after each epoch. The state contains every variable (weights, dropout seeds,
    optimizer with its step count, balancer, the epoch's sums of losses and metrics), early
    stopping, and the history so far. The order of batches depends only on the seed, the epoch and
    the step, so a resumed training takes the same steps as an uninterrupted one. If the file cannot
    be written, a warning is issued once, and training continues.

    Args:
        path: The file.
        fingerprint: What the training depends on, as text. A checkpoint with another fingerprint is
            rejected.
        best: The early stopping of the training.
        workers: The processes that train together, of which the first writes the file. Default:
            this one alone.
        written: A function that each of them calls after a file is written, with whether the first
            one could write it (True in the others). Default None.

    Attributes:
        left_out: A sentence about a checkpoint that was found and could not be resumed from; empty
            if there was none.

    Example:

    >>> from mtl_keras.training import BestEpoch
    >>> best = BestEpoch(["churned"], patience=3)
    >>> Checkpoint(Path("checkpoint.npz"), "the data and the plan", best).path.name
    'checkpoint.npz'
    """

    def __init__(
        self,
        path: Path,
        fingerprint: str,
        best: BestEpoch,
        workers: Workers = ALONE,
        written: Callable[[bool], None] | None = None,
    ) -> None:
        super().__init__()
        self.workers, self.tell = workers, written or (lambda written: None)
        self.path, self.fingerprint, self.best = Path(path), fingerprint, best
        self.history: list[dict[str, float]] = []
        self.failed, self.left_out = False, ""
        self.first = self.step = 0  # of the epoch: the first step of this `fit`, and those done
        self.sums: list[np.ndarray] = []  # of a resumed epoch, until it goes on
        self.written = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        for variable, value in zip(_sums(self.model), self.sums):  # Keras has just reset them
            variable.assign(value)
        self.sums = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.history.append({key: float(value) for key, value in (logs or {}).items()})
        self.first = self.step = 0
        self.write()

    def write(self) -> None:
        """Write the file now."""
        self.tell(self._write(self.path) or not self.workers.chief)

    def load(self, model: MultiTaskModel) -> tuple[int, int]:
        """Restore the model, the early stopping and the history.

        Returns:
            The numbers of finished epochs, and of finished steps of the next one.

        Raises:
            ConfigError: if the checkpoint belongs to another experiment or to other data.
            ArtifactError: if the file is damaged, or if another version of mtl_keras wrote it and
                this one cannot continue from it.
        """
        if not self.path.exists():
            return 0, 0
        with self._opened(self.path) as (state, saved):
            return self._restore(model, state, saved)

    def _write(self, path: Path, **more: Any) -> bool:
        """Write the state to a file; returns whether this process has done so."""
        state = {
            "version": __version__,
            "fingerprint": self.fingerprint,
            "history": self.history,
            "balancing": self.model.balancing,
            "step": self.step,
            "best": self.best.state(),
            **more,
        }
        arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(_variables(self.model))}
        if self.step:
            arrays |= {f"sum_{i}": v.numpy() for i, v in enumerate(_sums(self.model))}
        arrays |= self.best.arrays()
        if not self.workers.chief:  # to read the sums of all took all workers
            return False
        self.written = time.monotonic()
        try:
            with replaced(path) as file:
                np.savez(file, allow_pickle=False, state=np.array(json.dumps(state)), **arrays)
        except OSError as error:  # a training is worth more than its checkpoint
            if not self.failed:
                warnings.warn(
                    f"The checkpoint {path} could not be written after epoch {len(self.history)}: "
                    f"{error.strerror or error}. Training continues. If it is interrupted, it "
                    "can only be resumed from an earlier epoch.",
                    stacklevel=2,
                )
            self.failed = True
            return False
        return True

    @contextlib.contextmanager
    def _opened(self, path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
        """The state in a file, and its arrays; what is wrong is an error that names the file."""
        writer: str | None = __version__
        try:
            with np.load(path, allow_pickle=False) as saved:
                state = _state(saved)
                writer = state.get("version")
                if state["fingerprint"] != self.fingerprint:
                    raise ConfigError(
                        f"The checkpoint in {path.parent} is of another experiment or of other "
                        "data, so it cannot be resumed. Start again without --resume, or use "
                        "another name."
                    )
                yield state, saved
        except (ConfigError, *UNREADABLE) as error:
            if writer != __version__:
                raise ArtifactError(
                    f"The checkpoint {path} was written by "
                    f"{f'version {writer}' if writer else 'an earlier version'} of mtl_keras, and "
                    f"{__version__} cannot continue from it. Start again without --resume."
                ) from error
            if isinstance(error, ConfigError):
                raise
            raise ArtifactError(
                f"The checkpoint {path} is damaged ({error!r:.150}). Start again without --resume."
            ) from error

    def _restore(self, model: MultiTaskModel, state: dict[str, Any], saved: Any) -> tuple[int, int]:
        for index, variable in enumerate(_variables(model)):
            variable.assign(saved[f"variable_{index}"])
        self.best.restore(state["best"], saved)
        self.first = self.step = int(state.get("step", 0))
        if self.step:
            self.sums = [saved[f"sum_{i}"] for i in range(len(_sums(model)))]
        self.history = [{k: float(v) for k, v in logs.items()} for logs in state["history"]]
        model.balancing[:] = state.get("balancing", [])
        self._check(model)
        return len(self.history), self.step

    def _check(self, model: MultiTaskModel) -> None:
        """Raise a ValueError if what was restored does not fit together."""
        if not all(isinstance(entry, dict) for entry in model.balancing):
            raise ValueError("what the balancer did is no list of records")
        shapes = [weight.shape for weight in model.weights]
        for weights in self.best.snapshots.values():
            if [weight.shape for weight in weights] != shapes:
                raise ValueError("the weights of an epoch are those of another network")
        if len(self.best.curves) != len(self.history):
            raise ValueError("the validation curves and the history differ in length")
        chosen = set(self.best.chosen().values()) if self.history else set()
        if not chosen | {*map(self.best.start, chosen)} <= set(self.best.snapshots):
            raise ValueError("the weights of a task's best epoch are missing")


class StepCheckpoint(Checkpoint):
    """A checkpoint that is also written within epochs, for data with long epochs.

    The state within an epoch has its own file, `steps.npz`. A training that would see its rows in
    another order cannot continue from it, and goes back to the end of the previous epoch.

    Args:
        arguments: Those of `Checkpoint`.
        order: What the order of the rows within an epoch depends on, in words, such as `"2 workers
            with batches of 64 rows"`.
        seconds: Seconds from one file to the next. Default 60.
    """

    def __init__(self, *arguments: Any, order: str = "", seconds: float = 60.0) -> None:
        super().__init__(*arguments)
        self.steps = self.path.with_name("steps.npz")
        self.order, self.seconds = order, seconds

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step = self.first + batch + 1
        due = time.monotonic() - self.written >= self.seconds
        if self.workers.agreed(int(due)):  # all read the sums of an epoch together
            self.write()

    def write(self) -> None:
        if self.step:
            if self.workers.chief and not self.history:
                _remove(self.path)  # of a training before, which is not resumed
            done = self._write(self.steps, order=self.order)
        elif done := self._write(self.path):
            _remove(self.steps)
        self.tell(done or not self.workers.chief)

    def load(self, model: MultiTaskModel) -> tuple[int, int]:
        if self.steps.exists():
            with self._opened(self.steps) as (state, saved):
                if len(state["history"]) >= saved_epochs(self.path):
                    if state["order"] == self.order:
                        return self._restore(model, state, saved)
                    self.left_out = f"{state['step']:,} steps of {state['order']}"
        return super().load(model)


def saved_epochs(path: Path) -> int:
    """The number of epochs after which a checkpoint was written; 0 if none can be read."""
    return len(saved_history(path))


def saved_history(path: Path) -> list[dict[str, float]]:
    """The logs of the epochs in a checkpoint; none if none can be read."""
    try:
        with np.load(path, allow_pickle=False) as saved:
            return list(_state(saved)["history"])
    except UNREADABLE:
        return []


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # what is left is seen to be older
        path.unlink()


def _state(saved: Any) -> dict[str, Any]:
    return json.loads(str(saved["state"]))


def _variables(model: MultiTaskModel) -> Sequence[keras.Variable]:
    return [*model.variables, *model.optimizer.variables, *model.balancer.variables]


def _sums(model: MultiTaskModel) -> Sequence[keras.Variable]:
    """The variables of an epoch's losses and metrics, which Keras resets when it begins."""
    return [v for m in (*model.metrics, model.step.balance_tracker) for v in m.variables]
