"""Progress of a training: a line per epoch, or one line that moves where the log is a terminal."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from mtl_keras.drawing.digits import Column
from mtl_keras.training.best_epoch import BestEpoch

Now = Callable[[], tuple[str, float | None]]
"""What goes on: a line, and which share of it is done, from 0 to 1, or None if unknown."""


def moving(show: Callable[[str], None], now: Now | None) -> None:
    """Make a log show what goes on, if it has a line that moves; `print` has none.

    Args:
        show: A function that prints a line. If it has a method `moving`, that gets `now`.
        now: Called about ten times a second, in a thread of its own. None: nothing goes on.
    """
    move = getattr(show, "moving", None)
    if move is not None:
        move(now)


class Progress(keras.callbacks.Callback):
    """Prints a line per epoch: the total loss and each task's metrics, training / validation.

    Tasks whose validation loss is the lowest so far are marked as best.

    If the log has a progress line, it shows the epoch, the step, the loss of each task and the
    remaining time, and only the line of the last epoch is kept. The steps are read from the
    optimizer while it works, so nothing waits for them.

    Args:
        metrics: Names of the logs to show beside the loss, e.g. `"churned_auc"`.
        best: The early stopping, which knows the lowest losses.
        show: A function that prints a line; see `moving`.
        epochs: Number of epochs. Default None: that of the call of `fit`.

    Example:

    >>> from mtl_keras.training import BestEpoch
    >>> Progress(["churned_auc"], BestEpoch(["churned"], patience=3)).metrics
    ['churned_auc']
    """

    def __init__(
        self,
        metrics: Sequence[str],
        best: BestEpoch,
        show: Callable[[str], None] = print,
        epochs: int | None = None,
    ) -> None:
        super().__init__()
        self.metrics, self.best, self.show, self.epochs = list(metrics), best, show, epochs
        self.moves = bool(getattr(show, "moves", False))
        self.epoch, self.last = 0, ""
        self.seconds: list[float] = []  # of each epoch
        self.losses: dict[str, float] = {}
        self.columns: dict[str, Column] = defaultdict(Column)
        self.training = True  # rather than validating

    def on_train_begin(self, logs: Any = None) -> None:
        self.total = self.epochs or self.params["epochs"]
        self.iterations = self.model.optimizer.iterations  # no variable while a step is traced
        self.start, self.first_step = time.perf_counter(), self._steps()
        self.show("training / validation; best: tasks with their lowest validation loss so far")
        moving(self.show, self.now)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start, self.epoch, self.training = time.perf_counter(), epoch, True
        self.first_step = self._steps()

    def on_test_begin(self, logs: Any = None) -> None:
        self.training = False
        if self.moves:
            self._read_losses()  # before the validation counts its own

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.start)
        logs = logs or {}
        values = {
            name: " / ".join(self.columns[name]([logs.get(name), logs.get(f"val_{name}")]))
            for name in ["loss", *self.metrics]
        }
        lowest = self.best.lowest()
        of_task = {t: lowest.get(f"val_{t}_loss", lowest.get("val_loss")) for t in self.best.tasks}
        best = [task for task, lowest_at in of_task.items() if lowest_at == epoch]
        mark = f"best: {', '.join(best)}" if best else ""
        width = len(f"{max(self.seconds):.2f}")
        self.last = self._line("", values, f"{self.seconds[-1]:{width}.2f} s", mark)
        if not self.moves:
            self.show(self.last)

    def on_train_end(self, logs: Any = None) -> None:
        if self.moves and self.last:
            self.show(self.last)
        self.last = ""
        moving(self.show, lambda: ("choosing the epoch of each task", None))

    def now(self) -> tuple[str, float | None]:
        """The line that moves, and the share of all epochs that is done."""
        done, step = 1.0, "validating"
        steps = self.params.get("steps")
        if self.training:
            count = self._steps() - self.first_step
            done, step = (count / steps, f"step {count:,}/{steps:,}") if steps else (0.0, "")
            self._read_losses()
        values = {f"{t}_loss": self.columns[f"{t}_loss"]([v])[0] for t, v in self.losses.items()}
        share = min(1.0, (self.epoch + min(done, 1.0)) / self.total)
        return self._line(step, values, self._left()), share

    def _line(self, step: str, values: Mapping[str, str], *rest: str) -> str:
        """What is told of an epoch, while it lasts and at its end."""
        place = f"epoch {self.epoch + 1:>{len(str(self.total))}}/{self.total}"
        cells = [f"{name} {value}" for name, value in values.items()]
        return "  ".join(part for part in (place, step, *cells, *rest) if part)

    def _left(self) -> str:
        """How long the training takes if it is not stopped early; empty in the first epoch."""
        if not self.seconds:
            return ""
        spent = time.perf_counter() - self.start
        whole = float(np.median(self.seconds)) * (self.total - self.epoch)
        return f"at most {duration(whole - spent)} left"

    def _steps(self) -> int:
        """How many steps the optimizer has made; 0 if replicas share the work."""
        if self.model.distribute_strategy.num_replicas_in_sync > 1:
            return 0
        return int(self.iterations.numpy())

    def _read_losses(self) -> None:
        if not self.model.balanced or self.model.distribute_strategy.num_replicas_in_sync > 1:
            return
        means, counts = self.model.step.loss_tracker.means()
        if counts.any():  # else the first steps of the epoch are still under way
            self.losses = dict(zip(self.model.tasks, means.tolist()))


def duration(seconds: float) -> str:
    """A time in words, rounded.

    Example:

    >>> [duration(seconds) for seconds in (3.2, 75, 4000)]
    ['3 s', '1 min 15 s', '1 h 6 min']
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def counted(what: str, done: int, total: int, started: float) -> tuple[str, float]:
    """What goes on where equal parts are finished one after another, for `moving`.

    Args:
        what: What is counted, in the plural.
        done: How many are finished.
        total: How many there are.
        started: When the first one began, of `time.perf_counter`.
    """
    left = ""
    if done:
        spent = time.perf_counter() - started
        left = f", about {duration(spent / done * (total - done))} left"
    return f"{done:,} of {total:,} {what}{left}", done / max(1, total)
