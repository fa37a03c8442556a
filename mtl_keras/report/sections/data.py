"""The table that the model was made from: targets, features, and how the rows were divided."""

from collections.abc import Callable, Sequence
from typing import Any

from mtl_keras.drawing.digits import apart
from mtl_keras.evaluation.distribution import Distribution
from mtl_keras.report.about import PARTS, division, kind
from mtl_keras.report.columns import Summary, summary
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section


def data(content: Content, draw: Drawer) -> Section:
    """The rows of each part, how they were divided, and the distribution of each column."""
    return Section(
        "data",
        "Data",
        {
            "rows": {PARTS.get(p, p): count for p, count in content.metrics["rows"].items()},
            "split_text": f"Rows were divided {division(content.experiment.get('split', {}))}.",
            "repeated": [each for each in content.repeated_rows if not each.copies],
            "targets": _targets(content),
            "features": _features(content),
        },
    )


def _targets(content: Content) -> list[dict[str, Any]]:
    """The labels of each task in the training rows."""
    kept = content.statistics.get("targets", {})
    return [
        {"name": name, "kind": kind(task), "summary": _summary(counts)}
        for task in content.tasks
        for name, counts in kept.get(task.name, {}).items()
    ]


def _features(content: Content) -> list[dict[str, Any]]:
    schema, missing = content.schema, content.explanation.get("missing", {})
    kept = content.statistics.get("features", {})
    suspicious = {leak["feature"] for leak in content.metrics.get("leaks", [])}
    rows = []
    for feature in content.features:
        slug = schema["inputs"][feature.name]
        found = _summary(kept.get(feature.name), feature.format_observed)
        rows.append(
            {
                "name": feature.name,
                "column": feature.source,
                "kind": feature.kind,
                "why": schema["guesses"].get(feature.name, "as declared"),
                "input": slug if slug != feature.name else "",
                "summary": found,
                "missing": found.missing if found else missing.get(feature.source),
                "suspicious": feature.name in suspicious,
            }
        )
    crossed = [
        {
            "name": " × ".join(crossing["features"]),
            "kind": "crossing",
            "why": f"their {crossing['known']:,} combinations of values are features, too",
        }
        for crossing in schema.get("crossings", [])  # version 0.1 had none
    ]
    dropped = schema["dropped"].items()
    return [*rows, *crossed] + [
        {"name": name, "kind": "left out", "why": why, "missing": missing.get(name)}
        for name, why in dropped
    ]


def _summary(
    kept: dict[str, Any] | None, shown: Callable[[Sequence[float]], list[str]] = apart
) -> Summary | None:
    """What an artifact keeps of a column; None if that is nothing."""
    return None if kept is None else summary(Distribution.from_dict(kept), shown)
