"""Jobs as tasks of a Ray cluster."""

import contextlib
import functools
import importlib
import itertools
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mtl_keras.errors import ConfigError, TrainingError
from mtl_keras.jobs.local_processes import KILLED, set_up
from mtl_keras.jobs.ray_cluster import connected

CPUS = 1  # of a task
RETRIES = 1  # retries of a task whose process or machine is lost


@contextlib.contextmanager
def ray_tasks(
    common: Any, workers: int | None, address: str | None
) -> Iterator[Callable[..., Iterator[tuple[Any, Any]]]]:
    """Yield a function that runs jobs as Ray tasks: see `executor`."""
    with connected(address) as ray:
        at_once = workers or max(1, int(ray.cluster_resources().get("CPU", 1)) // CPUS)
        task = ray.remote(num_cpus=CPUS, max_retries=RETRIES)(_as_task)
        yield functools.partial(_results, ray, task, ray.put(common), at_once)


def _results(
    ray: Any,
    task: Any,
    common: Any,
    at_once: int,
    work: Callable[[Any, Any], Any],
    jobs: Sequence[Any],
) -> Iterator[tuple[Any, Any]]:
    waiting = iter(jobs)
    running: dict[Any, Any] = {}
    try:
        while True:
            for job in itertools.islice(waiting, at_once - len(running)):
                sent = pickle.dumps((work, job))
                running[task.remote(os.getcwd(), sys.path, sent, [common])] = job
            if not running:
                return
            (done,), _ = ray.wait(list(running), num_returns=1)
            yield running.pop(done), ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise TrainingError(KILLED.format(f" ({type(error).__name__})")) from error
    finally:
        for unneeded in running:
            ray.cancel(unneeded, force=True)


def _as_task(folder: str, path: Sequence[str], sent: bytes, common: Sequence[Any]) -> Any:
    """Do a job in a process of Ray.

    Args:
        folder: The working directory in which the work was started, so that relative paths mean the
            same on all machines that have it.
        path: Where modules are found, including the user's own.
        sent: The work and the job, pickled, to be read when their modules can be found.
        common: A list with the reference to the common argument. Ray does not resolve references in
            lists, so a process fetches it for its first job only.
    """
    ray = importlib.import_module("ray")
    if os.path.isdir(folder):
        os.chdir(folder)
    sys.path.extend(place for place in path if place not in sys.path)
    set_up(CPUS)
    try:
        work, job = pickle.loads(sent)
        given = _fetched(common[0])
    except (ImportError, AttributeError, ray.exceptions.RaySystemError) as error:
        why = str(error).splitlines()[0].removeprefix("System error: ").rstrip(".")
        raise ConfigError(
            f"A Ray process cannot load its work: {why}. Install the same "
            "packages on all machines, and send modules of your own along: connect with "
            'ray.init(runtime_env={"working_dir": "."}) first.'
        ) from error
    return work(job, given)


@functools.lru_cache(maxsize=1)
def _fetched(reference: Any) -> Any:
    return importlib.import_module("ray").get(reference)
