"""Jobs in processes: one that is killed is told of."""

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

import pytest

from mtl_keras.errors import TrainingError
from mtl_keras.jobs import in_parallel


def test_a_process_that_is_killed_is_told_of(monkeypatch):
    def killed(*_):
        future = Future()
        future.set_exception(BrokenProcessPool("terminated abruptly"))
        return future

    monkeypatch.setattr(ProcessPoolExecutor, "submit", killed)
    with pytest.raises(TrainingError, match=r"was killed.*what is finished is kept"):
        list(in_parallel(print, [1, 2], None, workers=2))
