"""One training of one network: from the data to the network that is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.model import MultiTaskModel
from mtl_keras.training.assemble import assembled, weighted_mean
from mtl_keras.training.best_epoch import BestEpoch
from mtl_keras.training.checkpoint import Checkpoint
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
    """

    x: Mapping[str, Any]
    y: Mapping[str, Mapping[str, np.ndarray]]
    weights: Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Fitting:
    """How a network is trained, and which weights are kept.

    Attributes:
        data: The rows.
        training: The recipe.
        checkpoint: Folder for the checkpoint, or None.
        fingerprint: What the training depends on, as text; a checkpoint must match it to be
            resumed.
        resume: Whether to resume from a checkpoint, if there is one.
        show: A function that prints a line.
        watching: Further Keras callbacks.
        workers: The processes that train together.
    """

    data: Data
    training: Training
    checkpoint: Path | None = None
    fingerprint: str = ""
    resume: bool = False
    show: Callable[[str], None] = print
    watching: Sequence[Any] = ()
    workers: Workers = ALONE

    def fit(self, model: MultiTaskModel) -> tuple[MultiTaskModel, pd.DataFrame]:
        """Train, or resume training.

        Returns:
            The network with each task's best epoch; and the logs, a row per epoch, in which
            `<task>_best` marks the epoch that a task uses.
        """
        training, data = self.training, self.data
        best = BestEpoch(model.tasks, training.patience, together=training.best_epoch == "joint")
        named = NamedLogs(model.tasks, model.metric_names)
        progress = Progress(named.metrics, best, self.show)
        watching: list[Any] = [named, best, *training.callbacks(), progress]
        watching += self.watching
        batch_size = training.rows_per_step(len(data.y["train"][model.tasks[0]]))
        first, saved = 0, None
        if self.checkpoint is not None:
            path = self.checkpoint / "training.npz"
            saved = Checkpoint(path, self.fingerprint, best, writes=self.workers.chief)
            model.optimizer.build(model.trainable_variables)
            if self.resume:
                first = saved.load(model)
                self.workers.check_equal(first, f"the epoch that {path} ends with")
                again = f"resuming after epoch {first}" if first else "nothing to resume: starting"
                self.show(again)
            watching.append(saved)
        if first >= training.epochs or best.stopped:
            history = saved.history if saved else []
        else:
            validation = (data.x["validation"], data.y["validation"], data.weights["validation"])
            log = model.fit(
                data.x["train"],
                data.y["train"],
                sample_weight=data.weights["train"],
                validation_data=validation,
                batch_size=batch_size,
                validation_batch_size=4 * batch_size,
                epochs=training.epochs,
                initial_epoch=first,
                callbacks=watching,
                verbose=0,
            )
            history = saved.history if saved else pd.DataFrame(log.history).to_dict("records")
        frame = pd.DataFrame(history)
        frame.insert(0, "epoch", np.arange(1, len(frame) + 1))
        chosen = best.chosen()
        for task, epoch in chosen.items():
            frame[f"{task}_best"] = frame["epoch"] == epoch + 1
        return assembled(model, chosen, best.snapshots), frame

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
