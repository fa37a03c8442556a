"""The page about what has changed since a model was trained."""

import itertools
from functools import partial
from pathlib import PurePath
from typing import Any

import numpy as np

from mtl_keras.drawing import style
from mtl_keras.evaluation.check import Check, ColumnChange
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import ENVIRONMENT

MOST_FIGURES = 9
MOST_LETTERS = 20


def check_page(result: Check, alarms: list[str], name: str, table: str) -> str:
    """The page of a check, with a figure for each column or answer that has changed.

    Args:
        result: What came of the check.
        alarms: What counts as changed.
        name: The model's name.
        table: What was checked.
    """
    draw = Drawer()
    columns = sorted(result.columns, key=lambda change: -change.index)
    answers = sorted(result.answers, key=lambda change: -change.index)
    changed = [change for change in (*columns, *answers) if change.level != "none"]
    return ENVIRONMENT.get_template("check.html").render(
        title=f"{name}: check of new rows",
        heading=f"{name}: check of new rows",
        subheading=f"{result.rows:,} rows, compared with those that the model was trained on",
        alarms=alarms,
        scores=result.scores,
        columns=columns,
        answers=answers,
        figures_of_changes=[
            draw(change.name, partial(_shares, change=change)) for change in changed[:MOST_FIGURES]
        ],
        rows=f"{result.rows:,}",
        table_name=PurePath(table).name,
    )


def _shares(ax: Any, change: ColumnChange) -> None:
    """The share of the rows in each bin, then and now."""
    then, now = (np.asarray(counts, float) for counts in (change.then.counts, change.now))
    shown = (then + now) > 0
    places = np.arange(shown.sum())
    for offset, counts, label in ((-0.2, then, "training"), (0.2, now, "these rows")):
        shares = 100 * counts[shown] / counts.sum()
        ax.bar(places + offset, shares, 0.4, label=label, color=style.COLORS[int(offset > 0)])
    labels = [
        style.short(label, MOST_LETTERS)
        for label, is_shown in zip(_bins(change), shown)
        if is_shown
    ]
    ax.set_xticks(places, labels, rotation=60, ha="right", fontsize=8)
    ax.set(ylabel="% of the rows")
    ax.legend(fontsize=8, frameon=False)


def _bins(change: ColumnChange) -> list[str]:
    """The labels of the bins: `missing`, then values, or ranges of numbers."""
    then = change.then
    if then.values is not None:
        return ["missing", *then.values, "others"]
    edges = [f"{edge:.3g}" for edge in then.edges or ()]
    if not edges:
        return ["missing", "any"]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(edges)]
    return ["missing", f"up to {edges[0]}", *between, f"above {edges[-1]}"]
