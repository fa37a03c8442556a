"""One training of one network: from the data to the network that is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.errors import DataError
from mtl_keras.feeding import Feed
from mtl_keras.model import MultiTaskModel
from mtl_keras.training.assemble import assembled, weighted_mean
from mtl_keras.training.best_epoch import BestEpoch, own_best
from mtl_keras.training.checkpoint import Checkpoint, StepCheckpoint
from mtl_keras.training.named_logs import NamedLogs
from mtl_keras.training.progress import Progress
from mtl_keras.training.recipe import Training
from mtl_keras.training.selection import greedy
from mtl_keras.training.workers import ALONE, Workers


@dataclass(frozen=True)
class Data:
    """Encoded rows by part (`"train"`, `"validation"`, `"test"`).

    Attributes:
        x: The network's inputs.
        y: Labels by task.
        weights: Sample weights by task, for tasks that have any.
        feed: The stream of training rows, if `x` and `y` contain a sample of them. Default None.

    Example:

    >>> x = {"train": {"numeric": np.zeros((8, 2))}}
    >>> Data(x, {"train": {"spend": np.zeros(8)}}, {"train": {}}).feed is None
    True
    """

    x: Mapping[str, Any]
    y: Mapping[str, Mapping[str, np.ndarray]]
    weights: Mapping[str, Mapping[str, np.ndarray]]
    feed: Feed | None = None

    @property
    def training_rows(self) -> int:
        """Number of rows of an epoch."""
        if self.feed is not None:
            return self.feed.total
        return len(next(iter(self.y["train"].values())))


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
    show: Callable[[str], None] = print
    watching: Sequence[Any] = ()
    workers: Workers = ALONE
    written: Callable[[bool], None] | None = None
    constants: Mapping[str, float] = field(default_factory=dict)

    def fit(self, model: MultiTaskModel) -> tuple[MultiTaskModel, pd.DataFrame]:
        """Train, or resume training.

        Returns:
            The network with each task's best epoch, and the logs: a row per epoch, in which
                `<task>_best` marks the epoch that a task uses.
        """
        training = self.training
        best = BestEpoch(
            model.tasks,
            training.patience,
            together=training.best_epoch == "joint",
            constants=self.constants,
        )
        named = NamedLogs(model.tasks, model.metric_names)
        progress = Progress(named.metrics, best, self.show, training.epochs)
        watching: list[Any] = [named, best, *training.callbacks(), progress]
        epoch, step = 0, 0
        saved: Checkpoint | None = None
        if self.checkpoint is not None:
            path = self.checkpoint / "training.npz"
            given = path, self.fingerprint, best, self.workers, self.written
            if self.data.feed is None:
                saved = Checkpoint(*given)
            else:
                saved = StepCheckpoint(*given, order=self._order())
            model.optimizer.build(model.trainable_variables)
            if self.resume:
                epoch, step = saved.load(model)
                self.workers.check_equal(epoch, f"the epoch that {path.parent} ends with")
                self.workers.check_equal(step, f"the step that {path.parent} ends with")
                self.show(_resumed(epoch, step, saved.left_out))
            watching.append(saved)
        watching += self.watching
        log: list[dict[str, float]] = []
        if epoch < training.epochs and not best.stopped:
            try:
                log = self._trained(model, watching, epoch, step)
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
        chosen = best.chosen()
        for task, epoch in chosen.items():
            frame[f"{task}_best"] = frame["epoch"] == epoch + 1
        self.show(_answered_from(chosen, best))
        return assembled(model, chosen, best.snapshots), frame

    def _trained(
        self, model: MultiTaskModel, callbacks: Sequence[Any], epoch: int, step: int
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

    def select(self, models: Sequence[MultiTaskModel]) -> MultiTaskModel:
        """One network that answers each task with the mean of networks that validation selects."""
        outputs = [model.predict(self.data.x["validation"], verbose=0) for model in models]
        chosen = {}
        for task in models[0].tasks:
            loss = models[0].loss_of(task, self.data.y["validation"][task])
            chosen[task] = greedy([output[task] for output in outputs], loss)
            shown = ", ".join(f"{weight:.2f}" for weight in chosen[task])
            self.show(f"weights of the networks for {task}: {shown}")
        return weighted_mean(models, chosen)


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
