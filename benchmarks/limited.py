"""Commands that may have so much memory and no more: the kernel ends one that takes more."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

EMPTY = "import tensorflow as tf; tf.constant(0.0)"
VERSIONS = {  # of control groups: where they are, the file of the limit
    Path("/sys/fs/cgroup/memory"): "memory.limit_in_bytes",
    Path("/sys/fs/cgroup"): "memory.max",
}


class Outcome(NamedTuple):
    """How a command ended.

    Attributes:
        code: Its exit code; -9 where the kernel ended it.
        output: What it printed.
        peak: The most memory that it had, in bytes (resident, its files in memory not counted).
        seconds: How long it took.
        cpu: Seconds of processor time, all threads together.
    """

    code: int
    output: str
    peak: int
    seconds: float
    cpu: float


def run(command: Sequence[str], limit: int | None = None, folder: Path | None = None) -> Outcome:
    """Run a command that may have `limit` bytes of memory, in a control group of its own.

    Where no group can be made, its data segment is limited instead (`ulimit -d`).

    Args:
        command: The command and its arguments.
        limit: Bytes. Default None: no limit.
        folder: Where it runs. Default: here.
    """
    group = None if limit is None else _group(limit)

    def before() -> None:
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()))
        elif limit is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    start = time.perf_counter()
    try:
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            preexec_fn=before,
        )
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if group is not None:
            group.rmdir()
    seconds = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    return Outcome(child.returncode, output, 1024 * usage.ru_maxrss, seconds, cpu)


def empty() -> int:
    """The memory of a process that has TensorFlow loaded and nothing else done."""
    return run([sys.executable, "-c", EMPTY]).peak


def _group(limit: int) -> Path | None:
    """A control group with a limit of memory; None where none can be made."""
    for mount, name in VERSIONS.items():
        group = mount / f"limited-{os.getpid()}"
        try:
            group.mkdir()
            (group / name).write_text(str(limit))
        except OSError:
            if group.is_dir():
                group.rmdir()
            continue
        return group
    return None
