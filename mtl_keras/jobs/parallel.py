"""The executor of work that is divided into jobs: on a Ray cluster, or on this machine."""

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
    """A block with a function that runs `work(job, common)` for each of some jobs, in parallel.

    The jobs run as Ray tasks of one CPU each if an address is given, `RAY_ADDRESS` is set, or this
    process is connected to Ray; else in processes of this machine, which share its cores. Whatever
    still runs at the end of the block is ended: after an error, too, or Ctrl-C.

    Args:
        common: The argument common to all jobs; sent to each process once.
        workers: Number of jobs at a time. Default None: as many as the Ray cluster has CPUs;
            without Ray 1. With 1, without Ray, this process does the work.
        address: The Ray cluster: see `ray_cluster.connected`. Default None.

    Yields:
        A function of the work, which stands at the top of a module, so that another process can
        import it, and of the jobs. It iterates over each job and its result, in order of
        completion. An error of the work is raised as it is.

    Raises:
        TrainingError: if a process is killed; of Ray's, one that is killed in a second attempt too.
        ConfigError: if Ray is wanted and not installed, or no cluster answers.

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
    """Each job and its result, in order of completion, from an `executor` of its own.

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
