"""One training of one network: from the data to the network that is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtl_keras.errors import DataError
from mtl_keras.model import MultiTaskModel, xla
from mtl_keras.training.assemble import assembled, weighted_mean
from mtl_keras.training.best_epoch import BestEpoch, FinishedTasks, own_best
from mtl_keras.training.checkpoint import Checkpoint, StepCheckpoint
from mtl_keras.training.data import Data
from mtl_keras.training.named_logs import NamedLogs
from mtl_keras.training.progress import Progress, moving
from mtl_keras.training.recipe import Training
from mtl_keras.training.refit import described, refitted
from mtl_keras.training.selection import greedy
from mtl_keras.training.workers import ALONE, Workers


@dataclass(frozen=True)
class Fitted:
    """The result of a training.

    Attributes:
        model: The network, with each task's best epoch.
        history: The logs, a row per epoch, in which `<task>_best` marks the epoch of a task.
        validation: The outputs for the validation rows by task, from before the network was
            trained on these rows. Thresholds and calibrations are computed from them.
        refitted: Whether the network was then trained on the validation rows, too.
        finished: The last epoch, from 1, that trained each task that was finished before others.
        weights: The weight of each network by task, if several were trained. Everything but the
            model and the outputs is then that of the first one.

    Example:

    >>> import keras
    >>> rows = keras.Input((2,))
    >>> model = MultiTaskModel(rows, {"spend": keras.layers.Dense(1)(rows)})
    >>> Fitted(model, pd.DataFrame({"epoch": [1, 2]}), {"spend": np.zeros((4, 1))}, False).refitted
    False
    """

    model: MultiTaskModel
    history: pd.DataFrame
    validation: Mapping[str, np.ndarray]
    refitted: bool
    finished: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitting:
    """One training of a network, and the choice of the weights to keep.

    Attributes:
        data: The rows.
        training: The recipe.
        checkpoint: Folder for the checkpoint, or None.
        fingerprint: What the training depends on, as text. Only a checkpoint with the same
            fingerprint can be resumed.
        resume: Whether to resume from a checkpoint, if there is one.
        finished: Whether the checkpoint is that of a training that a cluster has finished.
        show: A function that prints a line.
        watching: Further Keras callbacks.
        workers: The processes that train together.
        written: Called after a checkpoint: see `Checkpoint`.
        constants: The validation loss of the best constant, by task.

    Example:

    >>> from mtl_keras.training import Training
    >>> Fitting(Data({}, {}, {}), Training(epochs=3)).resume
    False
    """

    data: Data
    training: Training
    checkpoint: Path | None = None
    fingerprint: str = ""
    resume: bool = False
    finished: bool = False
    show: Callable[[str], None] = print
    watching: Sequence[keras.callbacks.Callback] = ()
    workers: Workers = ALONE
    written: Callable[[bool], None] | None = None
    constants: Mapping[str, float] = field(default_factory=dict)

    def fit(self, model: MultiTaskModel) -> Fitted:
        """Train, or resume training, and keep each task's best epoch."""
        random = np.random.get_state()  # on which the order of the rows depends
        with self.workers.scope():
            best, history = self.train(model)
            chosen = best.chosen()
            kept = assembled(model, chosen, best.snapshots)
        for task, epoch in chosen.items():
            history[f"{task}_best"] = history["epoch"] == epoch + 1
        if line := _finished(best):
            self.show(line)
        self.show(_answered_from(chosen, best))
        kept = self.workers.local(kept)
        outputs = kept.predict(self.data.x["validation"], verbose=0)
        if self.refits:
            words = described(chosen, best, self.data.validation_rows)
            self.show(words)
            moving(self.show, lambda: (words, None))
            np.random.set_state(random)  # the same as after a resumed training
            with self.workers.scope():
                kept = refitted(model, chosen, best, self.data, self.training)
            kept = self.workers.local(kept)
        finished = {task: epoch + 1 for task, epoch in best.finished.items()}
        return Fitted(kept, history, outputs, self.refits, finished)

    @property
    def refits(self) -> bool:
        """Whether the last epochs are trained again with the validation rows."""
        return self.training.refit > 0 and self.data.feed is None

    def train(self, model: MultiTaskModel) -> tuple[BestEpoch, pd.DataFrame]:
        """Train, or resume training; returns the early stopping, and the logs of each epoch."""
        training = self.training
        best = BestEpoch(
            model.tasks,
            training.patience,
            together=training.best_epoch == "joint",
            constants=self.constants,
            before=self.training.refit if self.refits else 0,
        )
        saved = self._checkpoint(best)
        epoch, step = (0, 0) if saved is None else self._restored(saved, model)
        log: list[dict[str, float]] = []
        if epoch < training.epochs and not best.stopped:
            try:
                log = self._trained(model, self._callbacks(model, best, saved), epoch, step)
            except DataError as error:  # of a stream: the network is as the last step left it
                if saved is None or self.data.feed is None or self.workers.strategy is not None:
                    raise  # the sums of an epoch cannot be read without the other workers
                saved.write()
                raise DataError(
                    f"{error} The training so far is saved in {saved.path.parent}. Restore the "
                    "data, then resume."
                ) from error
        history = saved.history if saved else log
        frame = pd.DataFrame(history)
        frame.insert(0, "epoch", np.arange(1, len(frame) + 1))
        return best, frame

    def _checkpoint(self, best: BestEpoch) -> Checkpoint | None:
        if self.checkpoint is None:
            return None
        path = self.checkpoint / "training.npz"
        arguments = path, self.fingerprint, best, self.workers, self.written
        if self.data.feed is None:
            return Checkpoint(*arguments)
        return StepCheckpoint(*arguments, order=self._order())

    def _restored(self, saved: Checkpoint, model: MultiTaskModel) -> tuple[int, int]:
        """Restore the training, if it is resumed; the epoch and the step where it goes on."""
        model.optimizer.build(model.trainable_variables)
        if not (self.resume or self.finished):
            return 0, 0
        epoch, step = saved.load(model)
        folder = saved.path.parent
        self.workers.check_equal(epoch, f"the epoch that {folder} ends with")
        self.workers.check_equal(step, f"the step that {folder} ends with")
        if not self.finished:
            self.show(_resumed(epoch, step, saved.left_out))
        return epoch, step

    def _callbacks(
        self, model: MultiTaskModel, best: BestEpoch, saved: Checkpoint | None
    ) -> list[keras.callbacks.Callback]:
        """The callbacks, in an order on which some of them depend."""
        metrics = {entry.name: entry.task for entry in model.step.task_metrics.entries}
        named = NamedLogs(model.tasks, metrics)
        progress = Progress(named.metrics, best, self.show, self.training.epochs)
        own = [named, best, FinishedTasks(best), *self.training.callbacks(), progress]
        return [*own, *([] if saved is None else [saved]), *self.watching]

    def _trained(
        self,
        model: MultiTaskModel,
        callbacks: Sequence[keras.callbacks.Callback],
        epoch: int,
        step: int,
    ) -> list[dict[str, float]]:
        """Train from a step of an epoch on; the logs, a dict per epoch."""
        data, feed = self.data, self.data.feed
        batch_size = self.training.rows_per_step(data.training_rows)
        arguments: dict[str, Any] = {
            "validation_data": tuple(part["validation"] for part in (data.x, data.y, data.weights)),
            "validation_batch_size": 4 * batch_size,
            "callbacks": callbacks,
            "verbose": 0,
        }
        epochs = self.training.epochs
        if feed is None:
            log = model.fit(
                data.x["train"],
                data.y["train"],
                sample_weight=data.weights["train"],
                batch_size=batch_size,
                epochs=epochs,
                initial_epoch=epoch,
                **arguments,
            )
            return pd.DataFrame(log.history).to_dict("records")
        logs = []
        xla.decide(model, batch_size, epochs, -(-feed.total // batch_size))
        with feed.errors():
            if step:  # the rest of an epoch
                rest = feed.blocks(batch_size, epoch, step)
                model.fit(rest, epochs=epoch + 1, initial_epoch=epoch, **arguments)
                epoch += 1
            if epoch < epochs and not model.stop_training:
                whole = feed.blocks(batch_size, epoch)
                log = model.fit(whole, epochs=epochs, initial_epoch=epoch, **arguments)
                logs = pd.DataFrame(log.history).to_dict("records")
        return logs

    def _order(self) -> str:
        """What the order of a stream's rows within an epoch depends on, beside the fingerprint."""
        count = self.workers.count
        size = self.training.rows_per_step(self.data.training_rows)
        return f"{count} worker{'s' * (count > 1)} with batches of {size:,} rows"

    def select(self, fitted: Sequence[Fitted]) -> Fitted:
        """One network that answers each task with the mean of networks that validation selects."""
        first = fitted[0]
        weights: dict[str, list[float]] = {}
        outputs: dict[str, np.ndarray] = {}
        for task in first.validation:
            of_task = [each.validation[task] for each in fitted]
            weight = self.data.weights["validation"].get(task)
            loss = first.model.loss_of(task, self.data.y["validation"][task], weight)
            weights[task] = greedy(of_task, loss)
            outputs[task] = np.average(of_task, axis=0, weights=weights[task])
            shown = ", ".join(f"{weight:.2f}" for weight in weights[task])
            self.show(f"weights of the networks for {task}: {shown}")
        mean = weighted_mean([each.model for each in fitted], weights)
        return Fitted(mean, first.history, outputs, first.refitted, first.finished, weights)


def _finished(best: BestEpoch) -> str:
    """Which tasks were trained no further before the training ended, in words; else empty."""
    last = len(best.curves) - 1
    words = [f"{task} after epoch {at + 1}" for task, at in best.finished.items() if at < last]
    return f"overfitted and trained no further: {', '.join(words)}" if words else ""


def _answered_from(chosen: Mapping[str, int], best: BestEpoch) -> str:
    """The epoch that each task is answered from, in words."""
    lowest, words = best.lowest(), []
    for task, epoch in chosen.items():
        own = lowest.get(f"val_{task}_loss", epoch)
        words.append(f"{task} epoch {epoch + 1}" + own_best(epoch + 1, own + 1))
    return f"predictions come from: {', '.join(words)}"


def _resumed(epoch: int, step: int, left_out: str) -> str:
    """Where a training is resumed, in words."""
    if left_out:
        return (
            f"resuming after epoch {epoch}: {left_out} of the next saw rows in another order, and "
            "are repeated"
        )
    if not epoch and not step:
        return "there is nothing to resume: training from the start"
    return f"resuming after epoch {epoch}" + (f" and {step:,} steps of the next" if step else "")
