"""The page about what has changed since a model was trained."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from mtl_keras.drawing import style
from mtl_keras.drawing.digits import apart, ranges
from mtl_keras.evaluation.check import Check, ColumnChange
from mtl_keras.features import Feature
from mtl_keras.report import about
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import ENVIRONMENT

MOST_FIGURES = 9
MOST_LETTERS = 26


def check_page(
    result: Check, alarms: list[str], name: str, table: str, model: Content | None = None
) -> str:
    """The page of a check, with a figure for each column or answer that has changed.

    Args:
        result: What came of the check.
        alarms: What counts as changed.
        name: The model's name.
        table: What was checked.
        model: The files of the model, for the units of its tasks, for how numbers of its features
            are written, and for what it was trained on. Default: none.

    Returns:
        The page, HTML that needs no other file.

    Example:

    >>> page = check_page(Check(200, [], [], []), [], name="shop", table="new.csv")
    >>> "new.csv" in page
    True
    """
    draw = Drawer()
    features, tasks = (model.features, model.tasks) if model else ([], [])
    shown = {feature.name: feature.format_observed for feature in features}
    columns = sorted(result.columns, key=lambda change: -change.index)
    answers = sorted(result.answers, key=lambda change: -change.index)
    changed = [change for change in (*columns, *answers) if change.level != "none"]
    return ENVIRONMENT.get_template("check.html").render(
        title=f"{name}: check of new rows",
        heading=f"{name}: check of new rows",
        subheading=f"{result.rows:,} rows, compared with those that the model was trained on",
        facts=_facts(result, table, features),
        model={} if model is None else about.about_model(model),
        units={task.name: task.unit for task in tasks},
        alarms=alarms,
        limits=result.limits,
        known=result.known,
        scores=result.scores,
        columns=columns,
        answers=answers,
        figures_of_changes=[
            draw(change.name, partial(_shares, change=change, shown=shown.get(change.name, apart)))
            for change in changed[:MOST_FIGURES]
        ],
    )


def _facts(result: Check, path: str, features: Sequence[Feature]) -> dict[str, str]:
    """What was checked: file, rows, period, and when."""
    changes = {change.name: change for change in result.columns}
    dates = [changes[f.name] for f in features if f.is_moment and f.name in changes]
    facts = {
        "Table": about.table(path),
        "Rows": f"{result.rows:,}",
        "Period": "; ".join(
            f"{' to '.join(change.range_now)} ({change.name})"
            for change in dates
            if change.range_now is not None
        ),
        "Checked": about.moment(about.now()),
    }
    return {heading: text for heading, text in facts.items() if text}


def _shares(ax: Any, change: ColumnChange, shown: Callable[[Sequence[float]], list[str]]) -> None:
    """The share of the rows in each bin, then and now."""
    then, now = (np.asarray(counts, float) for counts in (change.then.counts, change.now))
    used = (then + now) > 0
    places = np.arange(used.sum())
    for offset, counts, label in ((-0.2, then, "training"), (0.2, now, "these rows")):
        shares = 100 * counts[used] / counts.sum()
        ax.barh(places + offset, shares, 0.4, label=label, color=style.COLORS[int(offset > 0)])
    bins = zip(_bins(change, shown), used)
    labels = [style.short(label, MOST_LETTERS) for label, is_used in bins if is_used]
    ax.set_yticks(places, labels, fontsize=8)
    ax.invert_yaxis()  # the first bin is above the others
    ax.set(xlabel="% of the rows")
    style.legend(ax, 2)


def _bins(change: ColumnChange, shown: Callable[[Sequence[float]], list[str]]) -> list[str]:
    """The labels of the bins: `missing`, then values, or ranges of numbers."""
    then = change.then
    if then.values is not None:
        return ["missing", *then.values, "others"]
    edges = list(then.edges or ())
    return ["missing", *ranges(shown(edges)), "never seen"]
