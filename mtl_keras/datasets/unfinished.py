"""Names of files and folders that are not finished, which other processes leave alone."""

import ctypes
import os
import platform
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

UNFINISHED = ".unfinished-"
SYNCHRONIZE, STILL_RUNS, NO_SUCH_PROCESS = 0x100000, 0x102, 87  # of Windows


def unfinished_prefix(process: int | None = None) -> str:
    """Return the prefix of the names of a process's unfinished files on this machine.

    Args:
        process: The number of the process. Default None: this one.

    Example:

    >>> unfinished_prefix(7).startswith(".unfinished-"), unfinished_prefix(7).endswith("-7-")
    (True, True)
    """
    host = "".join(c for c in platform.node() if c.isalnum()) or "here"
    return f"{UNFINISHED}{host}-{os.getpid() if process is None else process}-"


def unfinished_path(folder: Path) -> Path:
    """Return a path in a folder for something unfinished, which no other process uses.

    Example:

    >>> unfinished_path(Path("models")) == unfinished_path(Path("models"))
    False
    """
    return folder / f"{unfinished_prefix()}{secrets.token_hex(4)}"


def remove_what_the_dead_left(folder: Path) -> None:
    """Remove unfinished files and folders of processes that were killed on this machine."""
    here = unfinished_prefix(0).removesuffix("0-")
    for path in folder.glob(f"{UNFINISHED}*"):
        process = path.name.removeprefix(here).split("-")[0]
        if path.name.startswith(here) and process.isdigit() and not _lives(int(process)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Create a folder, and raise an OSError if nothing can be written to it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"probe")
        file.flush()


def _lives(process: int) -> bool:
    if sys.platform == "win32":  # where `os.kill` would end the process
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel.OpenProcess(SYNCHRONIZE, False, process))
        if not handle:
            return ctypes.get_last_error() != NO_SUCH_PROCESS
        try:
            return bool(kernel.WaitForSingleObject(handle, 0) == STILL_RUNS)
        finally:
            kernel.CloseHandle(handle)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
