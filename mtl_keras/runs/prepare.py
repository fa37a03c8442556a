"""Prepares a table for training: read, split, encode."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import datasets, features
from mtl_keras.datasets.numbers import parsed
from mtl_keras.errors import ConfigError, DataError, nearest, shown
from mtl_keras.features import Feature, Guess
from mtl_keras.features.encoder import Encoder
from mtl_keras.features.infer import named, uninformative
from mtl_keras.plans.plan import Plan
from mtl_keras.runs.clock import Clock
from mtl_keras.tasks import Task
from mtl_keras.training import Data

LARGEST_WEIGHT = 1e18  # whose products are still float32


@dataclass(frozen=True)
class Prepared:
    """A table, prepared for training.

    Attributes:
        table: The rows that have a label.
        rows: Rows by part: `"train"`, `"validation"`, `"test"`.
        guesses: The kind guessed for each column, and why.
        encoder: The fitted encoder.
        tasks: The fitted tasks.
        data: The encoded rows.
    """

    table: pd.DataFrame
    rows: Mapping[str, pd.DataFrame]
    guesses: list[Guess]
    encoder: Encoder
    tasks: list[Task]
    data: Data

    def truths(self) -> dict[str, dict[str, np.ndarray]]:
        """For each part and task, the labels as evaluation reads them."""
        return {
            part: {task.name: task.truth(rows) for task in self.tasks}
            for part, rows in self.rows.items()
        }


def prepare(
    plan: Plan,
    data: Any = None,
    show: Callable[[str], None] | None = None,
    clock: Clock | None = None,
) -> Prepared:
    """Read, split and encode as a plan says: all steps of a run before the network is built.

    Args:
        plan: The plan.
        data: A path or DataFrame. Default: the plan's `data`.
        show: A function that prints a line; None for silence.
        clock: Records how long each stage takes. Default none.

    Raises:
        DataError: if the table does not fit the plan.
    """
    show, clock = show or (lambda line: None), clock or Clock()
    with clock("read"):
        source = plan.data if data is None else data
        if source is None:
            raise ConfigError("There is no table. Expected a path or a DataFrame. Received: none.")
        table = labelled_rows(plan, datasets.read(source), show)
    with clock("split"):
        parts = plan.split.parts(table, plan.seed)
        rows = {part: table.iloc[positions] for part, positions in parts.items()}
    with clock("encode"):
        guesses = guess_features(plan, table, rows["train"])
        fitted = [task.fit(rows["train"]) for task in plan.tasks]
        check_answers(fitted)
        chosen = [guess.feature for guess in guesses if guess.feature is not None]
        encoder = Encoder([feature.fit(feature.select(rows["train"])) for feature in chosen])
        x = {part: encoder.encode(rows[part]) for part in rows}
        y = {part: {t.name: t.encode(rows[part]) for t in fitted} for part in rows}
        weights = {part: row_weights(plan, fitted, rows[part], y[part]) for part in rows}
        for part in ("train", "validation"):
            _check_that_some_count(plan, weights[part], part)
    for guess in guesses:
        if guess.feature is None:
            show(f"column {guess}")
    return Prepared(table, rows, guesses, encoder, fitted, Data(x, y, weights))


def labelled_rows(plan: Plan, table: pd.DataFrame, show: Callable[[str], None]) -> pd.DataFrame:
    """The rows with a label for at least one task."""
    columns = plan.label_columns()
    wanted = [*columns, *plan.weight_columns().values()]
    wanted += [plan.slices] if plan.slices else []
    for name in wanted:
        if name not in table.columns:
            raise DataError(
                f"The table has no column {name!r}, which is declared as a target, weight or "
                "slice."
                f"{nearest(name, map(str, table.columns))} "
                f"Its columns: {', '.join(map(str, table.columns[:30]))}."
            )
    labelled = table[columns].notna().any(axis=1)
    if not labelled.any():
        raise DataError(f"No row has a label: the columns {columns} are empty.")
    if not labelled.all():
        show(f"{int((~labelled).sum()):,} rows have no label for any task and are left out")
    return table[labelled]


def guess_features(plan: Plan, table: pd.DataFrame, train: pd.DataFrame) -> list[Guess]:
    """A feature for each column, as declared or inferred."""
    skip = {*plan.label_columns(), *plan.split.columns(), *plan.weight_columns().values()}
    declared: Mapping[str, Feature | None] = {}
    wanted: list[str] = []  # columns that are features of a kind to be guessed
    columns = list(table.columns)
    if isinstance(plan.features, Mapping):
        declared = named(plan.features, features.get)
    elif not isinstance(plan.features, str):
        wanted = [feature for feature in plan.features if isinstance(feature, str)]
        declared = {f.name: f for f in plan.features if not isinstance(f, str)}
    read = {name: f.reads(columns) if f else [name] for name, f in declared.items()}
    read |= {name: [name] for name in wanted}
    for name, sources in read.items():
        feature = declared.get(name)
        if not set(sources) & set(columns):
            source = feature.source if feature else name
            raise DataError(
                f"The table has no column {source!r}, which is declared as a feature."
                f"{nearest(source, columns)}"
            )
        if (feature is not None or name in wanted) and (taken := set(sources) & skip):
            raise ConfigError(
                f"Column {min(taken)!r} is a target, a weight or a group, not a feature."
            )
    if not isinstance(plan.features, (str, Mapping)):
        columns = list(dict.fromkeys(column for names in read.values() for column in names))
    guesses = features.infer(table[columns], skip, declared)
    return [_as_trained(guess, train, declared) for guess in guesses]


def _as_trained(guess: Guess, train: pd.DataFrame, declared: Mapping[str, Any]) -> Guess:
    """A guess from all rows, dropped if the training rows carry no information."""
    if guess.feature is None or guess.column in declared or guess.column not in train:
        return guess
    why = uninformative(train[guess.column])
    return guess if why is None else Guess(guess.column, None, f"{why} in the training rows")


def check_answers(fitted: Sequence[Task]) -> None:
    """Raise a ConfigError if two answers share a name, as a column or in the SavedModel."""
    owners: dict[str, str] = {}
    for task in fitted:
        answers = task.answers(np.zeros((1, task.width), "float32"))
        columns = task.answer_columns({name: np.asarray(v) for name, v in answers.items()})
        for name in {*answers, *columns}:
            owner = owners.setdefault(name, task.name)
            if owner != task.name:
                raise ConfigError(
                    f"Tasks {owner!r} and {task.name!r} would both answer with {name!r}. Give one "
                    "of them another `name`, and state its `column`."
                )


def row_weights(
    plan: Plan,
    fitted: Sequence[Task],
    rows: pd.DataFrame,
    y: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Row weights for each task that has any: sample weight times class weight.

    They are scaled to a mean of 1 over the labels that there are, so that the unit of a column of
    weights does not change how much a task counts beside the others.
    """
    columns = plan.weight_columns()
    weights_of = {column: _weights(rows, column) for column in set(columns.values())}
    weights = {}
    for task in fitted:
        weight = task.sample_weight(y[task.name])
        if task.name in columns:
            own = weights_of[columns[task.name]]
            if weight is not None and weight.ndim > 1:
                own = own[:, np.newaxis]
            weight = own if weight is None else own * weight
        if weight is not None:
            labels = y[task.name]
            by_label = weight if weight.ndim == labels.ndim else weight[:, np.newaxis]
            counted = np.broadcast_to(by_label, labels.shape)[~np.isnan(labels)]
            mean = float(counted.mean(dtype=float)) if len(counted) else 0.0
            weights[task.name] = (weight / (mean or 1.0)).astype("float32")
    return weights


def _check_that_some_count(plan: Plan, weights: Mapping[str, np.ndarray], part: str) -> None:
    """Raise a DataError if no row of a part counts for a task that has a column of weights."""
    for task, column in plan.weight_columns().items():
        if not weights[task].any():
            raise DataError(
                f"Column {column!r} must hold a weight > 0 in some {part} row of task {task!r}. "
                f"Received: 0 in all of {len(weights[task])} rows."
            )


def _weights(rows: pd.DataFrame, column: str) -> np.ndarray:
    values, _ = parsed(rows[column])
    bad = np.flatnonzero(~((values >= 0) & (values <= LARGEST_WEIGHT)))
    if len(bad):
        raise DataError(
            f"Column {column!r} must hold weights >= 0, of a size up to {LARGEST_WEIGHT:g}. "
            f"Received: {shown(rows[column].iloc[bad[0]])} in row {rows.index[bad[0]]}."
        )
    return values.astype("float32")
