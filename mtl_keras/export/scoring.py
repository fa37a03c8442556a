"""Labels in a table, and a model's predictions for them."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import datasets
from mtl_keras.datasets.categories import category_texts
from mtl_keras.datasets.keys import uniform
from mtl_keras.errors import DataError, nearest
from mtl_keras.evaluation import regions_in
from mtl_keras.features.encoder import read_columns
from mtl_keras.tasks import Task

EVALUATED_ROWS = 1_000_000  # of a stream
SUSPICIOUS = 0.05  # warn from this share of training rows in a table


@dataclass(frozen=True)
class Scored:
    """Labels and predictions, by task.

    Attributes:
        tasks: The tasks whose labels the table has.
        truths: The labels, as `Task.truth` returns them.
        predictions: The predictions for the same rows.
        regions: The intervals and sets of tasks that have any.
        groups: The group of each row, `(rows,)`; or None.
        trained_on: Approximate share of the rows that the model was trained on.
    """

    tasks: Sequence[Task]
    truths: Mapping[str, np.ndarray]
    predictions: Mapping[str, np.ndarray]
    regions: Mapping[str, np.ndarray]
    groups: np.ndarray | None
    trained_on: float

    def warn(self) -> None:
        """Warn if many of the rows were trained on, so that the scores do not hold for new rows."""
        if self.trained_on > SUSPICIOUS:
            warnings.warn(
                f"About {100 * self.trained_on:.0f}% of these rows were trained on; their scores "
                "do not hold for new rows.",
                stacklevel=3,
            )


def scored(model: Any, table: Any, show: Callable[[str], None]) -> Scored:
    """Return labels and predictions for a table, or about a million random rows of a larger one.

    Args:
        model: The `Predictor`.
        table: A DataFrame, or a path to a file, a folder or a pattern of files.
        show: A function that prints a line.

    Raises:
        DataError: if the table has no task's columns.
    """
    source = datasets.opened(table, show=show, encoding=model.encoding)
    columns = list(map(str, source.columns))
    judged = [task for task in model.tasks if set(task.columns) <= set(columns)]
    if not judged:
        labels = [column for task in model.tasks for column in task.columns]
        raise DataError(
            f"The table has no labels: none of the columns {', '.join(map(repr, labels))}."
            f"{nearest(labels[0], columns)} At least one of them is needed."
        )
    parts: list[tuple[dict[str, np.ndarray], ...]] = []
    some: list[pd.DataFrame] = []
    with model.following("features"):
        wanted = read_columns(model.features, columns)
    wanted = [*wanted, *(column for task in judged for column in task.columns)]
    wanted += [column for column in columns if column == model.schema.get("group")]
    stream = source if isinstance(source, datasets.Stream) else None
    tables: Any = _sample(stream, list(dict.fromkeys(wanted))) if stream else [source]
    for rows in map(model.mask_unreadable, tables):
        truths = {task.name: task.truth(rows) for task in judged}
        answers = model.answers(rows)
        with model.following("outputs"):
            regions = regions_in(model.tasks, answers)
        parts.append((truths, model.predictions_from(answers), regions, groups_of(model, rows)))
        some.append(rows.iloc[::10] if stream else rows)
    truths, predictions, regions, groups = (
        {name: np.concatenate([each[name] for each in alike]) for name in alike[0]}
        for alike in zip(*parts)
    )
    if stream:
        count = len(truths[judged[0].name])
        show(f"evaluated on {count:,} of {stream.rows:,} rows")
    seen = model.trained_on(pd.concat(some) if len(some) > 1 else some[0])
    return Scored(judged, truths, predictions, regions, codes_of(groups), seen)


def codes_of(groups: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Return a number for the group of each row; a row without a group is one of its own.

    Args:
        groups: The groups of the `rows`, if any: see `groups_of`.

    Example:

    >>> codes_of({"rows": np.array(["a", "", "a", ""], object)}).tolist()
    [0, 5, 0, 7]
    """
    if "rows" not in groups:
        return None
    codes = pd.factorize(groups["rows"])[0]
    return np.where(groups["rows"] == "", len(codes) + np.arange(len(codes)), codes)


def groups_of(model: Any, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the group of each of the `rows`, if training was split by a known column.

    It is empty for a row without a group.
    """
    column = model.schema.get("group")  # version 0.1 had none
    if column not in table.columns:
        return {}
    return {"rows": category_texts(table[column])}


def constants_of(
    schema: Mapping[str, Any], tasks: Sequence[Task]
) -> dict[str, dict[str, np.ndarray]]:
    """Return the best constant prediction of each task for each of its measures."""
    found = {}
    for task in tasks:
        constants, names = schema["constants"][task.name], [m.name for m in task.measures]
        if not isinstance(constants, Mapping):  # of version 0.1: one for all measures
            constants = dict.fromkeys(names, constants)
        found[task.name] = {name: np.asarray(constants[name], float) for name in names}
    return found


def _sample(stream: datasets.Stream, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield some columns of a stream in chunks, of all rows or about a million random ones."""
    share = EVALUATED_ROWS / stream.rows
    for chunk in stream.chunks(columns):
        some = chunk if share >= 1 else chunk.but(uniform(chunk.keys, "evaluation") < share)
        if len(some.table):
            yield some.table
