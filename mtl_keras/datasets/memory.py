"""The memory that a program can use: of the machine, of its container, and by its limits."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")
NONE = 2**60  # a limit above this is none: cgroups of version 1 write a huge number


def available_memory() -> float:
    """Return the bytes of memory that are available; infinite if the system does not say.

    This is the minimum of what is left on the machine, in each control group of the program
    (versions 1 and 2, as used by containers, Kubernetes and Slurm; the page cache counts as free),
    and under `ulimit -v` and `ulimit -d`.
    """
    of_machine = [1024.0 * number for number in _numbers("proc/meminfo", "MemAvailable")]
    return min([float("inf"), *of_machine, *_of_groups(), *_of_process()])


def _of_groups() -> Iterator[float]:
    """Yield what is left in each group of the program, up to the root."""
    for line in _text("proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        mount = "sys/fs/cgroup/memory" if controllers else "sys/fs/cgroup"
        limit, usage, cached = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            if controllers
            else ("memory.max", "memory.current", "inactive_file")
        )
        for group in {path, *map(str, PurePosixPath(path).parents), "/"}:
            folder = f"{mount}{group}".rstrip("/")
            allowed, used = _text(f"{folder}/{limit}").strip(), _text(f"{folder}/{usage}").strip()
            if allowed.isdigit() and used.isdigit() and int(allowed) < NONE:
                freed = sum(_numbers(f"{folder}/memory.stat", cached))
                yield max(0.0, int(allowed) - max(0, int(used) - freed))


def _of_process() -> Iterator[float]:
    for limit, used in (("Max address space", "VmSize"), ("Max data size", "VmData")):
        for allowed in _numbers("proc/self/limits", limit):
            yield max(0.0, allowed - 1024.0 * sum(_numbers("proc/self/status", used)))


def _numbers(file: str, name: str) -> Iterator[int]:
    """Return the number after a name at the start of a line, if there is one."""
    found = re.search(rf"^{name}:?\s+(\d+)", _text(file), re.MULTILINE)
    if found:
        yield int(found[1])


def _text(file: str) -> str:
    try:
        return (ROOT / file).read_text()
    except OSError:
        return ""
