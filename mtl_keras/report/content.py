"""The content of a report, read from the files of an artifact's version."""

import io
import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import features, tasks
from mtl_keras.declaring.registry import without_imports
from mtl_keras.drawing.digits import numbers
from mtl_keras.errors import reading
from mtl_keras.evaluation import RepeatedRows
from mtl_keras.evaluation.tested import from_arrays
from mtl_keras.features import Feature
from mtl_keras.tasks import Task


@dataclass(frozen=True)
class Content:
    """An artifact's files, parsed.

    Attributes:
        schema: `schema.json`.
        metrics: `metrics.json`.
        tasks: The fitted tasks.
        features: The fitted features.
        history: `history.csv`.
        balancing: `balancing.json`.
        structure: `structure.json`.
        explanation: `explanation.json`.
        statistics: `statistics.json`; empty if an older version wrote none.
        experiment: `experiment.toml`.
        experiment_text: The same, as it is written.
        truths: For each task, the labels of the test rows.
        predictions: For each task, the predictions for the test rows.
        comparison: `comparison/comparison.json` beside the artifact; None if there is none, or if
            it is of other tasks or measures, as it may be of an earlier version.
        number: The number of the version.

    Example:

    >>> from pathlib import Path
    >>> from mtl_keras.export import artifact
    >>> newest = artifact.latest(Path("saved_models/customers"))  # doctest: +SKIP
    >>> content(artifact.read_files(newest)).history.columns  # doctest: +SKIP
    """

    schema: dict[str, Any]
    metrics: dict[str, Any]
    tasks: list[Task]
    features: list[Feature]
    history: pd.DataFrame
    balancing: list[dict[str, Any]]
    structure: list[dict[str, Any]]
    explanation: dict[str, Any]
    statistics: dict[str, Any]
    experiment: dict[str, Any]
    experiment_text: str
    truths: dict[str, np.ndarray]
    predictions: dict[str, np.ndarray]
    comparison: dict[str, Any] | None
    number: int

    @property
    def units(self) -> dict[str, str]:
        """The unit of each task; empty if it has none."""
        return {task.name: task.unit for task in self.tasks}

    def main_score(self, task: Task) -> tuple[str, str, str]:
        """The main score of a task, its interval and the baseline's score, as a page writes them.

        A score that is not known is a dash; an interval, an empty text.
        """
        result, name = self.metrics["test"][task.name], task.measure.name
        ends = result.get("intervals", {}).get(name, ())  # version 0.1 had none
        scores = (result["scores"].get(name), result["baseline"].get(name), *ends)
        value, baseline, *interval = numbers(scores, intervals=[ends])
        return value, " to ".join(interval), baseline

    @property
    def repeated_rows(self) -> list[RepeatedRows]:
        """Parts many of whose rows are also among the training rows."""
        return [RepeatedRows(**each) for each in self.metrics.get("repeated_rows", [])]


def content(
    files: Mapping[str, str | bytes],
    comparison: Path | None = None,
    trusted: Collection[str] = (),
    number: int = 1,
) -> Content:
    """The content of a report.

    Args:
        files: The artifact's files by name, text or bytes.
        comparison: Folder that may hold `comparison.json`.
        trusted: Packages that may be imported for classes that are not part of mtl_keras.
        number: The number of the artifact's version. Default 1.

    Returns:
        The parsed files.

    Raises:
        ArtifactError: if a file is missing or damaged.

    Example:

    >>> from pathlib import Path
    >>> from mtl_keras.export import artifact
    >>> newest = artifact.latest(Path("saved_models/customers"))  # doctest: +SKIP
    >>> [task.name for task in content(artifact.read_files(newest)).tasks]  # doctest: +SKIP
    """

    def parsed(name: str) -> Any:
        with reading(name):
            return json.loads(files[name])

    schema = parsed("schema.json")
    with reading("schema.json"), without_imports(trusted=trusted):
        fitted = [tasks.get(config) for config in schema["tasks"]]
        read = [features.get(config) for config in schema["features"]]
    with reading("predictions.npz"):
        arrays = files["predictions.npz"]
        assert isinstance(arrays, bytes)
        with np.load(io.BytesIO(arrays), allow_pickle=False) as saved:
            truths, predictions = from_arrays([task.name for task in fitted], saved)
    with reading("history.csv"):
        history = pd.read_csv(io.StringIO(str(files["history.csv"])))
        history["epoch"]  # at least that is there
    with reading("experiment.toml"):
        written = str(files["experiment.toml"])
        experiment = tomllib.loads(written)
    compared = None
    if comparison is not None and comparison.is_file():
        with reading(str(comparison)):
            compared = json.loads(comparison.read_text("utf-8"))
            if compared["measures"] != {task.name: task.measure.name for task in fitted}:
                compared = None
    return Content(
        schema=schema,
        metrics=parsed("metrics.json"),
        tasks=fitted,
        features=read,
        history=history,
        balancing=parsed("balancing.json"),
        structure=parsed("structure.json"),
        explanation=parsed("explanation.json"),
        statistics=parsed("statistics.json") if "statistics.json" in files else {},
        experiment=experiment,
        experiment_text=written,
        truths=truths,
        predictions=predictions,
        comparison=compared,
        number=number,
    )
