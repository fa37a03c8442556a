"""Prepares data for training: read, split, encode."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from mtl_keras.datasets import placeholders
from mtl_keras.datasets.source import opened
from mtl_keras.datasets.stream import Stream
from mtl_keras.errors import ConfigError
from mtl_keras.plans.plan import Plan
from mtl_keras.runs import columns
from mtl_keras.runs.clock import Clock
from mtl_keras.runs.fitted import fitted
from mtl_keras.runs.prepared import Prepared
from mtl_keras.runs.streamed import prepare_stream
from mtl_keras.training import Data


def prepare(
    plan: Plan,
    data: Any = None,
    show: Callable[[str], None] | None = None,
    clock: Clock | None = None,
) -> Prepared:
    """Read, split and encode the data of a plan: the steps of a run before the network is built.

    Args:
        plan: The plan.
        data: A path, folder, pattern, list of paths or DataFrame. Default: the plan's `data`.
        show: A function that prints a line; None for silence.
        clock: Records how long each stage takes. Default: none.

    Raises:
        DataError: if the table does not fit the plan.
    """
    show = show or (lambda line: None)
    clock = clock or Clock(show)
    source = plan.data if data is None else data
    if source is None:
        raise ConfigError("There is no table. Expected a path or a DataFrame. Received: None.")
    with clock("read"):
        table = opened(source, plan.streams, show, plan.encoding)
        if isinstance(table, Stream):
            table = table.masked(plan.missing_values)
        else:
            table = placeholders.applied(table, plan.missing_values, show)
    prepared = (
        prepare_stream(plan, table, show, clock)
        if isinstance(table, Stream)
        else _in_memory(plan, table, show, clock)
    )
    for guess in prepared.guesses:
        if guess.feature is None or guess.doubt:
            show(f"column {guess}")
    for task in prepared.tasks:
        if words := task.decision:
            show(f"{task.name}: {words}")
    return prepared


def _in_memory(
    plan: Plan, table: pd.DataFrame, show: Callable[[str], None], clock: Clock
) -> Prepared:
    with clock("read"):
        table = columns.labelled_rows(plan, table, show)
    with clock("split"):
        parts = plan.split.parts(table, plan.seed)
        rows = {part: table.iloc[positions] for part, positions in parts.items()}
    with clock("encode"):
        guesses = columns.guess_features(plan, table, rows["train"])
        encoder, tasks = fitted(plan, guesses, rows, show)
        x = {part: encoder.encode(rows[part]) for part in rows}
        y, means, weights = {}, {}, {}
        for part in rows:
            y[part], stated = columns.labels_and_weights(plan, tasks, rows[part])
            means[part] = columns.mean_weights(stated, y[part])
            weights[part] = columns.scaled_weights(stated, means[part])
        for part in ("train", "validation"):
            counting = {task: bool(weight.any()) for task, weight in weights[part].items()}
            columns.check_that_some_count(plan, counting, part)
    return Prepared(rows, guesses, encoder, tasks, Data(x, y, weights, means))
