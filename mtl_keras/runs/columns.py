"""The columns of a table in a plan: labels, features, weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import features
from mtl_keras.datasets.as_written import WORDS, told
from mtl_keras.datasets.cells import place
from mtl_keras.datasets.numbers import find_notation, parsed
from mtl_keras.datasets.placeholders import of_column
from mtl_keras.errors import ConfigError, DataError, no_column, shown
from mtl_keras.features import Feature, Guess, Guesses
from mtl_keras.features.infer import named, uninformative
from mtl_keras.plans.plan import Plan
from mtl_keras.tasks import Task

LARGEST_WEIGHT = 1e18  # their products are still float32


def check_columns(plan: Plan, columns: Sequence[str]) -> None:
    """Raise a DataError for a target, weight or slice that is not a column of the table."""
    wanted = [*plan.label_columns(), *plan.weight_columns().values()]
    wanted += [plan.slices] if plan.slices else []
    for name in wanted:
        if name not in columns:
            raise no_column(name, "is declared as a target, weight or slice", columns)


def labelled_rows(plan: Plan, table: pd.DataFrame, show: Callable[[str], None]) -> pd.DataFrame:
    """Return the rows with a label for at least one task."""
    check_columns(plan, list(map(str, table.columns)))
    if words := table.attrs.get(WORDS):
        show(told(words))
    columns = plan.label_columns()
    labelled = table[columns].notna().any(axis=1)
    if not labelled.any():
        raise DataError(f"No row has a label: the columns {columns} are empty.")
    if not labelled.all():
        show(f"{int((~labelled).sum()):,} rows have no label for any task and are left out")
    rows = table[labelled]
    for words in (plan.split.unstratified(rows), plan.split.doubt(rows)):
        if words:
            show(words)
    return rows


def guess_features(plan: Plan, table: pd.DataFrame, train: pd.DataFrame) -> Guesses:
    """Return a feature for each column, as declared or inferred."""
    skip = {*plan.label_columns(), *plan.split.columns(), *plan.weight_columns().values()}
    declared: Mapping[str, Feature | None] = {}
    wanted: list[str] = []  # features whose kind is to be guessed
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
            what = "declared as a feature" if feature or name in wanted else "to be dropped"
            raise no_column(source, f"is {what}", columns)
        if (feature is not None or name in wanted) and (taken := set(sources) & skip):
            raise ConfigError(
                f"Column {min(taken)!r} is a target, a weight or a group, not a feature. "
                "Do not declare it as a feature: it is left out of them anyway."
            )
    if not isinstance(plan.features, (str, Mapping)):
        columns = list(dict.fromkeys(column for names in read.values() for column in names))
    guesses = features.infer(table[columns], skip, declared)
    kept = (_as_trained(guess, train, declared) for guess in guesses)
    return Guesses(_with_missing(plan, guess, list(map(str, table.columns))) for guess in kept)


def _with_missing(plan: Plan, guess: Guess, columns: list[str]) -> Guess:
    """Return a guess whose feature knows what stands for a missing value in its column."""
    feature = guess.feature
    if feature is None or not plan.missing_values:
        return guess
    by_column = {of_column(plan.missing_values, name) for name in feature.reads(columns)}
    if len(by_column) != 1:
        raise ConfigError(
            f"Feature {feature.name!r} reads the columns {shown(feature.reads(columns))}, which "
            "must have the same `missing_values`. Declare them for each of these columns, or for "
            "none."
        )
    values = dict.fromkeys((*feature.missing_values, *by_column.pop()))
    return replace(guess, feature=feature.but(missing_values=tuple(values)))


def _as_trained(guess: Guess, train: pd.DataFrame, declared: Mapping[str, Any]) -> Guess:
    """Return a guess from all rows; it is dropped if training rows carry no information."""
    if guess.feature is None or guess.column in declared or guess.column not in train:
        return guess
    why = uninformative(train[guess.column])
    return guess if why is None else Guess(guess.column, None, f"{why} in the training rows")


def check_answers(fitted: Sequence[Task]) -> None:
    """Raise a ConfigError if two predictions share a name, as a column or in the SavedModel."""
    owners: dict[str, str] = {}
    for task in fitted:
        try:
            answers = task.answers(np.zeros((1, task.width), "float32"))
        except IndexError as error:
            raise ConfigError(
                f"Task {task.name!r}: `answers` of {type(task).__name__} reads more outputs than "
                f"its property `width`, which is {task.width} ({error}). Define `width`."
            ) from error
        columns = task.answer_columns({name: np.asarray(v) for name, v in answers.items()})
        for name in {*answers, *columns}:
            owner = owners.setdefault(name, task.name)
            if owner != task.name:
                raise ConfigError(
                    f"Tasks {owner!r} and {task.name!r} would both have an output named {name!r}. "
                    "Give one of them another `name`, and set its `column`."
                )


def labels_and_weights(
    plan: Plan, fitted: Sequence[Task], rows: pd.DataFrame
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the encoded labels of each task, and unscaled row weights of those that have any.

    These are sample weight times class weight.
    """
    y = {task.name: task.encode(rows) for task in fitted}
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
            weights[task.name] = weight
    return y, weights


def mean_weights(
    weights: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Return the mean weight of present labels for each task with weights; 0 if all are missing."""
    means = {}
    for task, weight in weights.items():
        by_label = weight if weight.ndim == y[task].ndim else weight[:, np.newaxis]
        counted = np.broadcast_to(by_label, y[task].shape)[~np.isnan(y[task])]
        means[task] = float(counted.mean(dtype=float)) if len(counted) else 0.0
    return means


def scaled_weights(
    weights: Mapping[str, np.ndarray], means: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """Return row weights with a mean of 1 over the labels that are present.

    So the unit of a weight column does not change how much a task counts.

    Args:
        weights: The weights by task.
        means: Their `mean_weights`.
    """
    return {task: (w / (means[task] or 1.0)).astype("float32") for task, w in weights.items()}


def check_that_some_count(plan: Plan, counting: Mapping[str, bool], part: str) -> None:
    """Raise a DataError if no row of a part has a weight for a task with a weight column."""
    for task, column in plan.weight_columns().items():
        if not counting[task]:
            raise DataError(
                f"Column {column!r} must contain a weight > 0 in some {part} row of task {task!r}. "
                "Received: 0 in all of them."
            )


def _weights(rows: pd.DataFrame, column: str) -> np.ndarray:
    notation = find_notation(rows[column])
    if notation.ambiguous is not None:  # other parts of the data may rule out one reading
        raise DataError(
            f"Column {column!r} contains weights such as {notation.ambiguous!r}, which can be read "
            "in two ways. Store them as numbers."
        )
    values, _ = parsed(rows[column], notation.name)
    bad = np.flatnonzero(~((values >= 0) & (values <= LARGEST_WEIGHT)))
    if len(bad):
        raise DataError(
            f"Column {column!r} must contain weights from 0 to {LARGEST_WEIGHT:g}. "
            f"Received: {shown(rows[column].iloc[bad[0]])} in {place(rows, int(bad[0]))}."
        )
    return values.astype("float32")


def row_names(guesses: Sequence[Guess], test: pd.DataFrame) -> np.ndarray:
    """Return names of the test rows: from a column dropped as an identifier, or numbers.

    A column that the user dropped is used if its values look like identifiers. Numbers are those of
    rows in the table, as in error messages. Rows of a stream have no fixed numbers, and therefore
    no names.

    Example:

    >>> test = pd.DataFrame({"customer_id": [7, 9, 4]}, index=[10, 11, 12])
    >>> row_names([Guess("customer_id", None, "as declared")], test).tolist()
    ['customer_id 7', 'customer_id 9', 'customer_id 4']
    >>> row_names([], test).tolist()
    ['row 10', 'row 11', 'row 12']
    """
    for guess in guesses:
        if guess.feature is None and guess.column in test:
            (seen,) = features.infer(test[[guess.column]])
            if guess.is_identifier or seen.is_identifier:
                return np.array([f"{guess.column} {value}" for value in test[guess.column]], object)
    if test.attrs.get("sampled"):
        return np.full(len(test), "", object)
    return np.array([f"row {number}" for number in test.index], object)


def thinned(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most `most` rows of a table, evenly spaced."""
    return table.iloc[:: max(1, -(-len(table) // max(1, most)))]
