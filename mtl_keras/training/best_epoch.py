"""Early stopping that can be interrupted and resumed."""

from typing import Any

import keras
import numpy as np


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the lowest `monitor`; stops when it no longer falls.

    As `keras.callbacks.EarlyStopping(restore_best_weights=True)`, but its state can be saved and
    restored, and the best weights are put back however the training ends.

    Args:
        patience: Epochs without improvement before training stops.
        monitor: Name of the log to watch. Default `"val_loss"`.
    """

    def __init__(self, patience: int, monitor: str = "val_loss") -> None:
        super().__init__()
        self.patience, self.monitor = patience, monitor
        self.best, self.epoch, self.stopped = np.inf, -1, False
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        value = float((logs or {})[self.monitor])
        if value < self.best:
            self.best, self.epoch = value, epoch
            self.weights = self.model.get_weights()
        elif epoch - self.epoch >= self.patience:
            self.stopped = self.model.stop_training = True

    def restore(self) -> None:
        """Give the model the best epoch's weights."""
        if self.weights:
            self.model.set_weights(self.weights)

    def on_train_end(self, logs: Any = None) -> None:
        self.restore()
