"""One training by several processes, as `TF_CONFIG` in the environment declares them."""

import contextlib
import functools
import json
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from mtl_keras.errors import ConfigError, LostWorkerError, TrainingError
from mtl_keras.model import MultiTaskModel
from mtl_keras.model.replicas import agreed
from mtl_keras.training.assemble import compiled_like

EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Workers:
    """The processes that train together.

    Each runs the same program on the same table and trains on its part of each batch. The chief
    alone prints, keeps checkpoints and writes the artifact.

    Args:
        strategy: The strategy that variables are created under; None for a single process.
        index: Number of this process.
    """

    strategy: tf.distribute.Strategy | None = None
    index: int = 0

    @property
    def chief(self) -> bool:
        """Whether this process prints and writes for all."""
        return self.index == 0

    def scope(self) -> AbstractContextManager[Any]:
        """A block in which networks are built and trained on all processes.

        A strategy whose scope the caller has entered, such as a `MirroredStrategy`, stays.
        """
        if self.strategy is None:
            return contextlib.nullcontext()
        return self.strategy.scope()

    def check_equal(self, number: int, what: str) -> None:
        """Raise a TrainingError if a number is not the same in all processes.

        Args:
            number: The number in this process.
            what: What it is, for the error.
        """
        if self.strategy is not None and (first := agreed(self.strategy, number)) != number:
            raise TrainingError(
                f"Worker {self.index} has {number} as {what}, the first worker {first}. Expected "
                "the same on all: give all workers the same files, in a folder that they share."
            )

    def local(self, model: MultiTaskModel) -> MultiTaskModel:
        """The model with variables of this process alone, which it can export by itself."""
        if self.strategy is None:
            return model
        copy = compiled_like(type(model).from_config(model.get_config()), model)
        copy.set_weights(model.get_weights())
        return copy


ALONE = Workers()
LOST = (tf.errors.UnavailableError, tf.errors.DeadlineExceededError, tf.errors.AbortedError)


@functools.cache
def workers() -> Workers:
    """The processes that train with this one, as `TF_CONFIG` says; this one alone without it.

    Raises:
        ConfigError: if `TF_CONFIG` is no cluster of workers with this process in it, or TensorFlow
            has run an operation before.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return ALONE
    index, size = place(text)
    if size == 1:
        return ALONE
    try:
        return Workers(tf.distribute.MultiWorkerMirroredStrategy(), index)
    except RuntimeError as error:
        raise ConfigError(
            "TF_CONFIG declares several workers, but TensorFlow has already computed something in "
            "this process, and cannot join them any more. Expected the training to be the first "
            f"thing that the process does. ({error})"
        ) from error


def place(text: str) -> tuple[int, int]:
    """The number of this process among the workers of a `TF_CONFIG`, and how many there are.

    The chief of a cluster that names one is number 0.

    Example:

    >>> place('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}')
    (1, 2)
    """

    def refuse(expected: str) -> ConfigError:
        return ConfigError(f"TF_CONFIG must {expected}, such as {EXAMPLE}. Received: {text}")

    try:
        config = json.loads(text)
    except ValueError as error:
        raise refuse("be JSON") from error
    if not isinstance(config, dict) or not isinstance(config.get("cluster"), dict):
        raise refuse("be an object with `cluster`")
    cluster, task = config["cluster"], config.get("task")
    strange = sorted(set(cluster) - {"chief", "worker"})
    if strange:
        raise refuse(f"have workers and at most a chief in `cluster`, not {', '.join(strange)}")
    kinds = {kind: cluster.get(kind, []) for kind in ("chief", "worker")}
    if not all(isinstance(addresses, list) for addresses in kinds.values()):
        raise refuse("list addresses `host:port`")
    hosts = [(kind, number) for kind, them in kinds.items() for number in range(len(them))]
    addresses = [address for them in kinds.values() for address in them]
    if not all(isinstance(a, str) and a.rpartition(":")[2].isdigit() for a in addresses):
        raise refuse("list addresses `host:port`")
    if len(set(addresses)) < len(addresses):
        raise refuse("name each address once")
    if not isinstance(task, dict) or (task.get("type"), task.get("index")) not in hosts:
        raise refuse("have this process as `task`, with the type and index of an address")
    return hosts.index((task["type"], task["index"])), len(hosts)


@contextlib.contextmanager
def naming_lost_workers() -> Iterator[None]:
    """Tell in one line that another process of the training has gone."""
    try:
        yield
    except LOST as error:
        told = re.sub(r"\{\{.*?\}\}", "", error.message.splitlines()[0]).strip()
        raise LostWorkerError(
            f"Another worker of the training has gone or does not answer: {told[:300]}. Start all "
            "workers again with --resume."
        ) from error
