"""What one sees first: each task's score, and warnings."""

from typing import Any

from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.tasks import Task


def overview(content: Content, draw: Drawer) -> Section:
    """The verdict, features that tell a label, and a card for each task."""
    return Section(
        "overview",
        "",
        {
            "verdict_text": _verdict(content),
            "leaks": content.metrics.get("leaks", []),
            "cards": [_card(task, content) for task in content.tasks],
        },
    )


def _verdict(content: Content) -> str:
    if content.comparison:
        return content.comparison["advice"]
    return (
        "One training cannot tell whether sharing helped: run mtl-keras compare on this "
        "experiment. Below, the model is compared with a constant."
    )


def _card(task: Task, content: Content) -> dict[str, Any]:
    result, main = content.metrics["test"][task.name], task.measure.name
    value, base = result["scores"].get(main), result["baseline"].get(main)
    against = "" if base is None else f"; a constant: {base:,.4g}"
    compared = content.comparison["results"] if content.comparison else []
    verdicts = [
        row["verdict"]
        for row in compared
        if row["task"] == task.name and row["candidate"] == "joint"
    ]
    return {
        "task": task.name,
        "value": "–" if value is None else f"{value:,.4g}",
        "note": f"{main.replace('_', ' ')}{against}",
        "verdict": verdicts[0] if verdicts else "",
    }
