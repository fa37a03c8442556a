"""What a page is about: table, rows, period and columns, when and with what it was made."""

import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import PurePath
from typing import Any

from mtl_keras import __version__
from mtl_keras.datasets.placeholders import in_words
from mtl_keras.features import Feature
from mtl_keras.report.content import Content
from mtl_keras.tasks import Task

NAMES = {"mtl_keras": "mtl_keras", "tensorflow": "TensorFlow", "keras": "Keras", "python": "Python"}
PARTS = {"train": "training"}  # the others are called what they are
SPLITS = {
    "random": "at random",
    "group": "so that rows of one group stay together",
    "time": "by time, the latest rows for the test",
    "column": "as a column says",
    "file": "by file",
}
MOST_FILES = 3
UNSTATED = "not stated by the author"


def about_model(content: Content) -> dict[str, str]:
    """What a model is, as texts by heading. What its artifact does not tell is left out.

    Args:
        content: The artifact's files.

    Example:

    >>> about_model(content(files))["Rows"]  # doctest: +SKIP
    '23,570: 15,320 training, 3,536 validation, 4,714 test'
    """
    experiment, schema = content.experiment, content.schema
    facts = {
        "Predicts": predicted(content.tasks),
        "Table": table(experiment.get("data", {}).get("path")),
        "Rows": in_parts(content.metrics["rows"]),
        "Period of the training rows": "; ".join(
            periods(content.features, content.statistics.get("features", {}))
        ),
        "Columns": columns(content.features, len(schema["dropped"])),
        "Missing values": in_words(schema.get("missing_values", ())),
        "Trained": moment(schema.get("trained_at", "")),
        "Made with": made_with(schema["versions"]),
        "Intended use": experiment.get("intended_use") or UNSTATED,
    }
    return {heading: text for heading, text in facts.items() if text}


def predicted(tasks: Iterable[Task]) -> str:
    """The tasks with their kinds and units."""
    return ", ".join(f"{task.name} ({kind(task)})" for task in tasks)


def kind(task: Task) -> str:
    """The kind of a task, with its unit where it has one."""
    return task.kind.replace("_", " ") + (f", {task.unit}" if task.unit else "")


def table(source: Any) -> str:
    """The names of a table's files, without their folders; other sources are tables in memory.

    A DataFrame that was read by `mtl_keras.datasets.read` has the name of its file.

    Example:

    >>> table(["data/may.csv", "data/june.csv"]), table(None)
    ('may.csv, june.csv', 'a DataFrame')
    """
    source = getattr(source, "attrs", {}).get("source", source)
    if isinstance(source, (str, PurePath)):
        source = [source]
    paths = source if isinstance(source, (list, tuple)) else []
    files = [PurePath(path).name for path in paths if path]
    more = f" and {len(files) - MOST_FILES} more" if len(files) > MOST_FILES else ""
    return ", ".join(files[:MOST_FILES]) + more or "a DataFrame"


def in_parts(rows: Mapping[str, int]) -> str:
    """The number of rows, and how many there are of each part.

    Example:

    >>> in_parts({"train": 1600, "validation": 200, "test": 200})
    '2,000: 1,600 training, 200 validation, 200 test'
    """
    parts = ", ".join(f"{count:,} {PARTS.get(part, part)}" for part, count in rows.items())
    return f"{sum(rows.values()):,}: {parts}"


def division(split: Mapping[str, Any]) -> str:
    """How rows were divided into parts, from the table `[split]` of an experiment.

    Example:

    >>> division({"strategy": "group", "column": "customer"}), division({"stratify": "plan"})
    ('so that rows of one group stay together (column customer)', 'at random, stratified by plan')
    """
    column = f" (column {split['column']})" if "column" in split else ""
    stratified = f", stratified by {split['stratify']}" if "stratify" in split else ""
    return f"{SPLITS[split.get('strategy', 'random')]}{column}{stratified}"


def periods(features: Sequence[Feature], statistics: Mapping[str, Any]) -> list[str]:
    """For each column of dates, the first and the last one.

    Args:
        features: Fitted features.
        statistics: Counts of each feature's values, as an artifact keeps them.
    """
    found = []
    for feature in features:
        kept = statistics.get(feature.name, {})
        ends = (kept.get("low"), kept.get("high"))
        if feature.is_moment and None not in ends:
            low, high = feature.format_observed(ends)
            found.append(f"{low} to {high} ({feature.source})")
    return found


def columns(features: Iterable[Feature], left_out: int) -> str:
    """How many columns features read, and how many are left out."""
    read = len({feature.source for feature in features})
    return f"{read} read" + (f", {left_out} left out" if left_out else "")


def moment(text: str) -> str:
    """A time in ISO format, to the minute."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC" if text else ""


def now() -> str:
    """This time, in ISO format."""
    return datetime.now(UTC).isoformat(" ", "seconds")


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that a model depends on."""
    libraries = {name: version(name) for name in ("tensorflow", "keras")}
    return {"python": platform.python_version(), "mtl_keras": __version__, **libraries}


def made_with(found: Mapping[str, str]) -> str:
    """Versions in words."""
    return ", ".join(f"{NAMES.get(name, name)} {text}" for name, text in found.items())
