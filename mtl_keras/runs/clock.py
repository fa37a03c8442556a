"""Measures the time spent in each stage of a run, and shows the current stage."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mtl_keras.training.progress import moving

STAGES = {
    "read": "reading the table",
    "split": "splitting the rows",
    "encode": "encoding the columns",
    "check": "checking all rows",
    "choose": "checking for leaks, choosing what is auto",
    "build": "building the network",
    "fit": "training",
    "evaluate": "evaluating on the test rows",
}


class Clock:
    """Seconds spent in named stages.

    Args:
        show: A function that prints a line, whose progress line shows the stage. Default: silence.
    """

    def __init__(self, show: Callable[[str], None] = lambda line: None) -> None:
        self.show = show
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        moving(self.show, lambda: (STAGES.get(stage, stage), None))
        try:
            yield
        finally:
            moving(self.show, None)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
