"""The executor of work that is divided into jobs: on a Ray cluster, or on this machine."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from mtl_keras.jobs.local_processes import in_processes
from mtl_keras.jobs.ray_cluster import wanted
from mtl_keras.jobs.ray_tasks import as_ray_tasks

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_parallel(
    work: Callable[[Job, Any], Result],
    jobs: Sequence[Job],
    common: Any,
    workers: int | None = None,
    address: str | None = None,
) -> Iterator[tuple[Job, Result]]:
    """Run `work(job, common)` for each job; results come in order of completion.

    The jobs run as Ray tasks if an address is given, `RAY_ADDRESS` is set, or this process is
    connected to Ray, and in processes of this machine else. Whoever stops early, by an error, by
    Ctrl-C or by taking no more results, ends the jobs that are running.

    Args:
        work: A function at the top of a module, so that another process can import it.
        jobs: The arguments that differ between jobs.
        common: The argument common to all jobs; sent to each process once.
        workers: Number of jobs at a time. Default None: as many as the Ray cluster has CPUs; on
            this machine 1. With 1, without Ray, this process does the work.
        address: The Ray cluster: see `ray_cluster.connected`. Default None.

    Yields:
        Each job and its result.

    Raises:
        TrainingError: if a process is killed; of Ray's, one that is killed again in a second
            attempt.
        ConfigError: if Ray is wanted and not installed, or no cluster answers.
        Exception: what `work` raises, as it is.

    Example:

    >>> list(in_parallel(pow, [2, 3], 10))
    [(2, 1024), (3, 59049)]
    """
    if not jobs:
        return
    if wanted(address):
        yield from as_ray_tasks(work, jobs, common, workers, address)
    elif workers in (None, 1):
        for job in jobs:
            yield job, work(job, common)
    else:
        yield from in_processes(work, jobs, common, workers)
