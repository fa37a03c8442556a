"""Jobs that `tests/test_parallel.py` divides among processes, of which each imports this file.

It imports next to nothing, since some of these processes are there to be killed.
"""

import os
import signal
import time
from pathlib import Path

from mtl_keras.errors import DataError
from mtl_keras.jobs import ray_cluster


def of_process(job, common):
    return os.getpid(), id(common), float(common[job])


def waiting(file, common):
    """Makes a file, or waits for one to be there whose name begins with a question mark."""
    if not file.name.startswith("?"):
        return file.touch()
    while not file.with_name(file.name[1:]).is_file():
        time.sleep(0.05)
    return time.sleep(0.5)  # by then, the result of the other job has come


def refused(job, common):
    raise DataError(f"Row {job} has no age.")


def killed(note, common):
    """Dies, unless a process that did so left a note."""
    if not Path(note).is_file():
        Path(note).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "after all"


class OnlyHere:
    """What no other process can unpickle."""

    def __reduce__(self):
        return found, ("shop", os.getpid())


def found(module, process):
    if os.getpid() != process:
        raise ModuleNotFoundError(f"No module named {module!r}")
    return OnlyHere()


def is_wanted(job, common):
    return ray_cluster.wanted()
