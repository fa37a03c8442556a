"""Prints a command's lines, with a progress line below them."""

import sys
import time
from collections.abc import Callable
from typing import Any

import typer

WIDTH = 24  # width of the bar
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"  # shown if the progress is unknown
PER_SECOND = 10.0  # seconds between two drawings of the progress line, at least

Now = Callable[[], tuple[str, float | None]]
"""What is going on: a line, and the share that is done, from 0 to 1, or None if unknown."""


class Terminal:
    """Prints lines and, if the stream is a terminal, a progress line below them.

    A thread of its own updates the progress line ten times a second, so that the work itself need
    not do anything.

    Args:
        error: Whether to print on the error stream. Default False.

    Attributes:
        moves: Whether there is a progress line.
    """

    def __init__(self, error: bool = False) -> None:
        self.error = error
        self.moves = bool((sys.stderr if error else sys.stdout).isatty()) and _steerable(error)
        self._live: Any = None
        self._now: Now = lambda: ("", None)

    def __call__(self, line: str) -> None:
        """Print a permanent line."""
        if self._live is None:
            typer.echo(line, err=self.error)
        else:
            self._live.console.print(
                line, markup=False, highlight=False, emoji=False, soft_wrap=True
            )

    def moving(self, now: Now | None) -> None:
        """Show what a function returns on the progress line, until another one or None is given."""
        if not self.moves:
            return
        if now is None:
            self.close()
            return
        self._now = now
        if self._live is None:
            self._live = _live(self._drawn, self.error)
            self._live.start()

    def close(self) -> None:
        """Remove the progress line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _drawn(self) -> Any:
        from rich.text import Text

        text, share = self._now()
        line = Text(no_wrap=True, overflow="ellipsis")
        if share is None:
            line.append(SPINNER[int(time.monotonic() * PER_SECOND) % len(SPINNER)])
        else:
            done = round(WIDTH * share)
            line.append("━" * done, "green").append("━" * (WIDTH - done), "dim")
        return line.append(f" {text}")


def _live(draw: Callable[[], Any], error: bool) -> Any:
    from rich.console import Console
    from rich.live import Live

    return Live(
        get_renderable=draw,
        console=Console(stderr=error),
        refresh_per_second=PER_SECOND,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=sys.stderr.isatty(),
    )


def _steerable(error: bool) -> bool:
    """Return whether a terminal can show a progress line: move its cursor, and print Unicode."""
    from rich.console import Console

    console = Console(stderr=error)
    unicode = console.encoding.lower().startswith("utf")
    return console.is_terminal and not console.is_dumb_terminal and unicode
