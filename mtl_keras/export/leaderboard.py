"""Trained artifacts, compared on a table with labels."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import datasets
from mtl_keras.drawing.digits import with_intervals
from mtl_keras.errors import ArtifactError, ConfigError, DataError, unknown
from mtl_keras.evaluation.interval import Measured
from mtl_keras.evaluation.predicted import by_task
from mtl_keras.export.description import printable
from mtl_keras.export.predictor import load
from mtl_keras.export.scoring import SUSPICIOUS, Scored, scored

Column = tuple[str, str]
"""A task and its main measure; two artifacts may use one name for tasks of different kinds."""


@dataclass(frozen=True)
class Entry:
    """An artifact and its scores.

    Attributes:
        path: The artifact.
        version: The number of its version.
        scores: For each task with labels in the table, its main measure with a 95% interval.
        trained_on: Approximate share of the table's rows that it was trained on.
        scored_on: For each task, its `Task.scored_on`.
    """

    path: str
    version: str
    scores: Mapping[Column, Measured]
    trained_on: float
    scored_on: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Leaderboard:
    """Artifacts and their scores on a table, best first.

    The rows are the same for all, except that a model ignores rows of a class that it was not
    trained on; the text then says so.

    Attributes:
        entries: The artifacts, sorted.
        columns: Tasks and measures, starting with those that most artifacts have, and whether
            higher is better.
        sorted_by: What they are sorted by, as a phrase.
        left_out: Artifacts without a score, with the reason.
    """

    entries: Sequence[Entry]
    columns: Mapping[Column, bool]
    sorted_by: str
    left_out: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable values."""
        return {
            "sorted_by": self.sorted_by,
            "models": [
                {
                    "model": entry.path,
                    "version": entry.version,
                    "trained_on": entry.trained_on,
                    "scores": {
                        task: {
                            "measure": measure,
                            "higher_is_better": self.columns[task, measure],
                            "value": score.value,
                            "interval": score.interval,
                            "rows": score.rows,
                            "scored_on": entry.scored_on.get(task, ""),
                        }
                        for (task, measure), score in entry.scores.items()
                    },
                }
                for entry in self.entries
            ],
            "left_out": dict(self.left_out),
        }

    def __str__(self) -> str:
        rows = [["model", *(f"{task}: {measure}" for task, measure in self.columns)]]
        by_column = [self._written(column) for column in self.columns]
        for entry, scores in zip(self.entries, zip(*by_column)):
            mark = " *" if entry.trained_on > SUSPICIOUS else ""
            rows.append([f"{entry.path}, version {entry.version}{mark}", *scores])
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(f"{c:{w}}" for c, w in zip(row, widths)).rstrip() for row in rows]
        lines.append(
            f"sorted by {self.sorted_by}; {self._better()}; in parentheses, 95% intervals "
            "(bootstrap over the rows)"
        )
        lines += self._unlike_scores()
        lines += [
            f"* {entry.path} was trained on about {100 * entry.trained_on:.0f}% of these rows: "
            "its scores do not hold for new rows"
            for entry in self.entries
            if entry.trained_on > SUSPICIOUS
        ]
        lines += [f"left out: {path}: {why}" for path, why in self.left_out.items()]
        return "\n".join(map(printable, lines))

    def _written(self, column: Column) -> list[str]:
        """The scores of all artifacts in a column."""
        scores = [entry.scores.get(column) for entry in self.entries]
        return with_intervals(
            [None if score is None else score.value for score in scores],
            [None if score is None else score.interval for score in scores],
        )

    def _unlike_scores(self) -> list[str]:
        """Return a line for each task whose scores are of different rows, or of different things.

        Those are labels or quantiles that some models predict and others do not, for example.
        """
        lines = []
        for column in self.columns:
            having = [entry for entry in self.entries if column in entry.scores]
            rows = [entry.scores[column].rows for entry in having]
            about = list(dict.fromkeys(e.scored_on.get(column[0], "") for e in having))
            if len(about) > 1:
                lines.append(
                    f"{column[0]}: the scores are of different things ({'; '.join(about)}); do not "
                    "compare them"
                )
            if min(rows) < max(rows):
                lines.append(
                    f"{column[0]}: the scores are of {min(rows):,} to {max(rows):,} rows, because "
                    "not all models know all classes in this table; do not compare them"
                )
        return lines

    def _better(self) -> str:
        """Return for which tasks a higher score is better, and for which a lower one."""
        twice = len({task for task, _ in self.columns}) < len(self.columns)
        tasks = {
            higher: ", ".join(
                f"{task} ({measure})" if twice else task
                for (task, measure), better in self.columns.items()
                if better == higher
            )
            for higher in (True, False)
        }
        if tasks[True] and tasks[False]:
            return f"higher is better for {tasks[True]}, lower for {tasks[False]}"
        return "higher is better" if tasks[True] else "lower is better"


def leaderboard(
    paths: Sequence[str | Path],
    table: Any,
    trusted: Collection[str] = (),
    sort: str | None = None,
    show: Callable[[str], None] = lambda line: None,
    bad_cells: str = "refuse",
    encoding: str = "utf-8",
) -> Leaderboard:
    """Score artifacts on a table, each on the tasks whose labels are in the table.

    They are sorted by their mean rank over the tasks that all of them have, or, if there are none,
    by the first column.

    Args:
        paths: The artifacts, or single versions of them.
        table: A DataFrame, or a path to a file, a folder or a pattern of files.
        trusted: Packages that may be imported: see `load`.
        sort: A task to sort by instead. Default None.
        show: A function that prints a line.
        bad_cells: See `load`.
        encoding: See `load`.

    Raises:
        DataError: if no artifact can be scored on the table.
        ConfigError: if no artifact has the task to sort by.
    """
    opened = datasets.opened(table, show=show, encoding=encoding)
    rows = table if isinstance(opened, datasets.Stream) else opened
    entries: list[Entry] = []
    better: dict[Column, bool] = {}
    left_out: dict[str, str] = {}
    for path in paths:
        try:
            model = load(path, trusted=trusted, bad_cells=bad_cells, encoding=encoding)
            found = scored(model, rows, show)
        except (ArtifactError, DataError) as error:
            left_out[str(path)] = str(error)
            continue
        if scores := _main_scores(found):
            about = {task.name: task.scored_on for task in found.tasks}
            entries.append(Entry(str(path), model.path.name, scores, found.trained_on, about))
            measures = {(task.name, task.measure.name): task.measure for task in found.tasks}
            better |= {column: measures[column].higher_is_better for column in scores}
        else:
            left_out[str(path)] = "too few labels for a score"
    if not entries:
        first = next(iter(left_out.items()), ("", "no model was named"))
        raise DataError(
            f"None of {len(left_out)} models can be scored on this table. {first[0]}: {first[1]}"
        )
    having = {c: sum(c in entry.scores for entry in entries) for c in better}
    columns = {c: better[c] for c in sorted(having, key=lambda c: -having[c])}
    chosen = [c for c in columns if having[c] == len(entries)] or list(columns)[:1]
    if sort is not None:
        if sort not in [task for task, _ in columns]:
            raise ConfigError(unknown("task to sort by", sort, [task for task, _ in columns]))
        chosen = [c for c in columns if c[0] == sort]
    ranks = np.mean([_ranks(entries, c, columns[c]) for c in chosen], axis=0)
    ranked = [entries[place] for place in np.argsort(ranks, kind="stable")]
    by = ", ".join(dict.fromkeys(task for task, _ in chosen))
    return Leaderboard(
        ranked, columns, f"the mean rank in {by}" if len(chosen) > 1 else by, left_out
    )


def _main_scores(found: Scored) -> dict[Column, Measured]:
    """Return the main measure of each task, if there are enough labels for it."""
    scores = {}
    for each in by_task(found.tasks, found.truths, found.predictions, groups=found.groups):
        task = each.task
        (score,) = each.labelled.measured([task.measure])
        if np.isfinite(score.value):
            scores[task.name, task.measure.name] = score
    return scores


def _ranks(entries: Sequence[Entry], column: Column, higher: bool) -> np.ndarray:
    """Return the rank of each artifact by a measure, from 0; those without it share the last."""
    scores = [entry.scores[column].value if column in entry.scores else None for entry in entries]
    ranks = pd.Series(scores, dtype=float).rank(method="min", ascending=not higher) - 1
    return ranks.fillna(len(entries)).to_numpy()
