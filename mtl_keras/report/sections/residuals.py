"""What the predictions leave over: by their size, and what the tasks have in common."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from mtl_keras.drawing import style
from mtl_keras.drawing.digits import numbers, signed
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section


def residuals(content: Content, draw: Drawer) -> Section | None:
    """The mean residuals of quantities, and the correlation of all tasks' residuals."""
    found = content.metrics.get("diagnostics", {})
    grouped = itertools.groupby(found.get("residuals", []), lambda row: row["task"])
    quantities = [_quantity(task, list(rows), content.units[task], draw) for task, rows in grouped]
    correlation = _correlation(found.get("correlation", []), found.get("correlation_left_out", {}))
    if not quantities and not correlation:
        return None
    values = {"quantities": quantities, "correlation": correlation}
    return Section("residuals", "Residuals", values)


def _quantity(name: str, rows: list[dict[str, Any]], unit: str, draw: Drawer) -> dict[str, Any]:
    suffix = f" ({unit})" if unit else ""

    def errors(ax: Any) -> None:
        middle = np.array([row["residual"] for row in rows])
        ends = np.array([[row["low"], row["high"]] for row in rows], float)
        reach = np.nan_to_num(np.abs(ends - middle[:, None])).T
        places = np.arange(len(rows))
        ax.errorbar(places, middle, reach, fmt="o", color=style.COLORS[0], ms=5, capsize=3)
        ax.axhline(0, color=style.MUTED, lw=1, ls="--")
        names = [row["predicted"] for row in rows]
        ax.set_xticks(places, names, rotation=40, ha="right", fontsize=7)
        label = style.short(suffix)
        ax.set(xlabel=f"predicted{label}", ylabel=f"mean residual{label}")

    listed = []
    for row in rows:
        predicted, actual, error = numbers([row["mean_predicted"], row["mean_actual"], row["mae"]])
        ends = (row["low"], row["high"])
        residual, low, high = signed([row["residual"], *ends], [ends])
        listed.append(
            {
                "predicted": row["predicted"],
                "rows": f"{row['rows']:,}",
                "means": (predicted, actual),
                "residual": residual,
                "interval": "" if row["low"] is None else f"{low} to {high}",
                "mae": error,
                "biased": row["low"] is not None and row["low"] * row["high"] > 0,
            }
        )
    note = "With 95% intervals. Above the dashed line the predictions are too low."
    return {
        "name": name,
        "unit": unit,
        "figure": draw(f"{name}: mean residual by decile of the prediction", errors, note=note),
        "rows": listed,
    }


def _correlation(pairs: list[dict[str, Any]], left_out: Mapping[str, str]) -> dict[str, Any] | None:
    """The pairs as a square table; None without any."""
    if not pairs:
        return None
    names = list(dict.fromkeys(name for pair in pairs for name in (pair["first"], pair["second"])))
    cells = {frozenset((pair["first"], pair["second"])): pair for pair in pairs}
    rows = [
        {"name": name, "cells": [_cell(cells.get(frozenset((name, other)))) for other in names]}
        for name in names
    ]
    beyond = sum(abs(pair["correlation"]) > pair["chance"] for pair in pairs)
    without = "; ".join(f"{task} ({why})" for task, why in left_out.items())
    return {"names": names, "rows": rows, "beyond": beyond, "pairs": len(pairs), "without": without}


def _cell(pair: dict[str, Any] | None) -> dict[str, Any] | None:
    if pair is None:
        return None
    value = pair["correlation"]
    place, text = int(value < 0), f"{value:+.2f}"
    return {
        "text": text if text.strip("+-0.") else "0.00",
        "color": f"var(--series-{place}, {style.COLORS[place]})",
        "strength": round(60 * min(abs(value), 1.0)),
        "chance": abs(value) <= pair["chance"],
    }
