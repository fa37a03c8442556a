"""The model card: what a model is, for those who find its folder or its page on a model hub."""

import shlex
from pathlib import PurePath
from typing import Any

from mtl_keras.datasets.placeholders import in_words
from mtl_keras.report.about import division
from mtl_keras.report.content import Content
from mtl_keras.report.section import ENVIRONMENT
from mtl_keras.report.wording import cell, in_a_list, measure
from mtl_keras.tasks import Task
from mtl_keras.tasks.classes import ClassTask


def model_card(content: Content) -> str:
    """The card as Markdown, with the metadata that the Hugging Face Hub reads.

    Args:
        content: The artifact's files.

    Returns:
        The card.

    References:
        Mitchell et al.: "Model Cards for Model Reporting", FAccT 2019,
        https://arxiv.org/abs/1810.03993.

    Example:

    >>> from pathlib import Path
    >>> from mtl_keras.export import artifact
    >>> from mtl_keras.report import content
    >>> newest = artifact.latest(Path("saved_models/customers"))  # doctest: +SKIP
    >>> print(model_card(content(artifact.read_files(newest))))  # doctest: +SKIP
    """
    tasks = [_described(task, content) for task in content.tasks]
    names = [cell(task["name"]) for task in tasks]
    leaks = content.metrics.get("leaks", [])
    experiment = content.experiment
    source = experiment.get("data", {}).get("path", "a table")
    text = ENVIRONMENT.get_template("card.md").render(
        name=cell(content.schema["name"]),
        folder=content.schema["name"],
        number=content.number,
        argument=shlex.quote(content.schema["name"]),
        names=in_a_list(names),
        tags=list(dict.fromkeys(task["tag"] for task in tasks)),
        tasks=tasks,
        features=[(cell(feature.source), feature.kind) for feature in content.features],
        missing=in_words(content.schema.get("missing_values", ())),
        data=PurePath(source if isinstance(source, str) else source[0]).name,
        version=content.schema["versions"]["mtl_keras"],
        rows={part: f"{count:,}" for part, count in content.metrics["rows"].items()},
        refit=bool(content.metrics.get("refit", 0)),
        split=division(experiment.get("split", {})),
        intended_use=experiment.get("intended_use", ""),
        copies=" and ".join(str(each) for each in content.repeated_rows if each.copies),
        leaks=", ".join(f"`{leak['feature']}` ({leak['task']})" for leak in leaks),
    )
    return text.rstrip() + "\n"


def _described(task: Task, content: Content) -> dict[str, Any]:
    result, main = content.metrics["test"][task.name], task.measure.name
    scores = {name: value for name, value in result["scores"].items() if value is not None}
    classes = task.classes if isinstance(task, ClassTask) else None
    answers = ", ".join(map(str, classes)) if classes else task.unit or "a number"
    value, interval, baseline = content.main_score(task)
    return {
        "name": task.name,
        "kind": task.kind,
        "tag": "tabular-classification" if classes else "tabular-regression",
        "answers": cell(answers),
        "scores": list(scores.items()),
        "main": measure(main),
        "value": value,
        "baseline": baseline,
        "interval": interval,
    }
