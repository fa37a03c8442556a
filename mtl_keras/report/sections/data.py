"""The table that the model was made from, as it was read."""

import tomllib
from typing import Any

from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section


def data(content: Content, draw: Drawer) -> Section:
    """The rows of each part, how they were divided, and the type of each column."""
    split = tomllib.loads(content.experiment).get("split", {})
    return Section(
        "data",
        "Data",
        {
            "rows": content.metrics["rows"],
            "split_text": f"Split: {split.get('strategy', 'random')}"
            + (f" by {split['column']}" if "column" in split else "")
            + (f", stratified by {split['stratify']}" if "stratify" in split else "")
            + ".",
            "features": _features(content),
        },
    )


def _features(content: Content) -> list[dict[str, Any]]:
    schema, missing = content.schema, content.explanation.get("missing", {})
    rows = [
        {
            "name": feature.name,
            "column": feature.source,
            "kind": feature.kind,
            "why": schema["guesses"].get(feature.name, ""),
            "signature": schema["inputs"][feature.name],
            "missing": missing.get(feature.source),
        }
        for feature in content.features
    ]
    crossed = [
        {
            "name": " × ".join(crossing["features"]),
            "column": " × ".join(crossing["features"]),
            "kind": "crossing",
            "why": f"also read by exact value ({crossing['known']:,} values)",
            "signature": "",
            "missing": None,
        }
        for crossing in schema.get("crossings", [])  # version 0.1 had none
    ]
    dropped = schema["dropped"].items()
    return [*rows, *crossed] + [
        {
            "name": name,
            "column": name,
            "kind": "dropped",
            "why": why,
            "signature": "",
            "missing": missing.get(name),
        }
        for name, why in dropped
    ]
