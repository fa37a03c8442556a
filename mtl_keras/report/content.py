"""The content of a report, read from the files of an artifact's version."""

import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import features, tasks
from mtl_keras.declaring.registry import without_imports
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
        experiment: `experiment.toml`, as text.
        truths: For each task, the labels of the test rows.
        predictions: For each task, the predictions for the test rows.
        comparison: `comparison/comparison.json` beside the artifact, or None.
    """

    schema: dict[str, Any]
    metrics: dict[str, Any]
    tasks: list[Task]
    features: list[Feature]
    history: pd.DataFrame
    balancing: list[dict[str, Any]]
    structure: list[dict[str, Any]]
    explanation: dict[str, Any]
    experiment: str
    truths: dict[str, np.ndarray]
    predictions: dict[str, np.ndarray]
    comparison: dict[str, Any] | None


def content(
    files: Mapping[str, str | bytes],
    comparison: Path | None = None,
    trusted: Collection[str] = (),
) -> Content:
    """The content of a report.

    Args:
        files: The artifact's files by name, text or bytes.
        comparison: Folder that may hold `comparison.json`.
        trusted: Packages that may be imported for classes that are not part of mtl_keras.
    """

    def parsed(name: str) -> Any:
        return json.loads(files[name])

    schema = parsed("schema.json")
    with without_imports(trusted=trusted):
        fitted = [tasks.get(config) for config in schema["tasks"]]
        read = [features.get(config) for config in schema["features"]]
    arrays = files["predictions.npz"]
    assert isinstance(arrays, bytes)
    with np.load(io.BytesIO(arrays)) as saved:
        truths = {task.name: saved[f"truth_{i}"] for i, task in enumerate(fitted)}
        predictions = {task.name: saved[f"predicted_{i}"] for i, task in enumerate(fitted)}
    compared = comparison is not None and comparison.is_file()
    return Content(
        schema=schema,
        metrics=parsed("metrics.json"),
        tasks=fitted,
        features=read,
        history=pd.read_csv(io.StringIO(str(files["history.csv"]))),
        balancing=parsed("balancing.json"),
        structure=parsed("structure.json"),
        explanation=parsed("explanation.json"),
        experiment=str(files["experiment.toml"]),
        truths=truths,
        predictions=predictions,
        comparison=json.loads(comparison.read_text("utf-8")) if compared and comparison else None,
    )


def arrays(
    fitted: list[Task], truths: Mapping[str, np.ndarray], predictions: Mapping[str, np.ndarray]
) -> bytes:
    """Parse `predictions.npz`: labels and predictions of the test rows, by number of the task."""
    file = io.BytesIO()
    saved: dict[str, Any] = {f"truth_{i}": truths[task.name] for i, task in enumerate(fitted)}
    saved |= {f"predicted_{i}": predictions[task.name] for i, task in enumerate(fitted)}
    np.savez_compressed(file, **saved)
    return file.getvalue()
