"""The test rows that are predicted worst."""

import itertools
from typing import Any

from mtl_keras.drawing.digits import numbers
from mtl_keras.drawing.notebook import is_number
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.wording import row_loss
from mtl_keras.tasks import Task


def worst_rows(content: Content, draw: Drawer) -> Section | None:
    """The rows with the largest losses of each task; None if they are not to be shown."""
    found = content.metrics.get("diagnostics", {}).get("worst_rows")
    if not found:
        return None
    grouped = itertools.groupby(found, lambda row: row["task"])
    by_task = {name: list(rows) for name, rows in grouped}
    tasks = [
        _of_task(task, by_task[task.name])
        for task in content.tasks
        if task.name in by_task and task.row_loss is not None
    ]
    return Section("worst_rows", "Worst predictions", {"tasks": tasks})


def _of_task(task: Task, rows: list[dict[str, Any]]) -> dict[str, Any]:
    assert task.row_loss is not None
    return {
        "name": task.name,
        "unit": task.unit,
        "loss": row_loss(task.row_loss.name, task.unit),
        "rows": _worded(rows),
        "numeric": all(is_number(row[cell]) for row in rows for cell in ("actual", "predicted")),
    }


def _worded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    losses = numbers(row["loss"] for row in rows)
    return [
        {**row, "name": row["name"].removeprefix("row "), "loss": text}  # its column is "row"
        for row, text in zip(rows, losses)
    ]
