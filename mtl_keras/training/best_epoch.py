"""Early stopping for several tasks, each with its own validation curve."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np


class BestEpoch(keras.callbacks.Callback):
    """Keeps, for each task, the weights of the epoch with its lowest validation loss.

    Tasks reach their best epoch at different times: a task with noisy labels overfits while a task
    with a strong signal still improves. A task that overfits is finished: it has not improved for
    `patience` epochs, and its loss exceeds its minimum by more than the tolerance. To train it
    further would only fit its noise in layers that other tasks still use, so `FinishedTasks` leaves
    it out of later epochs. Training stops when no task has improved for `patience` epochs. `chosen`
    returns the epoch to use for each task, and `mtl_keras.training.assemble` makes one network of
    them.

    Args:
        tasks: Names of the tasks.
        patience: Number of epochs without improvement after which a task may be finished, and
            without improvement of any task after which training stops.
        together: Whether to use one epoch for all tasks, the one with the lowest `val_loss`.
        tolerance: How much a task's validation loss may exceed its minimum if the task can then
            share an epoch, and therefore a network, with others. It is a share of the minimum, or
            of the difference between the loss of the best constant and the minimum, whichever is
            less. Default 0.01.
        constants: The validation loss of the best constant for the training labels, by task.
            Default none: the tolerance is a share of the minimum.
        before: How many epochs a later refit goes back from a best epoch. Default 0: no refit.

    Attributes:
        snapshots: The weights after each epoch that may be needed, by its number from 0, and the
            initial weights as -1.
        finished: For each task that is finished, the last epoch, from 0, that trains it.

    Example:

    >>> best = BestEpoch(["churned", "spend"], patience=3)
    >>> best.tasks
    ['churned', 'spend']
    """

    def __init__(
        self,
        tasks: Sequence[str],
        patience: int,
        together: bool = False,
        tolerance: float = 0.01,
        constants: Mapping[str, float] | None = None,
        before: int = 0,
    ) -> None:
        super().__init__()
        self.tasks, self.patience = list(tasks), patience
        self.together, self.tolerance = together, tolerance
        self.constants, self.before = dict(constants or {}), before
        self.stopped = False
        self.curves: list[dict[str, float]] = []  # a dict of logs per epoch
        self.snapshots: dict[int, list[np.ndarray]] = {}
        self.finished: dict[str, int] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        if self.before and not self.curves:
            self.snapshots[-1] = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        watched = ["val_loss", *(f"val_{task}_loss" for task in self.tasks)]
        self.curves.append({name: float(logs.get(name, np.nan)) for name in watched})
        best = self.lowest()
        now = len(self.curves) - 1
        self.snapshots[now] = self.model.get_weights()
        needed = {*best.values(), *map(self.start, best.values())}
        needed |= {*range(self.start(now) + 1, now + 1)}  # where a later best one may start
        for old in set(self.snapshots) - needed:
            del self.snapshots[old]
        for task in self.tasks:
            own = best.get(f"val_{task}_loss", now)
            if now - own >= self.patience and not self._good(task, now, best):
                self.finished.setdefault(task, now)
        waited = now - max(best.values()) >= self.patience
        if waited or len(self.finished) == len(self.tasks):
            self.stopped = self.model.stop_training = True

    def start(self, epoch: int) -> int:
        """The epoch `before` epochs earlier; -1 stands for the initial weights."""
        return max(-1, epoch - self.before)

    def lowest(self) -> dict[str, int]:
        """The best epoch so far, from 0, by `val_loss`, and by each task's own curve.

        The curve of a finished task ends with the last epoch that trained it.
        """
        best = {}
        ends = {f"val_{task}_loss": last + 1 for task, last in self.finished.items()}
        for name in ["val_loss"] if self.together else list(self.curves[-1]):
            curve = [values[name] for values in self.curves[: ends.get(name)]]
            if np.isfinite(curve).any():
                best[name] = int(np.nanargmin(curve))
        return best

    def chosen(self) -> dict[str, int]:
        """The epoch, from 0, to use for each task.

        This is the best epoch of all tasks together, unless a task would lose more than the
        tolerance by it; such tasks share one of their own best epochs where possible.
        """
        best = self.lowest()
        common = best["val_loss"]
        taken = {}
        left = []
        for task in self.tasks:
            if self._good(task, common, best):
                taken[task] = common
            else:
                left.append(task)
        while left:
            epochs = sorted({best[f"val_{task}_loss"] for task in left})
            epoch = max(epochs, key=lambda e: sum(self._good(task, e, best) for task in left))
            taken |= {task: epoch for task in left if self._good(task, epoch, best)}
            left = [task for task in left if task not in taken]
        return {task: taken[task] for task in self.tasks}

    def _good(self, task: str, epoch: int, best: dict[str, int]) -> bool:
        """Whether a task's loss at an epoch is within the tolerance."""
        name = f"val_{task}_loss"
        if name not in best:  # one epoch for all, or a task without validation labels
            return True
        if epoch > self.finished.get(task, epoch):
            return False
        lowest = self.curves[best[name]][name]
        gained = max(0.0, self.constants.get(task, np.inf) - lowest)
        return self.curves[epoch][name] <= lowest + self.tolerance * min(abs(lowest), gained)

    # To resume

    def state(self) -> dict[str, Any]:
        """The state except for the arrays."""
        return {
            "curves": self.curves,
            "stopped": self.stopped,
            "finished": self.finished,
            "snapshots": {epoch: len(weights) for epoch, weights in self.snapshots.items()},
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The snapshots by name."""
        return {
            f"best_{epoch}_{number}": weight
            for epoch, weights in self.snapshots.items()
            for number, weight in enumerate(weights)
        }

    def restore(self, state: dict[str, Any], arrays: Any) -> None:
        """Restore what `state` and `arrays` returned."""
        self.curves, self.stopped = state["curves"], state["stopped"]
        self.finished = state["finished"]
        self.snapshots = {
            int(epoch): [arrays[f"best_{epoch}_{number}"] for number in range(count)]
            for epoch, count in state["snapshots"].items()
        }


class FinishedTasks(keras.callbacks.Callback):
    """Trains in each epoch the tasks that were not finished before it.

    Args:
        best: The early stopping, which finishes tasks, in this training or in one that is repeated.
    """

    def __init__(self, best: BestEpoch) -> None:
        super().__init__()
        self.best = best

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.step.leave_out({t for t, last in self.best.finished.items() if last < epoch})

    def on_train_end(self, logs: Any = None) -> None:
        self.model.step.leave_out(set())


def own_best(used: int, own: int) -> str:
    """What to add to the epoch that a task uses where another one was the best by its own loss.

    Example:

    >>> own_best(25, 4), own_best(4, 4)
    (' (its own best: 4)', '')
    """
    return "" if used == own else f" (its own best: {own})"
