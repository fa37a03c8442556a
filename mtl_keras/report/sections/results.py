"""How good the model is: the scores and figures of each task."""

from typing import Any

from mtl_keras.drawing.digits import numbers
from mtl_keras.report import figures
from mtl_keras.report.content import Content
from mtl_keras.report.glossary import glossary
from mtl_keras.report.section import Section
from mtl_keras.report.wording import in_a_list, measure
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
            "joint": content.metrics.get("joint_coverage"),
            "slices": content.explanation.get("slices"),
            "units": content.units,
        },
    )


def _judged(task: Task, content: Content, draw: figures.Drawer) -> dict[str, Any]:
    result = content.metrics["test"][task.name]
    main = task.measure.name
    scores = []
    for name, value in result["scores"].items():
        if name in IN_SENTENCES:
            continue
        trained, base = (result.get(part, {}).get(name) for part in ("training", "baseline"))
        ends = result.get("intervals", {}).get(name, ())  # version 0.1 had none
        own, *beside, low, high = numbers(
            [value, trained, base, *(ends or (None, None))], intervals=[ends]
        )
        scores.append(
            {
                "measure": measure(name, task.unit),
                "value": own,
                "interval": f"{low} to {high}" if ends else "",
                "others": ["" if text == "–" else text for text in beside],
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
        "scores": scores,
        "compared": _compared(task, content),
        "figures": figures.panels(task, content, draw),
        "calibration": _calibration(task, content),
        "coverage": _coverage(task, result["scores"]),
    }


def _compared(task: Task, content: Content) -> str:
    """The main score of each candidate of the comparison, as a sentence; "" without one."""
    if not content.comparison:
        return ""
    means = {
        row["candidate"]: row["value"]
        for row in content.comparison["results"]
        if row["task"] == task.name and row["candidate"] != "constant"
    }
    ends = content.metrics["test"][task.name].get("intervals", {}).get(task.measure.name)
    texts = numbers(means.values(), intervals=[ends])
    listed = in_a_list([f"{name} {text}" for name, text in zip(means, texts)])
    return f"In the comparison, the mean {measure(task.measure.name, task.unit)} was: {listed}."


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
        f"rows. This changed the log loss on the test rows from {before} to {after}."
    )


def _coverage(task: Task, scores: dict[str, float]) -> str:
    """How often the intervals or sets of a task hold the label, and how often they should."""
    if task.nominal_coverage is None or "conformal_coverage" not in scores:
        return ""
    return (
        f"The declared coverage is {task.nominal_coverage:.4g}. The intervals or sets contain the "
        f"true label in {scores['conformal_coverage']:.1%} of the test rows (standard error "
        f"{scores['conformal_coverage_se']:.1%})."
    )
