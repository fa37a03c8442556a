"""What Ctrl-C leaves, and how to go on."""

import contextlib
from collections.abc import Callable, Iterator

import typer

INTERRUPTED = 130  # the exit code of a process that Ctrl-C ended


@contextlib.contextmanager
def going_on(told: Callable[[], str]) -> Iterator[None]:
    """Within the block, Ctrl-C ends the command with a line on the error stream.

    Args:
        told: What is kept and how to go on, in sentences; asked for once it is needed.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"interrupted. {told()}".rstrip(), err=True)
        raise typer.Exit(INTERRUPTED) from None
