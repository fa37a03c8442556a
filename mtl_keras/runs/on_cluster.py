"""Trains a network with the workers of a cluster."""

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras

from mtl_keras.errors import ConfigError, TrainingError
from mtl_keras.features import Guesses
from mtl_keras.jobs.ray_cluster import Cluster
from mtl_keras.jobs.ray_workers import Worker, together
from mtl_keras.plans.plan import Plan
from mtl_keras.runs.build import build
from mtl_keras.runs.prepared import Prepared
from mtl_keras.training import Fitting
from mtl_keras.training.checkpoint import saved_epochs, saved_history
from mtl_keras.training.workers import workers

Ended = tuple[int, dict[str, float]]  # an epoch, from 0, and its logs


def train_on_cluster(
    plan: Plan, rows: Prepared, fitting: Fitting, cluster: Cluster, name: str
) -> Fitting:
    """Let the workers of a cluster train a network, and return the finished training.

    This process then only reads the network from the checkpoint, as when it resumes a training that
    was interrupted after its last epoch.

    Args:
        plan: The plan of the network.
        rows: The rows, which are sent to the workers.
        fitting: How the network is trained, with a folder for its checkpoint.
        cluster: The workers.
        name: Name of the training in the cluster's storage.
    """
    assert fitting.checkpoint is not None
    path = fitting.checkpoint / "training.npz"
    if not fitting.resume:
        for old in (path, path.with_name("steps.npz")):
            old.unlink(missing_ok=True)
    rows = dataclasses.replace(rows, rows={}, guesses=Guesses())  # the encoded rows are enough
    sent = plan.but(data=None, training=plan.training.untracked())
    training = fitting.training.untracked()
    there = dataclasses.replace(fitting, training=training, show=print, watching=())

    ended = set(range(saved_epochs(path)))

    def receive(message: str | Ended) -> None:
        if isinstance(message, str):
            fitting.show(message)
        elif message[0] not in ended:  # epochs that were not stored are trained again
            ended.add(message[0])
            for callback in fitting.watching:
                callback.on_epoch_end(*message)

    job = (sent, rows, there)
    together(cluster, _fit, job, fitting.checkpoint, f"{name}_{plan.seed}", receive)
    history = saved_history(path)
    for epoch in enumerate(history):  # a worker may be lost after storing and before reporting
        receive(epoch)
    if not history:
        raise TrainingError(f"The workers have left no readable checkpoint in {path}.")
    return dataclasses.replace(fitting, finished=True)


def check_begun_here(checkpoint: Path, name: str) -> None:
    """Raise a ConfigError if this process is to resume a training that a cluster began.

    Args:
        checkpoint: Folder of the training's checkpoint.
        name: Name of the training.
    """
    if any(checkpoint.rglob(f"{name}_*/checkpoint_*")):
        raise ConfigError(
            f"The training in {checkpoint} was started with workers. Resume it with --workers, or "
            "start again without --resume."
        )


def _fit(worker: Worker) -> None:
    """Fit the network in a process of the cluster."""
    together = workers()
    plan, rows, fitting = worker.job()

    def send(epoch: int, logs: Mapping[str, Any]) -> None:
        worker.tell((epoch, {name: float(value) for name, value in logs.items()}))

    fitting = dataclasses.replace(
        fitting,
        checkpoint=worker.folder,
        resume=fitting.resume or (worker.folder / "training.npz").exists(),
        show=worker.tell,
        watching=[keras.callbacks.LambdaCallback(on_epoch_end=send)],
        workers=together,
        written=partial(store_checkpoint, worker),
    )
    keras.utils.set_random_seed(plan.seed)
    with together.ending_together(), together.scope():
        fitting.train(build(plan, rows))


def store_checkpoint(worker: Worker, written: bool) -> None:
    """Store a checkpoint from which all workers can continue."""
    if not written:
        raise TrainingError(
            f"A checkpoint could not be written to {worker.folder}, but the network is read from "
            "it. Free space on the disk of the worker, then run again with --resume."
        )
    worker.keep()
