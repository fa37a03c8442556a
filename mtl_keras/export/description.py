"""Describes an artifact in words."""

from pathlib import Path
from typing import Any

from mtl_keras import tasks
from mtl_keras.datasets import placeholders
from mtl_keras.declaring.registry import without_imports
from mtl_keras.drawing.digits import with_intervals
from mtl_keras.errors import ConfigError, reading
from mtl_keras.export.artifact import EXTRA, latest, read_json, read_schema
from mtl_keras.features.crossing import in_words


def describe(folder: Path) -> str:
    """Return what the newest version of an artifact reads and predicts, and its scores.

    Raises:
        ArtifactError: if there is none, or it is damaged.
    """
    version = latest(folder)
    schema = read_schema(version)
    metrics = read_json(version / EXTRA / "metrics.json")
    with reading(f"schema.json or metrics.json of {version}"):
        return "\n".join(map(printable, _described(version, schema, metrics)))


def printable(line: str) -> str:
    """Return a line without control characters, which could steer the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _described(version: Path, schema: Any, metrics: Any) -> list[str]:
    lines = [f"{schema['name']}, version {version.name}: {version}", "inputs"]
    for feature in schema["features"]:
        name = feature["name"]
        slug = schema["inputs"][name]
        alias = "" if slug == name else f" (signature: {slug})"
        lines.append(f"  {name}: {feature['kind']}, {schema['input_dtypes'][name]}{alias}")
    if missing := schema.get("missing_values"):
        lines.append(f"missing values, besides empty ones: {placeholders.in_words(missing)}")
    if crossings := schema.get("crossings"):  # version 0.1 had none
        lines.append(in_words(crossings))
    lines.append("outputs")
    for name, slug in schema["outputs"].items():
        alias = "" if slug == name else f" (signature: {slug})"
        lines.append(f"  {name}: {schema['output_dtypes'][name]}{alias}")
    known = {config["name"]: _decision(config) for config in schema["tasks"]}
    if any(known.values()):
        lines.append("classes")
        lines += [f"  {name}: {words}" for name, words in known.items() if words]
    lines.append("scores on the test rows")
    for task, result in metrics["test"].items():
        intervals = result.get("intervals", {})  # version 0.1 had none
        scores = ", ".join(
            f"{metric} {with_intervals([value], [intervals.get(metric)])[0]}"
            for metric, value in result["scores"].items()
            if value is not None
        )
        lines.append(f"  {task} ({result['kind']}, {result['rows']:,} rows): {scores}")
    if schema["dropped"]:
        lines.append("dropped columns")
        lines += [f"  {name}: {why}" for name, why in schema["dropped"].items()]
    return lines


def _decision(config: Any) -> str:
    """Return the decision of a task; empty if its class is not part of mtl_keras."""
    try:
        with without_imports():
            task = tasks.get(config)
    except ConfigError:
        return ""
    change = f"; to change it, train with {task.decision_options}" if task.decision_options else ""
    return task.decision + change
