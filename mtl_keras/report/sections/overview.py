"""What one sees first: what the page is about, each task's score, and warnings."""

from typing import Any

from mtl_keras.report.about import about_model, in_parts
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.wording import measure
from mtl_keras.tasks import Task


def overview(content: Content, draw: Drawer) -> Section:
    """The facts about the model, the verdict, what is suspicious, and a card for each task."""
    return Section(
        "overview",
        "",
        {
            "facts": about_model(content),
            "verdict_text": _verdict(content),
            "leaks": content.metrics.get("leaks", []),
            "copies": [each for each in content.repeated_rows if each.copies],
            "cards": [_card(task, content) for task in content.tasks],
        },
    )


def _verdict(content: Content) -> str:
    if content.comparison:
        advice, rows = content.comparison["advice"], content.comparison["rows"]
        if rows == content.metrics["rows"]:
            return advice
        compared = content.comparison.get("about", {}).get("Compared")
        return (
            f"{advice} The comparison{f' of {compared}' if compared else ''} was on other rows "
            f"({in_parts(rows)}) than this training."
        )
    return (
        "The baseline is the constant prediction that is best for a score. A single training does "
        "not show whether it helped to train the tasks together; mtl-keras compare does."
    )


def _card(task: Task, content: Content) -> dict[str, Any]:
    value, interval, baseline = content.main_score(task)
    better = "higher" if task.higher_is_better(task.measure.name) else "lower"
    compared = content.comparison["results"] if content.comparison else []
    verdicts = [
        row["verdict"]
        for row in compared
        if row["task"] == task.name and row["candidate"] == "joint"
    ]
    return {
        "task": task.name,
        "value": value,
        "interval": interval,
        "measure": measure(task.measure.name, task.unit),
        "note": ("" if baseline == "–" else f"baseline {baseline}; ") + f"{better} is better",
        "verdict": verdicts[0] if verdicts else "",
    }
