"""Requests that are answered together: which ones, and that none spoils another's answer."""

import asyncio
import threading

import numpy as np
import pytest

pytest.importorskip("mlserver", reason="MLServer is not installed: pip install 'mtl_keras[serve]'")

from mtl_keras.serving.gathering import Gathering


class Model:
    """Doubles numbers, once it is let go, and notes the rows of each call."""

    def __init__(self):
        self.calls, self.free = [], threading.Event()

    def __call__(self, columns):
        self.calls.append(columns["x"])
        assert self.free.wait(600)  # only a test that is broken waits so long
        if None in columns["x"]:
            raise ValueError("no number")
        return {"twice": 2 * np.array(columns["x"])}


def answered(*waiting, most=64, given_up=(), at_once=1):
    """The calls, and the answers to a first request and to those that come during its call.

    The model is let go once `at_once` calls have begun, which is up to the threads.
    """
    model = Model()

    async def ask():
        gathering = Gathering(model, most)
        tasks = [asyncio.create_task(gathering.answers({"x": [0]}))]
        await until(lambda: model.calls)
        tasks += [asyncio.create_task(gathering.answers({"x": values})) for values in waiting]
        await asyncio.sleep(0)  # each comes as far as it can
        await until(lambda: len(model.calls) == at_once)
        for number in given_up:
            tasks[number].cancel()
        model.free.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def until(met):
        while not met():
            await asyncio.sleep(0.001)

    answers = asyncio.run(ask())
    return model.calls, [
        a["twice"].tolist() if isinstance(a, dict) else type(a).__name__ for a in answers
    ]


def test_what_comes_during_a_call_is_answered_by_the_next_one():
    calls, answers = answered([1], [2, 3], [4], [5], most=3)
    assert calls == [[0], [1, 2, 3, 4], [5]]
    assert answers == [[0], [2], [4, 6], [8], [10]]


def test_a_request_that_fails_or_is_given_up_is_nobody_elses_matter():
    calls, answers = answered([1], [None], [3], [4], given_up=[0, 4])
    assert calls == [[0], [1, None, 3], [1], [None], [3]]
    assert answers == ["CancelledError", [2], "ValueError", [6], "CancelledError"]


def test_a_request_of_many_rows_keeps_nobody_waiting():
    calls, answers = answered([1, 2, 3], [4], most=2, at_once=2)
    assert calls == [[0], [1, 2, 3], [4]]  # the second one during the first
    assert answers == [[0], [2, 4, 6], [8]]
