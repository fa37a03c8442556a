"""What the answers depend on."""

from functools import partial
from typing import Any

import pandas as pd

from mtl_keras.drawing import style
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.wording import measure

MOST_ANSWERS = 10
MOST_FEATURES = 12


def importance(content: Content, draw: Drawer) -> Section | None:
    """The importance of the features, and how mean predictions depend on some of them."""
    importances, dependences = _importances(content, draw), _dependences(content, draw)
    if not importances and not dependences:
        return None
    return Section(
        "importance", "Feature importance", {"importances": importances, "dependences": dependences}
    )


def _importances(content: Content, draw: Drawer) -> list[dict[str, str]]:
    tasks = {task.name: task for task in content.tasks}
    table = pd.DataFrame(content.explanation.get("importance") or [])
    if table.empty or table["feature"].nunique() == 1:  # with one feature, all the same
        return []
    figures = []
    for task, part in table.groupby("task", sort=False):
        top = part.sort_values("drop", ascending=False).head(MOST_FEATURES).iloc[::-1]
        name = top["measure"].iloc[0]
        change = "drop in" if tasks[str(task)].higher_is_better(name) else "rise in"
        what = f"{change} {measure(name, tasks[str(task)].unit)}"
        note = "" if top["drop"].any() else "Shuffling any feature leaves this metric as it is."
        figures.append(draw(str(task), partial(_bars, top=top, what=what), note))
    return figures


def _bars(ax: Any, top: pd.DataFrame, what: str) -> None:
    """A bar for each of the most important features of a task."""
    names = list(map(style.short, top["feature"]))
    ax.barh(range(len(top)), top["drop"], xerr=top["sd"], color=style.COLORS[0], height=0.65)
    ax.set_yticks(range(len(top)), names, fontsize=8)
    ax.set_xlabel(what, loc="right")  # a long one may begin below the names
    space = max(0, 4 - len(top)) / 2  # so that one bar alone does not fill the figure
    ax.set_ylim(-0.6 - space, len(top) - 0.4 + space)


def _dependences(content: Content, draw: Drawer) -> list[dict[str, str]]:
    figures = []
    single = {task.name for task in content.tasks if task.single_probability}
    for each in content.explanation.get("dependence") or []:
        curve, task = pd.DataFrame(each["curve"]), each["task"]
        answers = [c for c in curve.columns[1:] if c == task or c.startswith(f"{task}: ")]
        unit = content.units[task]
        mean = f"mean prediction{f' ({unit})' if unit else ''}"
        if task in single or len(answers) > 1:
            mean = "mean probability"
        show = partial(dependence_curves, x=curve.iloc[:, 0], answers=curve[answers], mean=mean)
        figures.append(draw(f"{task} by {curve.columns[0]}", show))
    return figures


def dependence_curves(ax: Any, x: pd.Series, answers: pd.DataFrame, mean: str) -> None:
    """A line per answer for a numeric feature, bars or points for any other."""
    several = answers.shape[1] > 1
    numbers = pd.api.types.is_numeric_dtype(x) and not pd.api.types.is_bool_dtype(x)
    rows = [style.short(value) for value in x]
    for number, column in enumerate(answers.columns[:MOST_ANSWERS]):
        y = answers[column]
        look = style.line_style(number) if several else {"color": style.COLORS[1]}
        label = style.short(column.split(": ")[-1], 16)
        if numbers:
            marker = style.MARKERS[number % len(style.MARKERS)]
            ax.plot(x, y, marker=marker, lw=1.8, ms=4, label=label, **look)
        elif several:
            marker = style.MARKERS[number % len(style.MARKERS)]
            ax.plot(y[::-1], rows[::-1], marker, color=look["color"], ms=6, label=label)
        else:
            ax.barh(rows[::-1], y[::-1], **look)
    ax.set(**({"xlabel": style.short(x.name, 40), "ylabel": mean} if numbers else {"xlabel": mean}))
    ax.tick_params(axis="y", labelsize=8)
    if several:
        style.legend(ax, min(answers.shape[1], MOST_ANSWERS))
