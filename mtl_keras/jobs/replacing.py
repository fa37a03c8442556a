"""A file that is there as a whole or not at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A new file, which takes the place of `path` when the block ends, or is removed if it fails.

    What a process that was killed has left is written anew, and no symbolic link is followed: the
    folder may come from elsewhere.

    Args:
        path: The file, in a folder that exists or is made.

    Yields:
        The open file, binary.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.bin"
    >>> with replaced(path) as file:
    ...     _ = file.write(b"all of it")
    >>> path.read_bytes()
    b'all of it'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with unfinished.open("xb") as file:
            yield file
        unfinished.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # it takes room that others need
            unfinished.unlink(missing_ok=True)
        raise
