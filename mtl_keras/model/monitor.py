"""The callback of every training: logs the balancer, and stops if a loss is not finite."""

from typing import Any

import keras
import numpy as np

from mtl_keras.balancers import Fixed
from mtl_keras.declaring.references import identifier
from mtl_keras.errors import TrainingError
from mtl_keras.model.step import Step


class Monitor(keras.callbacks.Callback):
    """Adds the balancer's weights to the logs, and stops a training whose loss is not finite.

    Args:
        step: The step of the model in training.
        raises: Whether to stop a training whose loss is not finite; else that is left to others.
    """

    def __init__(self, step: Step, raises: bool = True) -> None:
        super().__init__()
        self.step, self.raises = step, raises
        self.means: Any = None  # of the training part of an epoch, once validation has begun

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.raises and logs and not np.isfinite(logs.get("loss", 0.0)):
            self._stop(f"batch {batch}")

        balancer = self.step.balancer
        if balancer.positive_losses and balancer.invalid.numpy().any():
            task = self.step.tasks[int(balancer.invalid.numpy().argmax())]
            raise TrainingError(
                f"Training stopped at batch {batch}: the loss of task {task!r} is negative, and "
                f"balancer {identifier(type(balancer))!r} takes its logarithm or divides by it. "
                "Expected losses >= 0. Use a non-negative loss, or another balancer."
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.step.balance_tracker.reset_state()
        self.means = None

    def on_test_begin(self, logs: Any = None) -> None:
        self.means = self.step.loss_tracker.means()  # validation resets the tracker

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        step = self.step
        if step.balancer.diagnostics and not isinstance(step.balancer, Fixed):
            means = step.balance_tracker.result()
            step.balancing.append({"epoch": epoch, **means})
            if logs is not None:
                logs |= step.balance_tracker.logs(means)
        step.balancer.end_epoch(*(self.means or step.loss_tracker.means()))

    def _stop(self, where: str) -> None:
        failed = self.step.loss_tracker.failed_tasks()
        if not failed:
            return
        if len(failed) == len(self.step.tasks) and len(failed) > 1:
            what = "the losses of all tasks became infinite or NaN at once"
        else:
            names = ", ".join(repr(task) for task in failed)
            what = f"the loss of task {names} became infinite or NaN first"
        raise TrainingError(
            f"Training stopped at {where}: {what}. Expected finite losses. Look for NaN, infinite "
            "or huge inputs, infinite or huge labels, and sample weights that are negative or NaN; "
            "lower the learning rate, or set `clipnorm` on the optimizer."
        )
