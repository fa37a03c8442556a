"""Names of files and folders that are not finished, which other processes leave alone."""

import os
import platform
import shutil
import tempfile
from pathlib import Path

UNFINISHED = ".unfinished-"


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
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
