"""Runs work that is divided into jobs on a Ray cluster or on this machine."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from mtl_keras.jobs.local_processes import processes
from mtl_keras.jobs.ray_cluster import wanted
from mtl_keras.jobs.ray_tasks import ray_tasks

Job = TypeVar("Job")
Result = TypeVar("Result")
Executor = Callable[[Callable[[Any, Any], Any], Sequence[Any]], Iterator[tuple[Any, Any]]]


@contextlib.contextmanager
def executor(
    common: Any, workers: int | None = None, address: str | None = None
) -> Iterator[Executor]:
    """Yield a function that runs `work(job, common)` for each of some jobs, in parallel.

    The jobs run as Ray tasks of one CPU each if an address is given, if `RAY_ADDRESS` is set, or if
    this process is connected to Ray. Otherwise they run in processes of this machine, which share
    its cores. Whatever still runs at the end of the block is stopped, also after an error or
    Ctrl-C.

    Args:
        common: The argument common to all jobs, which is sent to each process once.
        workers: Number of jobs at a time. Default None: as many as the Ray cluster has CPUs; 1
            without Ray. With 1 and without Ray, this process does the work.
        address: The Ray cluster: see `ray_cluster.connected`. Default None.

    Yields:
        A function of the work and the jobs, which iterates over jobs and their results in order of
        completion. The work must be defined at the top of a module, so that other processes can
        import it. Its errors are raised as they are.

    Raises:
        TrainingError: if a process is killed; with Ray, if it is killed in a second attempt as
            well.
        ConfigError: if Ray is requested but not installed, or if no cluster responds.

    Example:

    >>> with executor(10) as run:
    ...     list(run(pow, [2, 3]))
    [(2, 1024), (3, 59049)]
    """
    if wanted(address):
        with ray_tasks(common, workers, address) as run:
            yield run
    elif workers in (None, 1):
        yield lambda work, jobs: ((job, work(job, common)) for job in jobs)
    else:
        with processes(common, workers) as run:
            yield run


def in_parallel(
    work: Callable[[Job, Any], Result],
    jobs: Sequence[Job],
    common: Any,
    workers: int | None = None,
    address: str | None = None,
) -> Iterator[tuple[Job, Result]]:
    """Yield each job and its result, in order of completion, from an `executor` of its own.

    Args:
        work: A function of a job and of `common`, at the top of a module.
        jobs: The jobs.
        common: See `executor`.
        workers: See `executor`. Default None.
        address: See `executor`. Default None.

    Yields:
        A job, and what `work` returned for it.

    Example:

    >>> list(in_parallel(pow, [2, 3], 10))
    [(2, 1024), (3, 59049)]
    """
    if jobs:
        with executor(common, workers, address) as run:
            yield from run(work, jobs)
