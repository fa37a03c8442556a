"""Jobs in processes of this machine, which share its cores."""

import contextlib
import functools
import os
import pickle
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from mtl_keras.declaring.error_stream import one_line_once, silenced
from mtl_keras.errors import TrainingError
from mtl_keras.jobs.ray_cluster import HELPS

KILLED = (
    "A process that was working was killed, perhaps because memory ran out{}. Run the same again, "
    "with fewer at a time (workers, --workers) if memory is short: what is finished is kept."
)


@contextlib.contextmanager
def processes(common: Any, workers: int) -> Iterator[Callable[..., Iterator[tuple[Any, Any]]]]:
    """Yield a function that runs jobs in processes: see `executor`."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = get_context("spawn")
    needed, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        workers, context, initializer=_start, initargs=(_Sent(threads, common), needed)
    )
    with pool, ours:  # `ours` is closed first, which ends processes that still work
        yield functools.partial(_results, pool)


def _results(
    pool: ProcessPoolExecutor, work: Callable[[Any, Any], Any], jobs: Sequence[Any]
) -> Iterator[tuple[Any, Any]]:
    running = {pool.submit(_in_process, pickle.dumps((work, job))): job for job in jobs}
    try:
        for done in as_completed(running):
            yield running.pop(done), done.result()
    except BrokenProcessPool as error:
        raise TrainingError(KILLED.format("")) from error
    finally:
        for future in running:
            future.cancel()


@dataclass(frozen=True)
class _Sent:
    """The argument common to all jobs, for a process that is set up before it reads it."""

    threads: int
    common: Any

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (self.threads, pickle.dumps(self.common))


def _received(threads: int, sent: bytes) -> Any:
    set_up(threads)
    return _read(sent)


def _read(sent: bytes) -> Any:
    """Unpickle what was sent, which may import TensorFlow, without its notices."""
    with silenced():
        return pickle.loads(sent)


_COMMON: list[Any] = []


def _start(common: Any, needed: Connection) -> None:
    """Set up a new process: its warnings, the common argument, and its end.

    It ends when the other end of `needed` closes: because its work is no longer needed, or because
    the process that started it was killed and cannot stop its workers. Ctrl-C is left to that
    process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.formatwarning = one_line_once()
    _COMMON.append(common)
    threading.Thread(target=_end_with, args=(needed,), daemon=True).start()


def _end_with(needed: Connection) -> None:
    needed.poll(None)  # returns when the pipe closes: nothing is ever sent
    os._exit(1)


def set_up(threads: int) -> None:
    """Give this process its share of cores, unless TensorFlow has already started."""
    share = {"TF_NUM_INTRAOP_THREADS": str(threads), "TF_NUM_INTEROP_THREADS": "1"}
    os.environ |= {HELPS: "1", **share}


def _in_process(sent: bytes) -> Any:
    work, job = _read(sent)
    return work(job, _COMMON[0])
