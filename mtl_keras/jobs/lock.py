"""One process at a time: a lock that ends with the process that holds it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mtl_keras.errors import ConfigError

try:
    import fcntl
except ImportError:  # on Windows, where a file that is open elsewhere cannot be removed
    fcntl = None  # type: ignore[assignment]


_HELD: set[Path] = set()


@contextlib.contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Within the block, keep other processes out of blocks with the same file.

    Blocks of one process may be nested.

    Args:
        path: The lock file, which is created if it does not exist, and never removed.
        what: What happens in the block, for the message, e.g. `"a training into models/shop"`.

    Yields:
        Nothing.

    Raises:
        ConfigError: if another process is in such a block.

    Example:

    >>> import tempfile
    >>> with exclusive(Path(tempfile.mkdtemp()) / "lock", "a training"):
    ...     pass  # no other training can begin here
    """
    given, path = path, path.parent.resolve() / path.name
    if path in _HELD:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _opened(given) as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise ConfigError(
                    f"Another process does {what} now (process {file.read().strip() or 'unknown'})."
                    " Wait until it has ended, or use another name."
                ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        _HELD.add(path)
        try:
            yield
        finally:
            _HELD.discard(path)


def _opened(path: Path) -> IO[str]:
    """Open the lock file to read and write, without following a link that somebody planted."""
    try:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        return os.fdopen(os.open(path, flags, 0o666), "r+")
    except OSError as error:
        if path.is_symlink():
            raise ConfigError(
                f"{path} is a symbolic link. Expected a file of mtl_keras's own. Remove it."
            ) from error
        raise
