"""One training by several processes, as `TF_CONFIG` in the environment declares them."""

import atexit
import contextlib
import functools
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context as eager  # has no public name

from mtl_keras.errors import ConfigError, LostWorkerError, TrainingError
from mtl_keras.model import MultiTaskModel
from mtl_keras.model.replicas import agreed, patience
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

    @property
    def count(self) -> int:
        """Number of the processes."""
        if self.strategy is None:
            return 1
        return self.strategy.num_replicas_in_sync // len(self.strategy.extended.worker_devices)

    def scope(self) -> AbstractContextManager[Any]:
        """A block in which networks are built and trained on all processes.

        A strategy whose scope the caller has entered, such as a `MirroredStrategy`, stays.
        """
        if self.strategy is None:
            return contextlib.nullcontext()
        return self.strategy.scope()

    def agreed(self, number: int) -> int:
        """A number that differs between the processes, as the first one has it."""
        return number if self.strategy is None else agreed(self.strategy, number)

    def check_equal(self, number: int, what: str) -> None:
        """Raise a TrainingError if a number is not the same in all processes.

        Args:
            number: The number in this process.
            what: What it is, for the error.
        """
        if (first := self.agreed(number)) != number:
            raise TrainingError(
                f"Worker {self.index} has {number} as {what}, the first worker {first}. Expected "
                "the same on all: give all workers the same files, in a shared folder."
            )

    @contextlib.contextmanager
    def ending_together(self) -> Iterator[None]:
        """Within the block, an error of one worker ends all, and the others tell whose it was.

        The processes of a cluster that is broken can only end: their exit code is 1.

        Raises:
            LostWorkerError: if another worker has ended, or does not answer.
        """
        try:
            yield
        except BaseException as error:
            if self.strategy is None:
                raise
            atexit.register(_leave)
            message = str(getattr(error, "message", ""))
            if isinstance(error, LOST) or BARRIER.match(message):
                told = lost(message, os.environ.get("TF_CONFIG", ""))
                raise LostWorkerError(f"{told} Start all workers again with --resume.") from error
            told = " ".join(f"{str(error) or type(error).__name__}".split())[:MOST_TOLD]
            with contextlib.suppress(tf.errors.OpError):  # the others may have gone already
                eager.context().report_error_to_cluster(tf.errors.ABORTED, told)
            raise

    def local(self, model: MultiTaskModel) -> MultiTaskModel:
        """The model with variables of this process alone, which it can export by itself."""
        if self.strategy is None:
            return model
        copy = compiled_like(type(model).from_config(model.get_config()), model)
        copy.set_weights(model.get_weights())
        return copy


ALONE = Workers()
LOST = (tf.errors.UnavailableError, tf.errors.DeadlineExceededError, tf.errors.AbortedError)
BARRIER = re.compile(r"Barrier |Task \S+ is already in error")  # of an InternalError
MOST_TOLD = 500  # characters of an error that others hear of
REPORTED = re.compile(
    r"(?:Error reported from /job:\S+|(?:set to ERROR|Task error): ABORTED): (.*?)"
    r"(?= \[type\.googleapis|$)",
    re.M,
)


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
            "this process, so it cannot join them. Start the training before anything else in "
            f"the process. ({error})"
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
    hosts, addresses = zip(*_tasks(cluster)) if any(kinds.values()) else ((), ())
    if not all(isinstance(a, str) and a.rpartition(":")[2].isdigit() for a in addresses):
        raise refuse("list addresses `host:port`")
    if len(set(addresses)) < len(addresses):
        raise refuse("name each address once")
    if not isinstance(task, dict) or (task.get("type"), task.get("index")) not in hosts:
        raise refuse("have this process as `task`, with the type and index of an address")
    return hosts.index((task["type"], task["index"])), len(hosts)


def lost(message: str, config: str) -> str:
    """Which workers have gone, and why, as far as a message of TensorFlow tells.

    Args:
        message: The message of a collective operation, a barrier or a heartbeat that failed.
        config: The `TF_CONFIG` of this process.

    Example:

    >>> config = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'
    >>> lost("Error reported from /job:worker/task:1: No file a.csv.", config)
    'Worker 1 (b:1) has ended: No file a.csv.'
    """
    declared = json.loads(config) if config else {"cluster": {}, "task": {}}
    numbered = enumerate(_tasks(declared["cluster"]))
    names = {task: f"worker {number} ({address})" for number, (task, address) in numbered}
    me = declared["task"].get("type"), declared["task"].get("index")
    said = re.sub(r"first task at the barrier: \S+", "", message)
    met = {
        (kind, int(n)) for kind, n in re.findall(r"/job:(\w+)(?:/replica:\d+)?/task:(\d+)", said)
    }
    met -= {me}  # operations of this process are named, too
    if not met and re.search("Barrier timed out|th instance|already-in-error", message):
        return "The other workers took this one for dead, as it did not answer."
    if not met and "CoordinationService" in message:  # which the first one provides
        met = set(list(names)[:1])
    who = " and ".join(names[task] for task in sorted(met) if task in names)
    who = who[:1].upper() + who[1:] if who else "Another worker of the training"
    reported = re.search(REPORTED, message)
    if "Barrier timed out" in message:
        return (
            f"{who} has not come to the next steps within {patience():g} seconds. Does it hang, in "
            "a file that does not answer? If it is only slow, set MTL_KERAS_PATIENCE higher."
        )
    if reported and "heartbeat" not in message:
        return f"{who} has ended: {reported[1]}"
    cause = re.sub(r".*aborted by: ", "", message, count=1, flags=re.S).splitlines()[0]
    return f"{who} has gone or does not answer" + ("." if met else f": {cause[:300]}.")


def _leave() -> None:
    """End this process now. TensorFlow would wait for readers, which wait for Python."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _tasks(cluster: Mapping[str, Sequence[str]]) -> list[tuple[tuple[str, int], str]]:
    """The tasks of a cluster in the order of the workers' numbers, with their addresses."""
    return [
        ((kind, number), address)
        for kind in ("chief", "worker")
        for number, address in enumerate(cluster.get(kind, []))
    ]
