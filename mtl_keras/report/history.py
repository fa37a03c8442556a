"""The training curves: losses and metrics over the epochs."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtl_keras.drawing import style
from mtl_keras.drawing.figure import axes
from mtl_keras.drawing.heat import heat_map
from mtl_keras.report.wording import measure

MANY = 5  # tasks, from which two are beside each other
CHOSEN, AGAIN, FINISHED = "chosen epoch", "trained again", "trained no further"
FADED = 0.3  # of curves after the last epoch that trained their task
MOST_LINES = 6
WIDE = 30.0  # between the smallest and the largest value, from which an axis is logarithmic
NO_METRICS = ("loss", "best", "weight", "gradient_norm", "dropped")


def history_figure(
    history: pd.DataFrame,
    tasks: Sequence[str],
    refit: int = 0,
    finished: Mapping[str, int] | None = None,
    networks: int = 1,
) -> Figure:
    """The loss and the metrics of each task over the epochs, training and validation.

    The first row holds the total loss, and the weights of the tasks if they are learned; then come
    the tasks, two in a row where there are many.

    Args:
        history: Logs, a row per epoch, with the column `epoch` and, for each task, `<task>_best`,
            which marks the epoch that was chosen for the task.
        tasks: Names of the tasks.
        refit: Number of epochs, up to the chosen one, that were trained again with the validation
            rows. Default 0.
        finished: The last epoch that trained a task, for each that was finished before others. Its
            curves are faded from there on. Default none.
        networks: Number of networks of which these are the logs of the first. Default 1.

    Returns:
        The figure.

    Example:

    >>> history = pd.DataFrame(
    ...     {"epoch": [1, 2], "loss": [0.9, 0.8], "val_loss": [1.0, 0.9], "spend_loss": [0.9, 0.8],
    ...      "val_spend_loss": [1.0, 0.9], "spend_best": [False, True]}
    ... )
    >>> len(history_figure(history, ["spend"]).axes) > 0
    True
    """
    metrics = metric_logs(history, tasks)
    wide = max(2, *(1 + len(of_task) for of_task in metrics.values()))
    beside = 1 if len(tasks) < MANY else 2  # tasks in a row
    figure, grid = axes(beside * wide, 1 + math.ceil(len(tasks) / beside), height=2.8)
    for ax in grid.flat:
        ax.set_visible(False)
    places = grid[1:].reshape(-1, wide)  # a row of them for each task
    shown = [(grid[0, 0], "loss", "", "total loss")]
    for row, task in zip(places, tasks):
        for ax, log in zip(row, (f"{task}_loss", *metrics[task])):
            what = measure(log.removeprefix(f"{task}_"))
            shown.append((ax, log, task, f"{style.short(task, 30)}: {what}"))
    for ax, log, task, title in shown:
        ax.set_visible(True)
        curve(ax, history, log, chosen_epoch(history, task), refit, (finished or {}).get(task))
        ax.set_title(title, fontsize=11)
    entries = {
        label: line for ax, *_ in shown for line, label in zip(*ax.get_legend_handles_labels())
    }
    figure.legend(
        entries.values(), entries, loc="outside upper center", ncols=4, frameon=False, fontsize=9
    )
    weights = [task for task in tasks if f"{task}_weight" in history]
    if weights:
        ax = grid[0, 1]
        ax.set_visible(True)
        learned = history[[f"{task}_weight" for task in weights]].to_numpy(float)
        of_each_task(ax, learned, weights)
        ax.set_title("weight of each task", fontsize=11)
    said = [f"The curves are those of the first of {networks} networks."] if networks > 1 else []
    if refit:
        said.append(after_the_curves(history, tasks, refit, networks))
    if said:
        lines = textwrap.fill(" ".join(said), 60 * beside * wide)
        figure.supxlabel(lines, fontsize=9, color=style.QUIET)
    return figure


def metric_logs(history: pd.DataFrame, tasks: Sequence[str]) -> dict[str, list[str]]:
    """For each task, the names of the logs that hold its metrics.

    Example:

    >>> logs = pd.DataFrame(columns=["epoch", "a_loss", "a_auc", "val_a_auc", "a_b_mae"])
    >>> metric_logs(logs, ["a", "a_b"])
    {'a': ['a_auc'], 'a_b': ['a_b_mae']}
    """
    found: dict[str, list[str]] = {task: [] for task in tasks}
    for log in map(str, history.columns):
        owners = [task for task in tasks if log.startswith(f"{task}_")]
        owner = max(owners, key=len, default=None)
        if owner is None or (log.removeprefix("val_") in history and log.startswith("val_")):
            continue
        if log.removeprefix(f"{owner}_") not in NO_METRICS:
            found[owner].append(log)
    return found


def chosen_epoch(history: pd.DataFrame, task: str) -> list[int]:
    """The epoch that was chosen for a task, if the logs tell."""
    if f"{task}_best" not in history:
        return []
    return [int(epoch) for epoch in history.loc[history[f"{task}_best"].astype(bool), "epoch"]]


def after_the_curves(
    history: pd.DataFrame, tasks: Sequence[str], refit: int, networks: int = 1
) -> str:
    """What a refit did after the epochs of the curves, in words.

    Example:

    >>> logs = pd.DataFrame({"epoch": [1, 2], "spend_best": [False, True]})
    >>> after_the_curves(logs, ["spend"], 3).partition(", on")[0]
    'The last 2 epochs up to the chosen one (shaded) were then trained again'
    """
    latest = max((epoch for task in tasks for epoch in chosen_epoch(history, task)), default=refit)
    count = min(refit, latest)
    epochs = f"last {count} epochs up to the chosen one (shaded) were"
    return (
        f"The {epochs if count > 1 else 'chosen epoch was'} then trained again, on the training "
        f"and validation rows together. {subject(networks)} has the resulting weights; the curves "
        "do not show this second training."
    )


def subject(networks: int) -> str:
    """What was trained as the curves show, as the subject of a sentence."""
    return "The model" if networks == 1 else "The first network"


def curve(
    ax: Any,
    history: pd.DataFrame,
    name: str,
    chosen: Iterable[int] = (),
    refit: int = 0,
    finished: int | None = None,
) -> None:
    """One log over the epochs, training and validation, and the epochs that were chosen.

    Args:
        ax: Matplotlib axes.
        history: The logs.
        name: The name of the log.
        chosen: The epochs that were chosen. Default none.
        refit: How many epochs up to a chosen one were trained again. Default 0.
        finished: The last epoch that trained the task. Default None: the last one of all.
    """
    epochs, end = history["epoch"], int(history["epoch"].max())
    last = end if finished is None else min(finished, end)
    for prefix, label, color in (
        ("", "training", style.COLORS[0]),
        ("val_", "validation", style.COLORS[1]),
    ):
        if prefix + name in history:
            logs, marker = history[prefix + name], "o" if len(history) == 1 else ""
            look = {"color": color, "lw": 1.8, "marker": marker}
            trained, later = epochs <= last, epochs >= last
            ax.plot(epochs[trained], logs[trained], label=label, **look)
            if last < end:
                ax.plot(epochs[later], logs[later], alpha=FADED, **look)
    for epoch in chosen:
        ax.axvline(epoch, color=style.MUTED, ls="--", lw=1, label=CHOSEN)
        if refit:
            start = max(epoch - refit, int(epochs.min()))
            ax.axvspan(start, epoch, color=style.MUTED, alpha=0.18, lw=0, label=AGAIN)
    if last < end:
        ax.axvline(last, color=style.MUTED, ls=":", lw=1.2)
        beside = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        small = {"rotation": 90, "va": "top", "fontsize": 7.5}
        ax.annotate(FINISHED, (last, 1), (3, -2), **beside, **small)
    _number_epochs(ax)
    _limit(ax, history, name)


def of_each_task(ax: Any, values: np.ndarray, names: Sequence[str], signed: bool = False) -> None:
    """Draw a line for each of a few tasks over the epochs, or a row of colors for each of many.

    Args:
        ax: Matplotlib axes.
        values: `(epochs, tasks)`.
        names: Names of the tasks.
        signed: Whether the sign matters. Default False.
    """
    epochs = range(1, len(values) + 1)
    if len(names) > MOST_LINES:
        largest = float(np.nanmax(np.abs(values))) or 1.0
        heat_map(ax, values.T, list(map(str, epochs)), names, signed, largest)
        ax.set_xticks(ax.get_xticks()[:: max(1, len(values) // 10)])
        ax.tick_params(axis="x", rotation=0)
        ax.set_xlabel("epoch")
    else:
        for number, (name, of_task) in enumerate(zip(names, values.T)):
            look = style.line_style(number)
            ax.plot(epochs, of_task, label=style.short(name), lw=1.8, **look)
        if signed:
            ax.axhline(0, color=style.MUTED, lw=1, ls="--")
        positive = values[values > 0]
        if len(positive) == values.size and positive.max() > WIDE * positive.min():
            ax.set_yscale("log")
            ax.yaxis.set_major_formatter("{x:g}")
            ax.yaxis.set_minor_formatter("")
        _number_epochs(ax)
        style.legend(ax, len(names))


def _number_epochs(ax: Any) -> None:
    """Whole numbers for the epochs on the horizontal axis."""
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))


def _limit(ax: Any, history: pd.DataFrame, name: str) -> None:
    """Exclude the first epochs from the vertical scale where they would flatten all others."""
    values = history[[column for column in (name, f"val_{name}") if column in history]].to_numpy()
    values = values[np.isfinite(values)]
    if len(values) < 8:
        return
    low, high = values.min(), np.quantile(values, 0.97)
    if high > low and values.max() - low > 3 * (high - low):
        ax.set_ylim(low - 0.05 * (high - low), high + 0.15 * (high - low))
