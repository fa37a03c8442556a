"""Prepares data larger than memory: samples in memory, training rows as a stream."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtl_keras.datasets import fingerprint
from mtl_keras.datasets.as_written import told
from mtl_keras.datasets.divided import Divided
from mtl_keras.datasets.split import PARTS, Split
from mtl_keras.datasets.stream import Chunk, Stream
from mtl_keras.datasets.table import naming_source
from mtl_keras.errors import DataError
from mtl_keras.export.scoring import EVALUATED_ROWS
from mtl_keras.features import Feature
from mtl_keras.features.encoder import Encoder, raw_columns
from mtl_keras.feeding import Feed
from mtl_keras.model import MultiTaskModel
from mtl_keras.plans.plan import Plan
from mtl_keras.runs import columns
from mtl_keras.runs.clock import Clock
from mtl_keras.runs.fitted import fitted
from mtl_keras.runs.prepared import Arrays, Prepared
from mtl_keras.tasks import Task
from mtl_keras.training import Data

SAMPLE_ROWS = {"train": 1_000_000, "validation": 200_000, "test": 20_000}
SAMPLE_BYTES = 256 * 2**20
ENCODED_BYTES = 256 * 2**20  # rows of a part in memory
CHUNK_BYTES = 16 * 2**20  # rows to encode at once
GUESSED_ROWS = 100_000  # from which kinds of columns are guessed


@dataclass(frozen=True)
class Streamed(Prepared):
    """A stream, prepared for training. `rows`, and `data` except for its feed, are samples.

    Attributes:
        divided: All rows by part.
        read: The columns to read.
        at_once: Number of rows to encode at once.
    """

    divided: Divided
    read: list[str]
    at_once: int

    @property
    def counts(self) -> dict[str, int]:
        return self.divided.totals

    @functools.cached_property
    def identity(self) -> list[Any]:
        return [*self.divided.stream.identity(), fingerprint(self.rows["test"])]

    def tested(
        self, model: MultiTaskModel, split: Split
    ) -> tuple[dict[str, Arrays], Arrays, np.ndarray | None]:
        truths: dict[str, list[np.ndarray]] = {task.name: [] for task in self.tasks}
        outputs: dict[str, list[np.ndarray]] = {task.name: [] for task in self.tasks}
        groups: list[np.ndarray] = []
        share = min(1.0, EVALUATED_ROWS / self.counts["test"])
        wanted = [*self.read, *split.columns()]
        for table in _tables(self.divided.chunks("test", wanted, share=share), self.at_once):
            with naming_source(table):
                of_table = split.groups(table)
                groups += [] if of_table is None else [of_table]
                answered = model.predict(self.encoder.encode(table), verbose=0)
                for task in self.tasks:
                    truths[task.name].append(task.truth(table))
                    outputs[task.name].append(answered[task.name])
        whole = [
            {name: np.concatenate(parts) for name, parts in each.items()}
            for each in (truths, outputs)
        ]
        grouped = np.concatenate(groups) if groups else None
        return {**self.truths(), "test": whole[0]}, whole[1], grouped

    def sampled(self) -> Prepared:
        return replace(self, data=replace(self.data, feed=None))


def prepare_stream(
    plan: Plan, stream: Stream, show: Callable[[str], None], clock: Clock
) -> Streamed:
    """Scan, sample, fit on the sample, and check all rows, before the network is built.

    The data are read three times: first the columns of labels and of the split; then all columns,
    for the samples; then the columns that the network reads, to find invalid values before
    training.

    Args:
        plan: The plan.
        stream: The data.
        show: A function that prints a line.
        clock: Records how long each stage takes.

    Raises:
        DataError: if a row does not fit the plan; the message names its file.
    """
    with clock("split"):
        columns.check_columns(plan, stream.columns)
        if stream.words:
            show(told(stream.words))
        divided = Divided(stream, plan.split, plan.seed, plan.label_columns())
        if divided.unlabelled:
            show(f"{divided.unlabelled:,} rows have no label for any task and are left out")
        if divided.assignment.doubt:
            show(divided.assignment.doubt)
        if plan.split.stratify:
            show(
                "a stream is split by hash: stratified values have about equal shares in all parts"
            )
    with clock("read"):
        limit = max(1, int(SAMPLE_BYTES * stream.rows / stream.size))
        wanted = {part: min(rows, limit) for part, rows in SAMPLE_ROWS.items()}
        rows = divided.samples(wanted)
    with clock("encode"):
        try:
            some = columns.thinned(rows["train"], GUESSED_ROWS)
            guesses = columns.guess_features(plan, some, some)
            encoder, tasks = fitted(plan, guesses, rows, show)
        except DataError as error:
            if len(rows["train"]) == divided.totals["train"]:
                raise
            raise DataError(f"In a sample of the training rows: {error}") from error
        read = _read(plan, stream, encoder.features)

        labels, stated = columns.labels_and_weights(plan, tasks, rows["train"])
        means = columns.mean_weights(stated, labels)  # one scale, whatever the chunk

        def encoded(table: pd.DataFrame) -> tuple[Any, Arrays, Arrays]:
            y, stated = columns.labels_and_weights(plan, tasks, table)
            return encoder.encode(table), y, columns.scaled_weights(stated, means)

        some = rows["train"].iloc[:64]
        size = sum(leaf.nbytes for leaf in keras.tree.flatten(encoded(some))) / len(some)
        at_once = max(1, int(CHUNK_BYTES / size))
        rows = {
            part: columns.thinned(table, int(ENCODED_BYTES / size)) for part, table in rows.items()
        }
        parts = {part: encoded(rows[part]) for part in PARTS}
    with clock("check"):
        _check(plan, divided, read, at_once, encoder, tasks)

    def chunks(group: int, first: int) -> Iterator[Any]:
        of_group = divided.chunks("train", read, [stream.groups[group]])
        for table in _tables(of_group, at_once, first):
            with naming_source(table):
                yield encoded(table)

    feed = Feed(chunks, divided.counts[:, 0].tolist(), parts["train"], plan.seed)
    x, y, weights = ({part: parts[part][n] for part in PARTS} for n in range(3))
    data = Data(x, y, weights, feed=feed)
    show(_sampling(divided.totals, rows))
    return Streamed(rows, guesses, encoder, tasks, data, divided, read, at_once)


def _tables(chunks: Iterable[Chunk], rows: int, first: int = 0) -> Iterator[pd.DataFrame]:
    """Yield the tables of chunks, at most `rows` rows each, without rows before the `first`."""
    for chunk in chunks:
        for start in range(first, len(chunk.table), rows):
            yield chunk.table.iloc[start : start + rows]
        first = max(0, first - len(chunk.table))


def _sampling(totals: dict[str, int], rows: dict[str, pd.DataFrame]) -> str:
    evaluated = min(totals["test"], EVALUATED_ROWS)
    return (
        f"features and tasks are fitted on {len(rows['train']):,} of {totals['train']:,} training "
        f"rows (kinds are guessed from {min(GUESSED_ROWS, len(rows['train'])):,}); "
        f"{len(rows['validation']):,} of {totals['validation']:,} rows are used for validation, "
        f"{evaluated:,} of {totals['test']:,} for the test"
    )


def _read(plan: Plan, stream: Stream, features: Sequence[Feature]) -> list[str]:
    """Return the columns that training and evaluation read, in the order of the stream."""
    wanted = {column for feature in features for column in feature.reads(stream.columns)}
    wanted |= {*plan.label_columns(), *plan.weight_columns().values()}
    return [column for column in stream.columns if column in wanted]


def _check(
    plan: Plan, divided: Divided, read: list[str], at_once: int, encoder: Encoder, tasks: list[Task]
) -> None:
    """Raise a DataError for the first row on which the network cannot be trained or tested."""
    counting = {part: dict.fromkeys(plan.weight_columns(), False) for part in PARTS}
    for chunk, parts in divided.assigned(read):
        labelled = chunk.but(parts >= 0).table
        parts = parts[parts >= 0]
        for start in range(0, len(labelled), at_once):
            table, numbers = labelled.iloc[start : start + at_once], parts[start : start + at_once]
            with naming_source(table):
                raw_columns(encoder.features, table)
                _, weights = columns.labels_and_weights(plan, tasks, table)
            for task, (number, part) in itertools.product(plan.weight_columns(), enumerate(PARTS)):
                counting[part][task] |= bool(weights[task][numbers == number].any())
    for part in ("train", "validation"):
        columns.check_that_some_count(plan, counting[part], part)
