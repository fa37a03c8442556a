"""The figures of a page, drawn from the artifact's files."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mtl_keras.drawing import style
from mtl_keras.drawing.figure import axes, svg
from mtl_keras.drawing.heat import heat_map
from mtl_keras.report.content import Content
from mtl_keras.report.history import curve
from mtl_keras.report.prediction import task_panels
from mtl_keras.tasks import Task

MOST_ANSWERS = 10
MOST_FEATURES = 12
BALANCING = {
    "weights": "weight",
    "gradient_norms": "gradient norm",
    "dropped": "share of steps without the task",
}
"""Keys of a balancer's records that hold a value per task, with the titles of their figures."""


class Drawer:
    """Draws figures for one page; a figure that fails is replaced by its error message."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(
        self, caption: str, draw: Callable[[Any], None] | None = None, figure: Any = None
    ) -> dict[str, str]:
        """A figure as SVG, or why it could not be drawn.

        Args:
            caption: What it shows; also the text alternative.
            draw: A function that draws on given axes.
            figure: A function that makes the whole figure, instead of `draw`.
        """
        self.number += 1
        try:
            if draw is not None:
                drawn, grid = axes(1, 1)
                draw(grid[0, 0])
            else:
                drawn = figure()
            return {"caption": caption, "svg": svg(drawn, self.number, caption)}
        except Exception as error:  # a failing figure must not fail the run
            return {"caption": caption, "error": f"{type(error).__name__}: {error}"}


def gains(ax: Any, part: pd.DataFrame) -> None:
    """The gain of each candidate over the single-task models on one task, with its interval.

    Args:
        ax: Matplotlib axes.
        part: The rows of a comparison's results for the task.
    """
    shown = part[(part["candidate"] != "single-task") & (part["candidate"] != "constant")]
    shown = shown.iloc[::-1]
    colors = dict.fromkeys(("helped", "better"), "#338855")
    colors |= dict.fromkeys(("hurt", "worse"), "#cc4433")
    # Wide enough for the candidates near the joint model; those far off become arrows at the edge.
    size = shown[["low", "high"]].abs().max(axis=1)
    near = shown[size <= 8 * size[shown["candidate"] == "joint"].max()]
    left, right = min(near["low"].min(), 0.0), max(near["high"].max(), 0.0)
    margin = 0.08 * (right - left)
    for place, (index, row) in enumerate(shown.iterrows()):
        color = colors.get(str(row["verdict"]), style.MUTED)
        if index in near.index:
            ax.plot([row["low"], row["high"]], [place, place], color=color, lw=2.4)
            ax.plot(row["gain"], place, "o", color=color, ms=6)
            continue
        worse = row["gain"] < 0
        ax.plot(left if worse else right, place, "<" if worse else ">", color=color, ms=7)
        ax.annotate(
            f"{row['gain']:+.2g}",
            (left + margin if worse else right - margin, place),
            ha="left" if worse else "right",
            va="center",
            fontsize=9,
            color=color,
        )
    ax.set_xlim(left - margin, right + margin)
    ax.set_yticks(range(len(shown)), list(shown["candidate"]), fontsize=9)
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.axvline(0, color=style.MUTED, lw=1)
    ax.xaxis.set_major_locator(MaxNLocator(5))


def panels(task: Task, content: Content, draw: Drawer) -> list[dict[str, str]]:
    """A task's predictions beside its labels."""
    try:
        shown = task_panels(task, content.truths[task.name], content.predictions[task.name])
    except Exception as error:  # as in Drawer
        return [{"caption": f"{task.name}: predictions", "error": str(error)}]
    return [draw(panel.words, panel.draw_on) for panel in shown]


def curves(content: Content, names: Sequence[str], draw: Drawer) -> list[dict[str, str]]:
    """The losses over the epochs: the total, and that of each task."""
    history = content.history
    shown = [("total loss", "loss", None), *((f"{n}: loss", f"{n}_loss", n) for n in names)]
    figures = []
    for title, log, task in shown:
        if log not in history:
            continue
        best = history.loc[history[f"{task}_best"].astype(bool), "epoch"] if task else ()

        def one(ax: Any, log: str = log, best: Any = best, title: str = title) -> None:
            curve(ax, history, log, best)
            ax.set(xlabel="epoch", title=title)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
            ax.legend(frameon=False, fontsize=9)

        figures.append(draw(f"{title} over the epochs, training and validation", one))
    return figures


def balancing(content: Content, names: Sequence[str], draw: Drawer) -> list[dict[str, str]]:
    """What the balancer did: its records for each task, and for each pair of tasks."""
    figures = []
    for key, title in BALANCING.items():
        records = [record[key] for record in content.balancing if record.get(key) is not None]
        if not records or np.ptp(np.array(records, float)) == 0:
            continue

        def lines(ax: Any, records: Any = records, title: str = title) -> None:
            for name, values, color in zip(names, np.array(records, float).T, style.COLORS * 9):
                ax.plot(range(1, len(records) + 1), values, color=color, label=name, lw=1.8)
            ax.set(xlabel="epoch", title=f"{title} of each task")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
            ax.legend(frameon=False, fontsize=9)

        figures.append(draw(f"{title} of each task over the epochs", lines))
    cosines = [r["cosines"] for r in content.balancing if r.get("cosines") is not None]
    if cosines:
        mean = np.mean(np.array(cosines, float), axis=0)
        figures.append(
            draw(
                "cosines between the tasks' gradients, mean over the epochs; below 0 they conflict",
                lambda ax: heat_map(ax, mean, names, names, "gradient cosines"),
            )
        )
    return figures


def sharing(content: Content, draw: Drawer) -> list[dict[str, str]]:
    """The weights of sources for readers, for each gate and each mixing layer."""
    table = pd.DataFrame(content.metrics["sharing"])
    figures: list[dict[str, str]] = []
    if table.empty:
        return figures
    for layer, part in list(table.groupby("layer", sort=False))[:8]:
        wide = part.pivot_table(index="reader", columns="source", values="weight", sort=False)

        def one(ax: Any, wide: Any = wide, layer: Any = layer) -> None:
            heat_map(ax, wide.to_numpy(), list(wide.columns), list(wide.index), str(layer), False)

        figures.append(draw(f"{layer}: weight of each source for each reader", one))
    return figures


def grouping(content: Content, draw: Drawer) -> list[dict[str, str]]:
    """Which tasks help each other, where the groups were measured."""
    measured = content.metrics.get("grouping")
    if not measured:
        return []
    names, groups = measured["tasks"], "; ".join(" + ".join(g) for g in measured["groups"])
    affinity = 100 * np.array(measured["affinity"])
    return [
        draw(
            f"How far a step for one task (row) lowers another's loss (column). Groups: {groups}",
            lambda ax: heat_map(
                ax, affinity, names, names, "affinity, %", limit=np.abs(affinity).max()
            ),
        ),
        draw(
            "Cosines between the tasks' gradients in that training",
            lambda ax: heat_map(
                ax, np.array(measured["cosines"]), names, names, "gradient cosines"
            ),
        ),
    ]


def explained(content: Content, draw: Drawer) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The importance of features for each task, and how mean predictions depend on some of them."""
    table = pd.DataFrame(content.explanation.get("importance") or [])
    if len(table) and table["feature"].nunique() == 1:  # with one feature, all the same
        table = table.head(0)
    importances, dependences = [], []
    for task, part in table.groupby("task", sort=False) if len(table) else ():
        top = part.sort_values("drop", ascending=False).head(MOST_FEATURES).iloc[::-1]

        def bars(ax: Any, top: Any = top, task: Any = task) -> None:
            ax.barh(top["feature"], top["drop"], xerr=top["sd"], color=style.COLORS[0], height=0.65)
            ax.set_title(str(task), fontsize=11)
            ax.set_xlabel(f"loss in {top['measure'].iloc[0]} when shuffled")
            ax.tick_params(axis="y", labelsize=8)
            space = max(0, 4 - len(top)) / 2  # so that one bar alone does not fill the figure
            ax.set_ylim(-0.6 - space, len(top) - 0.4 + space)

        importances.append(draw(f"{task}: importance of the features", bars))
    for each in content.explanation.get("dependence") or []:
        curve, task = pd.DataFrame(each["curve"]), each["task"]
        answers = [c for c in curve.columns[1:] if c == task or c.startswith(f"{task}: ")]
        what = f"{task} by {curve.columns[0]}"

        def curves(ax: Any, curve: Any = curve, answers: Any = answers, what: str = what) -> None:
            dependence_curves(ax, curve.iloc[:, 0], curve[answers])
            ax.set_title(what, fontsize=11)

        dependences.append(draw(f"Mean answer of {what}", curves))
    return importances, dependences


def dependence_curves(ax: Any, x: pd.Series, answers: pd.DataFrame) -> None:
    """A line per answer for a numeric feature, bars or points for any other."""
    several = answers.shape[1] > 1
    numbers = pd.api.types.is_numeric_dtype(x) and not pd.api.types.is_bool_dtype(x)
    rows = [str(value)[:24] for value in x]
    for number, column in enumerate(answers.columns[:MOST_ANSWERS]):
        y = answers[column]
        color = style.COLORS[number % len(style.COLORS)] if several else style.COLORS[1]
        label = column.split(": ")[-1][:16]
        if numbers:
            ax.plot(x, y, "o-", color=color, lw=1.8, ms=4, label=label)
        elif several:
            ax.plot(y[::-1], rows[::-1], "o", color=color, ms=6, label=label)
        else:
            ax.barh(rows[::-1], y[::-1], color=color)
    if several:
        ax.legend(fontsize=8)
