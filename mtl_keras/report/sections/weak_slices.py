"""Slices of the test rows that are predicted worse than the others."""

from typing import Any

from mtl_keras.drawing.digits import numbers
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.wording import measure


def weak_slices(content: Content, draw: Drawer) -> Section | None:
    """The slices that the data suggest, or that there are none."""
    found = content.metrics.get("diagnostics")
    if not found:  # of an older version, or it could not be made
        return None
    rows = [_worded(row, content.units[row["task"]]) for row in found["weak_slices"]]
    return Section("weak_slices", "Weak slices", {"rows": rows, "searched": found["searched"]})


def _worded(row: dict[str, Any], unit: str) -> dict[str, Any]:
    names = ("score", "low", "high", "elsewhere", "constant")
    found = numbers([row[name] for name in names], intervals=[(row["low"], row["high"])])
    texts = dict(zip(names, found))
    ends = "" if row["low"] is None else f"{texts['low']} to {texts['high']}"
    return {**row, "texts": texts, "interval": ends, "measure": measure(row["measure"], unit)}
