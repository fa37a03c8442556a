"""Says what is kept after Ctrl-C, and how to continue."""

import contextlib
from collections.abc import Callable, Iterator

import typer

INTERRUPTED = 130  # exit code of a process that Ctrl-C ended


@contextlib.contextmanager
def on_interrupt(told: Callable[[], str]) -> Iterator[None]:
    """Within the block, Ctrl-C ends the command with a line on the error stream.

    Args:
        told: A function that returns what is kept and how to continue, in sentences.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"interrupted. {told()}".rstrip(), err=True)
        raise typer.Exit(INTERRUPTED) from None
