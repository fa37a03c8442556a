"""Compares a table with the one that a model was trained on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.errors import UNREADABLE, ArtifactError, reading, shown
from mtl_keras.evaluation.check import Check, ColumnChange, column_change, score_change
from mtl_keras.evaluation.distribution import Distribution, missing
from mtl_keras.evaluation.predicted import Predicted, by_task
from mtl_keras.evaluation.tested import from_arrays
from mtl_keras.export import artifact
from mtl_keras.features import Feature
from mtl_keras.features.encoder import input_features, raw_columns
from mtl_keras.tasks import Task

EXAMPLES = 5
STATISTICS = "statistics.json"


def column_statistics(
    features: Sequence[Feature], train: pd.DataFrame, groups: np.ndarray | None = None
) -> dict[str, Any]:
    """Return what an artifact stores about the training rows: counts of values by feature.

    Args:
        features: Fitted features.
        train: The training rows, or a sample of them.
        groups: The group of each of these rows. Default None: no groups.

    Returns:
        Plain values by feature, for `statistics.json`.

    Example:

    >>> from mtl_keras.features import Numeric
    >>> table = pd.DataFrame({"age": [20.0, 30.0, np.nan]})
    >>> list(column_statistics([Numeric("age").fit(table["age"])], table))
    ['age']
    """
    return {
        feature.name: {
            **asdict(Distribution.of(_watched(feature, raw), groups)),
            "unknown": float(feature.unknown(raw).mean()),
        }
        for feature, raw in _raw(features, train)
    }


def result_statistics(
    tasks: Sequence[Task],
    truths: Mapping[str, np.ndarray],
    answers: pd.DataFrame,
    groups: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return what an artifact stores about labels and predictions: counts of values by column.

    Args:
        tasks: Fitted tasks.
        truths: Labels of the training rows, or of a sample of them, by task.
        answers: The predictions for the test rows, from `Predictor.predict`.
        groups: The group of each test row. Default None: no groups.
    """
    labels = {task.name: task.label_columns(truths[task.name]) for task in tasks}
    return {
        "targets": {
            task: {name: asdict(Distribution.of(values)) for name, values in columns.items()}
            for task, columns in labels.items()
        },
        "answers": {
            str(name): asdict(Distribution.of(_values(answers[name]), groups)) for name in answers
        },
    }


def check(
    folder: Path,
    features: Sequence[Feature],
    tasks: Sequence[Task],
    table: pd.DataFrame,
    answer: Callable[[pd.DataFrame], dict[str, np.ndarray]],
    groups: np.ndarray | None = None,
    trained_on: float = 0.0,
) -> Check:
    """Compare a table with the statistics in an artifact: see `Predictor.check`.

    Args:
        folder: The folder of the version's files.
        features: Its features.
        tasks: Its tasks.
        table: The table.
        answer: A function from a table to the model's `answers`.
        groups: The group of each row. Default None: no groups.
        trained_on: Share of the rows that the model was trained on. Default 0.
    """
    if not (folder / STATISTICS).is_file():
        raise ArtifactError(
            f"{folder} has no {STATISTICS}: it was written by an older mtl_keras, or the figures "
            "could not be taken. Train and export again."
        )
    kept = artifact.read_json(folder / STATISTICS)
    raw, answers = _raw(features, table), answer(table)
    by_name = {n: v for task in tasks for n, v in task.answer_columns(answers).items()}
    with reading(folder / STATISTICS):
        columns = [
            _column(each, values, kept["features"][each.name], groups) for each, values in raw
        ]
        changes = [
            column_change(
                n, "answer", Distribution.from_dict(kept["answers"][n]), _values(v), groups=groups
            )
            for n, v in by_name.items()
        ]
    named = set(map(str, table.columns))
    labelled = [task for task in tasks if set(task.columns) <= named]
    tested = _tested(folder / "predictions.npz", tasks) if labelled else {}
    now = [Predicted(t, t.truth(table), t.prediction_from(answers), groups) for t in labelled]
    scores = [score_change(tested[each.task.name], each) for each in now]
    known = [score for score in scores if score is not None]
    return Check(len(table), columns, changes, known, trained_on)


def _tested(path: Path, tasks: Sequence[Task]) -> dict[str, Predicted]:
    """Return the labels, predictions and groups of the test rows, by task."""
    try:
        with np.load(path, allow_pickle=False) as saved:
            truths, predictions = from_arrays([task.name for task in tasks], saved)
            tested = by_task(tasks, truths, predictions, groups=saved.get("groups"))
        return {each.task.name: each for each in tested}
    except UNREADABLE as error:
        raise ArtifactError(
            f"{path} cannot be read: {shown(str(error))}. The table has labels, whose scores are "
            "compared with those of that file. Leave the labels out, or train again."
        ) from error


def _column(
    feature: Feature, raw: np.ndarray, kept: Mapping[str, Any], groups: np.ndarray | None
) -> ColumnChange:
    then = Distribution.from_dict(kept)
    unknown = feature.unknown(raw)
    examples = pd.Series([*raw[unknown]], dtype=object).value_counts().index[:EXAMPLES]
    shares = (float(kept["unknown"]), float(unknown.mean()))
    values = _watched(feature, raw)
    return column_change(
        feature.name,
        feature.kind,
        then,
        values,
        shares,
        tuple(map(str, examples)),
        feature.format_observed,
        groups,
    )


def _raw(features: Sequence[Feature], table: pd.DataFrame) -> list[tuple[Feature, np.ndarray]]:
    columns, first = raw_columns(features, table), input_features(features)
    return [(feature, columns[first[feature.name]]) for feature in features]


def _watched(feature: Feature, raw: np.ndarray) -> np.ndarray:
    values = feature.observed(raw)
    return np.where(missing(raw), np.nan, 0.0) if values is None else values


def _values(answers: Any) -> np.ndarray:
    values = np.asarray(answers)
    return values.astype(float) if values.dtype.kind in "iuf" else values.astype(str).astype(object)
