"""Files that are written completely or not at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mtl_keras.datasets.unfinished import remove_what_the_dead_left, unfinished_path
from mtl_keras.errors import naming


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file, which replaces `path` when the block ends, or is removed if it fails.

    Until then it has a unique name, so that processes that write the same file do not mix their
    contents, and no symbolic link is followed: the folder may come from someone else.

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
    remove_what_the_dead_left(path.parent)
    unfinished = unfinished_path(path.parent)
    try:
        with unfinished.open("xb") as file:
            yield file
        unfinished.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # it takes up space that others need
            unfinished.unlink(missing_ok=True)
        raise


def replace_file(path: Path, content: str | bytes) -> Path:
    """Write a whole file, as `replaced` does, and return its path.

    Args:
        path: The file.
        content: Its bytes, or its text.

    Returns:
        The path.

    Example:

    >>> import tempfile
    >>> replace_file(Path(tempfile.mkdtemp()) / "a.txt", "all of it").read_text()
    'all of it'
    """
    with naming(path), replaced(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)
    return path
