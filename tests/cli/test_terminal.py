"""The line that moves on a terminal, and the lines that stay."""

import contextlib
import os
import pty
import re
import sys
import time

import pytest

from mtl_keras.cli.terminal import Terminal


@contextlib.contextmanager
def screen(monkeypatch, kind="xterm"):
    """A block with a pseudo-terminal as standard output; yields a list of all written to it."""
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setenv("COLUMNS", "100")
    parts = []
    with os.fdopen(theirs, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        yield parts
    with os.fdopen(ours, "rb", buffering=0) as stream, contextlib.suppress(OSError):
        while part := stream.read(2**16):  # an error at the end, when the other side is closed
            parts.append(part.decode())


def test_one_line_moves_and_lines_stay_above_it(monkeypatch):
    drawn, deadline = [], time.monotonic() + 300  # of a machine that is busy

    def now():
        drawn.append(len(drawn))
        return f"step {drawn[-1]} [red]", 0.5

    with screen(monkeypatch) as parts, contextlib.closing(Terminal()) as show:
        assert show.moves
        show("before")
        show.moving(now)
        while len(drawn) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)  # it is drawn without being told to
        show("between [bold] 12")
    written = "".join(parts)
    assert re.match(r"before\r\n.*step \d+ \[red\].*step 4 ", written, re.S)
    assert "between [bold] 12\r\n" in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", written)
    assert written.endswith("\x1b[2K")  # nothing of it remains


def test_an_error_ends_the_line_that_moves(monkeypatch):
    with (
        screen(monkeypatch) as parts,
        pytest.raises(KeyboardInterrupt),
        contextlib.closing(Terminal()) as show,
    ):
        show.moving(lambda: ("working", None))
        raise KeyboardInterrupt
    assert "".join(parts).endswith("\x1b[2K")


def test_no_line_moves_where_there_is_no_terminal(capsys):
    with contextlib.closing(Terminal()) as show:
        show.moving(lambda: pytest.fail("it was asked"))
        show("one line")
    assert capsys.readouterr().out == "one line\n" and not show.moves


def test_a_terminal_whose_cursor_cannot_move_is_none(monkeypatch):
    with screen(monkeypatch, kind="dumb"):
        assert not Terminal().moves
