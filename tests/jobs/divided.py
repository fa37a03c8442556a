"""Jobs that tests divide among processes, of which each imports this file.

It imports next to nothing, since some of these processes are there to be killed.
"""

import os
import signal
import sys
import time
from pathlib import Path

from mtl_keras.errors import DataError
from mtl_keras.jobs import ray_cluster


def of_process(job, common):
    return os.getpid(), id(common), float(common[job])


def waiting(file, common):
    """Makes a file, or waits for one to be there whose name begins with a question mark."""
    if not file.name.startswith("?"):
        file.touch()
        return
    limit = time.monotonic() + 300
    while not file.with_name(file.name[1:]).is_file():
        assert time.monotonic() < limit, file
        time.sleep(0.02)


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


def around(job, common):
    """Whether work would be divided further, and whether TensorFlow came along."""
    return ray_cluster.wanted(), "tensorflow" in sys.modules


def keep_and_fail(worker):
    """What each worker does that trains with others: keeps a file, then finds bad data."""
    worker.tell(f"job: {worker.job()}")
    (worker.folder / "note").write_text("kept")
    worker.keep()
    raise DataError("Column 'age' holds a text in row 7.")
