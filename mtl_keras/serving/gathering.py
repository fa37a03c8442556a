"""Gathers requests that arrive while others are answered, and answers them together."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from mtl_keras.serving.requests import Columns

Answers = dict[str, np.ndarray]


class _Request(NamedTuple):
    columns: Columns
    rows: int
    answers: "asyncio.Future[Answers]"


class Gathering:
    """Answers a request at once if no other is being answered, or else together with others.

    Requests that arrive during a call are answered by the next one. So no request waits for others
    that may never come, and the busier the server is, the more of them share a call. A request with
    many rows would not gain from this and would delay the others, so it gets a call of its own, in
    parallel. If a call fails, each of its requests is answered alone: what one client sends never
    changes what another one gets.

    Args:
        answer: A function from columns to predictions with the same number of rows. It is called in
            a thread.
        most: Maximum number of requests per call. More rows than that are *many*.

    Example:

    >>> gathering = Gathering(lambda columns: {"twice": 2 * np.array(columns["x"])}, most=64)
    >>> asyncio.run(gathering.answers({"x": [1, 2]}))["twice"].tolist()
    [2, 4]
    """

    def __init__(self, answer: Callable[[Columns], Answers], most: int) -> None:
        self._answer, self._most = answer, most
        self._waiting: deque[_Request] = deque()
        self._task: asyncio.Task[None] | None = None

    async def answers(self, columns: Columns) -> Answers:
        """Return the predictions for the columns of a request, which all have one length."""
        rows = len(next(iter(columns.values())))
        if rows > self._most:
            return await asyncio.to_thread(self._answer, columns)
        request = _Request(columns, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._answer_waiting())
        return await request.answers

    async def _answer_waiting(self) -> None:
        while self._waiting:
            count = min(self._most, len(self._waiting))
            requests = [self._waiting.popleft() for _ in range(count)]
            await self._answer_together([r for r in requests if not r.answers.done()])

    async def _answer_together(self, requests: Sequence[_Request]) -> None:
        """Answer requests with one call; those that were cancelled meanwhile need no answer."""
        if not requests:
            return
        columns = {
            name: list(chain.from_iterable(request.columns[name] for request in requests))
            for name in requests[0].columns
        }
        try:
            answers = await asyncio.to_thread(self._answer, columns)
        except Exception as error:  # raised where the request was made
            if len(requests) > 1:
                for request in requests:
                    await self._answer_together([request])
            elif not requests[0].answers.done():
                requests[0].answers.set_exception(error)
            return
        start = 0
        for request in requests:
            if not request.answers.done():
                rows = slice(start, start + request.rows)
                request.answers.set_result({name: a[rows] for name, a in answers.items()})
            start += request.rows
