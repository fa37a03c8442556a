"""Files that are written completely or not at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file, which replaces `path` when the block ends, or is removed if it fails.

    Files of processes that were killed are overwritten, and symbolic links are not followed,
    because the folder may come from someone else.

    Args:
        path: The file, in a folder that is created if necessary.

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
        with contextlib.suppress(OSError):  # it takes up space that others need
            unfinished.unlink(missing_ok=True)
        raise
