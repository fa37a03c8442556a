"""Work that several processes of a Ray cluster do together, with Ray Train."""

import contextlib
import importlib
import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mtl_keras.errors import ConfigError, LostWorkerError, MTLError, TrainingError
from mtl_keras.jobs.ray_cluster import Cluster, connected, room

NO_ROOM = (  # errors of Ray Train that say so, which it does not export
    "InsufficientClusterResourcesError",
    "WorkerGroupStartupFailedError",
    "WorkerGroupStartupTimeoutError",
)
RESTARTS = 3  # restarts of all workers after one is lost
STARTS = 5  # minutes that Ray waits for machines before it gives up


@dataclass(frozen=True)
class Worker:
    """What a process knows about the work that it does with others.

    Attributes:
        rank: Its number. Only number 0, the chief, reports.
        job: A function that fetches the work of all processes. Call it after TensorFlow has joined
            the others, because unpickling may compute something.
        folder: A folder of its own, with the files that were stored last.
        tell: A function that sends a line, a warning, or anything else that `show` of `together`
            accepts, to the process that started the work.
    """

    rank: int
    job: Callable[[], Any]
    folder: Path
    tell: Callable[[Any], None]

    def keep(self) -> None:
        """Store the chief's folder, to continue from it when workers start again.

        All workers must call this, and wait for each other in it.
        """
        train = importlib.import_module("ray.train")
        chief = self.rank == 0
        train.report({}, checkpoint=train.Checkpoint.from_directory(self.folder) if chief else None)


def together(
    cluster: Cluster,
    work: Callable[[Worker], None],
    job: Any,
    folder: Path,
    name: str,
    show: Callable[[Any], None] = print,
) -> None:
    """Run `work(worker)` in all processes at once, as TensorFlow's `TF_CONFIG` needs it.

    If a process or its machine is lost, all start again from what was stored last, at most three
    times. An `MTLError` ends the work, and is raised here unchanged.

    Args:
        cluster: The processes.
        work: A function that a process can import.
        job: What all processes work on, sent to each machine once.
        folder: Folder with the files from which the work starts. When it ends, the folder contains
            those that were stored last.
        name: Name of the work in the storage. What was stored under it is continued.
        show: A function that prints a line, and accepts everything else that the chief reports.

    Raises:
        ConfigError: if there is no cluster, if it is too small, or if the job cannot be sent.
        TrainingError: if processes are lost again and again, or do not start within five minutes.
    """
    storage = cluster.storage or str(folder)
    storage = storage if "://" in storage else os.path.abspath(storage)
    place = f"{storage}/{name}"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"  # relative paths are those of this process
    with connected(cluster.address, cluster.verbose) as ray, _heard(ray, show) as heard:
        cluster.check_room(ray, show)
        train, tensorflow = map(importlib.import_module, ("ray.train", "ray.train.tensorflow"))
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        with _named(ray, train, cluster), _interruptible():
            trainer = tensorflow.TensorflowTrainer(
                partial(_in_worker, work, _sent(ray, job), files, heard, os.getcwd(), place),
                scaling_config=train.ScalingConfig(
                    num_workers=cluster.workers,
                    use_gpu=cluster.gpus_per_worker > 0,
                    resources_per_worker=cluster.each,
                    placement_strategy="SPREAD",
                ),
                run_config=train.RunConfig(
                    name=name,
                    storage_path=storage,
                    failure_config=train.FailureConfig(
                        max_failures=RESTARTS, controller_failure_limit=STARTS - 1
                    ),
                    checkpoint_config=train.CheckpointConfig(num_to_keep=1),
                    callbacks=[_watch(train, heard)],
                ),
            )
            result = trainer.fit()
        if result.checkpoint is not None:
            result.checkpoint.to_directory(folder)
        result.filesystem.delete_dir(result.path)


def _sent(ray: Any, job: Any) -> Any:
    """Return a reference to a job in Ray's object store."""
    try:
        return ray.put(job)
    except TypeError as error:
        raise ConfigError(
            f"The training cannot be sent to workers: {_line(error.__cause__ or error)}. Expected "
            "features, tasks and data that pickle can copy. Train in one process, without workers."
        ) from error


def _in_worker(
    work: Callable[[Worker], None],
    sent: Any,
    files: dict[str, bytes],
    heard: Any,
    where: str,
    place: str,
) -> None:
    """Do the work in a process of the cluster."""
    os.environ.pop("TF_USE_LEGACY_KERAS", None)  # Ray Train sets it, and it means Keras 2
    if os.path.isdir(where):
        os.chdir(where)
    train = importlib.import_module("ray.train")
    rank = train.get_context().get_world_rank()
    tell = heard.put if rank == 0 else lambda told: None
    warnings.showwarning = lambda message, *_, **__: tell(message)
    job = partial(importlib.import_module("ray").get, sent)
    with tempfile.TemporaryDirectory() as own:
        folder, kept = Path(own), train.get_checkpoint()
        if kept is not None:
            kept.to_directory(folder)
        else:
            for name, content in files.items():
                (folder / name).write_bytes(content)
        try:
            work(Worker(rank, job, folder, tell))
        except MTLError as error:  # for a file that the user knows by its place in the storage
            raise type(error)(str(error).replace(own, place)) from error


def _watch(train: Any, heard: Any) -> Any:
    """Return a callback of Ray Train with which our errors end the work, without a restart."""

    class Watch(train.UserCallback):
        left = RESTARTS

        def after_exception(
            self, run_context: Any, worker_exceptions: dict[int, Exception]
        ) -> None:
            for error in worker_exceptions.values():
                if isinstance(error, MTLError) and not isinstance(error, LostWorkerError):
                    raise error
            self.left -= 1
            if self.left >= 0:
                heard.put("a worker was lost: all start again")

    return Watch()


@contextlib.contextmanager
def _heard(ray: Any, show: Callable[[str], None]) -> Iterator[Any]:
    """Yield a queue for what the chief reports, which is shown here as it comes."""
    queue = importlib.import_module("ray.util.queue").Queue(actor_options={"num_cpus": 0})

    def listen() -> None:
        for told in iter(queue.get, None):
            if isinstance(told, Warning):
                warnings.warn(told, stacklevel=2)
            else:
                show(told)

    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    try:
        yield queue
    finally:
        with contextlib.suppress(ray.exceptions.RayError):  # if the cluster itself is lost
            queue.put(None)
        listening.join()
        queue.shutdown(force=True)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the work as in Ray Train, and then raise what Python does."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:  # raised by Ray Train's handler
        raise KeyboardInterrupt from stop
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _named(ray: Any, train: Any, cluster: Cluster) -> Iterator[None]:
    """Within the block, raise errors of Ray Train as ours."""
    try:
        yield
    except train.ControllerError as error:
        cause = error.controller_failure
        if isinstance(cause, MTLError):
            raise cause from None
        if type(cause).__name__ in NO_ROOM:
            seconds = STARTS * float(os.environ.get("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", 60))
            raise TrainingError(
                f"{cluster} did not start within {seconds:.0f} s. {room(ray)} Wait for machines or "
                "ask for less, then resume with --resume: a checkpoint has what was trained."
            ) from error
        if isinstance(cause, ray.exceptions.RayActorError):
            raise TrainingError(
                f"{cluster} lost a machine, and Ray Train could not continue: "
                f"{_line(cause)}. {room(ray)} Wait for machines or ask for fewer workers, then "
                "resume with --resume: a checkpoint has what was trained."
            ) from error
        raise TrainingError(f"Ray Train failed: {_line(cause)}.") from error
    except train.WorkerGroupError as error:
        cause = next(iter(error.worker_failures.values()))
        raise TrainingError(
            f"Workers ended {RESTARTS + 1} times, at last with {_line(cause)}. If they were "
            "killed, memory may have run out: use machines with more of it, or fewer workers on "
            "each; then resume with --resume: a checkpoint has what was trained."
        ) from error


def _line(error: BaseException) -> str:
    """Return the first line of an error, with its type."""
    line = next(iter(str(error).splitlines()), "").strip().rstrip(".")
    return f"{type(error).__name__}: {line[:200]}"
