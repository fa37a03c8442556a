"""What one sees first: what the page is about, each task's score, and warnings."""

from datetime import datetime
from pathlib import PurePath
from typing import Any

import numpy as np

from mtl_keras.drawing.digits import numbers
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.wording import measure
from mtl_keras.tasks import Task

NAMES = {"mtl_keras": "mtl_keras", "tensorflow": "TensorFlow", "keras": "Keras", "python": "Python"}


def overview(content: Content, draw: Drawer) -> Section:
    """The facts about the model, the verdict, suspicious features, and a card for each task."""
    return Section(
        "overview",
        "",
        {
            "facts": _facts(content),
            "verdict_text": _verdict(content),
            "leaks": content.metrics.get("leaks", []),
            "cards": [_card(task, content) for task in content.tasks],
        },
    )


def _facts(content: Content) -> list[tuple[str, str]]:
    """What the model is: the table, its rows, period and columns, when and with what it was made.

    What an artifact does not tell is left out.
    """
    experiment, schema = content.experiment, content.schema
    source = experiment.get("data", {}).get("path", "")
    listed = [source] if isinstance(source, str) else list(source)
    table = ", ".join(PurePath(path).name for path in listed[:3] if path)
    table += f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    rows = content.metrics["rows"]
    parts = ", ".join(f"{count:,} {part}" for part, count in rows.items())
    dropped = f", {len(schema['dropped'])} left out" if schema["dropped"] else ""
    versions = (f"{NAMES.get(name, name)} {text}" for name, text in schema["versions"].items())
    facts = {
        "Predicts": ", ".join(f"{task.name} ({_kind(task)})" for task in content.tasks),
        "Table": table or "a DataFrame",
        "Rows": f"{sum(rows.values()):,}: {parts}",
        "Period": "; ".join(periods(content)),
        "Columns": f"{len({f.source for f in content.features})} read{dropped}",
        "Trained": _when(schema.get("trained_at", "")),
        "Made with": ", ".join(versions),
        "Intended use": experiment.get("intended_use") or "not stated by the author",
    }
    return [(name, text) for name, text in facts.items() if text]


def _kind(task: Task) -> str:
    return task.kind.replace("_", " ") + (f", {task.unit}" if task.unit else "")


def periods(content: Content) -> list[str]:
    """For each column of dates, the first and the last one in the training rows."""
    periods = []
    for feature in content.features:
        kept = content.statistics.get("features", {}).get(feature.name, {})
        ends = (kept.get("low"), kept.get("high"))
        if feature.is_moment and None not in ends:
            low, high = map(feature.shown, ends)
            periods.append(f"{low} to {high} ({feature.source}, training rows)")
    return periods


def _when(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC" if moment else ""


def _verdict(content: Content) -> str:
    if content.comparison:
        return content.comparison["advice"]
    return (
        "The scores are compared with a baseline: the best constant prediction. Whether it helped "
        "to train the tasks together, one training cannot tell: run mtl-keras compare on this "
        "experiment."
    )


def _card(task: Task, content: Content) -> dict[str, Any]:
    result, main = content.metrics["test"][task.name], task.measure.name
    ends = result.get("intervals", {}).get(main, ())  # version 0.1 had none
    scores = (result["scores"].get(main), result["baseline"].get(main), *ends)
    value, base, *ends = numbers(None if v is None else np.float64(v) for v in scores)
    better = "higher" if task.higher_is_better(main) else "lower"
    compared = content.comparison["results"] if content.comparison else []
    verdicts = [
        row["verdict"]
        for row in compared
        if row["task"] == task.name and row["candidate"] == "joint"
    ]
    return {
        "task": task.name,
        "value": value,
        "interval": " to ".join(ends),
        "measure": measure(main, task.unit),
        "note": ("" if scores[1] is None else f"baseline {base}; ") + f"{better} is better",
        "verdict": verdicts[0] if verdicts else "",
    }
