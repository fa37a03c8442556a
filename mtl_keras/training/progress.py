"""Progress of a training, one line per epoch."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras

from mtl_keras.training.best_epoch import BestEpoch


class Progress(keras.callbacks.Callback):
    """Prints the total loss and each task's metrics, training and validation, per epoch.

    Args:
        metrics: Names of the logs to show beside the loss, e.g. `"churned_auc"`.
        best: The early stopping; tasks whose best epoch so far this is are marked.
        show: A function that prints a line.
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
        self.metrics, self.best, self.show = list(metrics), best, show
        self.epochs, self.titled = epochs, False

    def on_train_begin(self, logs: Any = None) -> None:
        if self.titled:  # the rest of an epoch was trained before
            return
        self.titled = True
        titles = "".join(f"  {name:>17}" for name in ["loss", *self.metrics])
        self.show(f"{'epoch':>9}{titles}      time   (training / validation)")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        cells = ""
        for name in ["loss", *self.metrics]:
            both = [logs.get(name), logs.get(f"val_{name}")]
            text = " / ".join("-" if value is None else f"{value:.4g}" for value in both)
            cells += f"  {text:>{max(17, len(name))}}"
        seconds = time.perf_counter() - self.start
        at_best = [task for task, best in self.best.chosen().items() if best == epoch]
        mark = f"  best: {', '.join(at_best)}" if at_best else ""
        epochs = self.epochs or self.params["epochs"]
        self.show(f"{epoch + 1:>4}/{epochs:<4}{cells}  {seconds:6.2f} s{mark}")
