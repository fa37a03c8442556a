"""What killed processes left is removed, what living ones write is not, whatever the system."""

import ctypes
import os
import sys
from types import SimpleNamespace
from unittest.mock import Mock

from mtl_keras.datasets.unfinished import remove_what_the_dead_left, unfinished_prefix

RUNS, ENDED, OF_SOMEONE_ELSE, UNKNOWN = 7, 8, 9, 10


def test_on_windows_no_signal_is_sent_which_would_end_the_process(tmp_path, monkeypatch):
    """Windows is not at hand: its functions are imitated, as Microsoft documents them."""
    codes = {RUNS: 0, ENDED: 0, OF_SOMEONE_ELSE: 5, UNKNOWN: 87}  # access denied, no such process
    asked = []

    def opened(access, inherited, process):
        asked.append(process)
        return process if codes[process] == 0 else None

    kernel = SimpleNamespace(
        OpenProcess=Mock(side_effect=opened),
        WaitForSingleObject=lambda handle, _: 0x102 if handle.value == RUNS else 0,
        CloseHandle=Mock(),
    )
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: codes[asked[-1]], raising=False)
    monkeypatch.setattr(os, "kill", Mock(side_effect=AssertionError("a signal was sent")))
    monkeypatch.setattr(sys, "platform", "win32")
    paths = {process: tmp_path / f"{unfinished_prefix(process)}x" for process in codes}
    for path in paths.values():
        path.write_text("")
    remove_what_the_dead_left(tmp_path)
    assert {process for process, path in paths.items() if path.exists()} == {RUNS, OF_SOMEONE_ELSE}
    assert kernel.CloseHandle.call_count == 2
