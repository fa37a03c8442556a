"""What is printed on the error stream."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any


def one_line_once() -> Callable[..., str]:
    """Return what prints each warning once, in a line, in the place of `warnings.formatwarning`.

    Example:

    >>> form = one_line_once()
    >>> form("no label"), form("no label")
    ('warning: no label\\n', '')
    """
    told: set[str] = set()

    def line(message: object, *_: Any, **__: Any) -> str:
        text = f"warning: {message}\n"
        new = text not in told
        told.add(text)
        return text if new else ""

    return line


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """A block without what libraries in C++ print on the error stream, which no setting stops."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
