"""The training curves: losses and metrics over the epochs."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtl_keras.drawing import style
from mtl_keras.drawing.figure import axes
from mtl_keras.report.wording import measure

NO_METRICS = ("loss", "best", "weight", "gradient_norm")


def history_figure(history: pd.DataFrame, tasks: Sequence[str]) -> Figure:
    """The loss and the metrics of each task over the epochs, training and validation.

    The first row holds the total loss, and the weights of the tasks if they are learned; then each
    task has a row.

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
    rows = [["loss"], *([f"{task}_loss", *metrics[task]] for task in tasks)]
    weights = [task for task in tasks if f"{task}_weight" in history]
    figure, grid = axes(max(2, *map(len, rows)), len(rows), height=2.8)
    for ax in grid.flat:
        ax.set_visible(False)
    for row, task, logs in zip(grid, ("", *tasks), rows):
        for ax, log in zip(row, logs):
            ax.set_visible(True)
            curve(ax, history, log, epoch_in_use(history, task))
            what = measure(log.removeprefix(f"{task}_")) if task else "loss"
            ax.set_title(f"{task}: {what}" if task else "total loss", fontsize=11)
    if weights:
        ax = grid[0, 1]
        ax.set_visible(True)
        for number, task in enumerate(weights):
            look = style.line_style(number)
            ax.plot(history["epoch"], history[f"{task}_weight"], label=task, lw=1.8, **look)
        ax.set_title("learned task weights", fontsize=11)
        ax.set_yscale("log")
        ax.legend(frameon=False, fontsize=7, ncols=1 + (len(weights) > 5))
        over_epochs(ax)
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
