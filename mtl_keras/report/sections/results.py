"""How good the model is: the scores and figures of each task."""

from typing import Any

from mtl_keras.drawing.digits import numbers
from mtl_keras.report import figures
from mtl_keras.report.content import Content
from mtl_keras.report.glossary import glossary
from mtl_keras.report.section import Section
from mtl_keras.report.wording import measure
from mtl_keras.tasks import Task
from mtl_keras.tasks.calibration import METHODS

IN_SENTENCES = {"conformal_coverage_se"}  # scores that stand in no table


def results(content: Content, draw: figures.Drawer) -> Section:
    """Each task's scores on the test rows beside those of simpler models, and its figures."""
    tested = content.metrics["test"]
    return Section(
        "results",
        "Results",
        {
            "rows": content.metrics["rows"],
            "trained": max(each.get("training_rows", 0) for each in tested.values()),
            "tasks": [_judged(task, content, draw) for task in content.tasks],
            "glossary": glossary(
                {n for each in tested.values() for n in each["scores"]} - IN_SENTENCES
            ),
            "compared": content.comparison is not None,
            "joint": content.metrics.get("joint_coverage"),
            "slices": content.explanation.get("slices"),
            "units": {task.name: task.unit for task in content.tasks},
        },
    )


def _judged(task: Task, content: Content, draw: figures.Drawer) -> dict[str, Any]:
    result = content.metrics["test"][task.name]
    main = task.measure.name
    others: dict[str, float] = {}
    if content.comparison:
        for row in content.comparison["results"]:
            if row["task"] == task.name and row["candidate"] != "constant":
                others[row["candidate"]] = row["value"]  # "joint" too: this run is one of its seeds
    scores = []
    for name, value in result["scores"].items():
        if name in IN_SENTENCES:
            continue
        beside = [v if name == main else None for v in others.values()]
        trained, base = (result.get(part, {}).get(name) for part in ("training", "baseline"))
        ends = result.get("intervals", {}).get(name, ())  # version 0.1 had none
        values = [value, trained, base, *beside, *ends]
        own, trained, base, *texts = numbers(values, intervals=[ends])
        rest, ends = texts[: len(beside)], texts[len(beside) :]
        scores.append(
            {
                "measure": measure(name, task.unit),
                "value": own,
                "interval": " to ".join(ends),
                "others": ["" if text == "–" else text for text in (trained, base, *rest)],
                "better": _better(name, task),
                "main": name == main,
            }
        )
    return {
        "name": task.name,
        "kind": task.kind.replace("_", " "),
        "unit": task.unit,
        "rows": result["rows"],
        "decision": task.decision,
        "uncertain": any(row["interval"] for row in scores),
        "columns": ["training rows", "baseline", *others],
        "scores": scores,
        "figures": figures.panels(task, content, draw),
        "calibration": _calibration(task, content),
        "coverage": _coverage(task, result["scores"]),
    }


def _better(name: str, task: Task) -> str:
    """Which values of a score are good."""
    if name == "conformal_coverage":
        return f"ideally {task.nominal_coverage:.4g}"
    return f"{'higher' if task.higher_is_better(name) else 'lower'} is better"


def _calibration(task: Task, content: Content) -> str:
    """How calibration changed the log loss, for a task with calibrated probabilities."""
    worth = content.metrics.get("calibration", {}).get(task.name)
    if worth is None:
        return ""
    before, after = numbers([worth["before"], worth["after"]])
    return (
        f"Probabilities are calibrated {METHODS[worth['method']].words}, fitted on the validation "
        f"rows. On the test rows the log loss was {before} without it and is {after} with it."
    )


def _coverage(task: Task, scores: dict[str, float]) -> str:
    """How often the intervals or sets of a task hold the label, and how often they should."""
    if task.nominal_coverage is None or "conformal_coverage" not in scores:
        return ""
    return (
        f"Declared coverage {task.nominal_coverage:.4g}: the intervals or sets contain the "
        f"true label in {scores['conformal_coverage']:.1%} of these rows (standard error "
        f"{scores['conformal_coverage_se']:.1%})."
    )
