"""Runs jobs in separate processes, which share the machine's cores."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

import tensorflow as tf

from mtl_keras.errors import TrainingError

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Job, Any], Result], jobs: Sequence[Job], common: Any, workers: int
) -> Iterator[tuple[Job, Result]]:
    """Run `work(job, common)` for each job in parallel; results come in order of completion.

    Args:
        work: A function at the top of a module, so that a process can import it.
        jobs: The arguments that differ between jobs.
        common: The argument common to all jobs; sent to each process once.
        workers: Number of processes; with 1, or a single job, this process does the work.

    Yields:
        Each job and its result.

    Raises:
        TrainingError: if a process is killed.
    """
    if workers == 1 or len(jobs) <= 1:
        for job in jobs:
            yield job, work(job, common)
        return
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_start, initargs=(threads, common)
    )
    with pool:
        running = {pool.submit(_in_process, work, job): job for job in jobs}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        except BrokenProcessPool as error:
            raise TrainingError(
                "A process that was working was killed, perhaps because memory ran out. Run the "
                "same again, with fewer at a time (workers, --workers) if memory is short: what is "
                "finished is kept."
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_COMMON: list[Any] = []


def _start(threads: int, common: Any) -> None:
    """Set up a new process: its share of threads, the common argument, and an end with its parent.

    A parent that is killed cannot tell its workers to stop.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    _COMMON.append(common)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_process(work: Callable[[Any, Any], Any], job: Any) -> Any:
    return work(job, _COMMON[0])
