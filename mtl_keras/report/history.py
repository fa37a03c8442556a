"""The training curves: losses and metrics over the epochs."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtl_keras.drawing import style
from mtl_keras.drawing.figure import axes
from mtl_keras.report.balancing import of_each_task
from mtl_keras.report.wording import measure

MANY = 5  # tasks, from which two are beside each other
NO_METRICS = ("loss", "best", "weight", "gradient_norm")


def history_figure(history: pd.DataFrame, tasks: Sequence[str]) -> Figure:
    """The loss and the metrics of each task over the epochs, training and validation.

    The first row holds the total loss, and the weights of the tasks if they are learned; then come
    the tasks, two in a row where there are many.

    Args:
        history: Logs, a row per epoch, with the column `epoch` and, for each task, `<task>_best`,
            which marks the epoch whose weights the task uses.
        tasks: Names of the tasks.

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
        curve(ax, history, log, epoch_in_use(history, task))
        ax.set_title(title, fontsize=11)
    weights = [task for task in tasks if f"{task}_weight" in history]
    if weights:
        ax = grid[0, 1]
        ax.set_visible(True)
        learned = history[[f"{task}_weight" for task in weights]].to_numpy(float)
        of_each_task(ax, learned, weights)
        ax.set_title("learned weight of each task", fontsize=11)
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


def epoch_in_use(history: pd.DataFrame, task: str) -> list[float]:
    """The epoch that a task is answered from, if the logs tell."""
    if f"{task}_best" not in history:
        return []
    return list(history.loc[history[f"{task}_best"].astype(bool), "epoch"])


def curve(ax: Any, history: pd.DataFrame, name: str, best: Iterable[float] = ()) -> None:
    """One log over the epochs, training and validation, and the epochs in use."""
    for prefix, label, color in (
        ("", "training", style.COLORS[0]),
        ("val_", "validation", style.COLORS[1]),
    ):
        if prefix + name in history:
            logs, marker = history[prefix + name], "o" if len(history) == 1 else ""
            ax.plot(history["epoch"], logs, color=color, label=label, lw=1.8, marker=marker)
    for epoch in best:
        ax.axvline(epoch, color=style.MUTED, ls="--", lw=1, label="epoch in use")
    over_epochs(ax)
    ax.legend(frameon=False, fontsize=8)
    _limit(ax, history, name)


def over_epochs(ax: Any) -> None:
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
