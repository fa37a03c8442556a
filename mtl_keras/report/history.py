"""The training curves."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtl_keras.drawing import style
from mtl_keras.drawing.figure import axes


def history_figure(history: pd.DataFrame, tasks: Sequence[str]) -> Figure:
    """Total and per-task losses over the epochs, training and validation; task weights if learned.

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
    panels = [("total loss", "loss"), *((f"{task}: loss", f"{task}_loss") for task in tasks)]
    weights = [task for task in tasks if f"{task}_weight" in history]
    count = len(panels) + bool(weights)
    columns = 2 if count in (2, 4) else min(count, 3)
    figure, grid = axes(columns, -(-count // columns))
    best = {
        f"{task}_loss": history.loc[history[f"{task}_best"], "epoch"]
        for task in tasks
        if f"{task}_best" in history
    }
    for ax, (title, name) in zip(grid.flat, panels):
        curve(ax, history, name, best.get(name, ()))
        ax.set_title(title, fontsize=11)
    if weights:
        ax = grid.flat[len(panels)]
        for task, color in zip(weights, style.COLORS * len(weights)):
            ax.plot(history["epoch"], history[f"{task}_weight"], color=color, label=task, lw=1.8)
        ax.set_title("learned task weights", fontsize=11)
        ax.set_yscale("log")
        ax.legend(frameon=False, fontsize=9)
    for ax in grid.flat[:count]:
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    for ax in grid.flat[count:]:
        ax.set_visible(False)
    grid.flat[min(1, count - 1)].legend(frameon=False, fontsize=9)
    return figure


def curve(ax: Any, history: pd.DataFrame, name: str, best: Iterable[float] = ()) -> None:
    """One log over the epochs, training and validation, and the epochs in use."""
    for prefix, label, color in (
        ("", "training", style.COLORS[0]),
        ("val_", "validation", style.COLORS[1]),
    ):
        if prefix + name in history:
            ax.plot(history["epoch"], history[prefix + name], color=color, label=label, lw=1.8)
    for epoch in best:
        ax.axvline(epoch, color=style.MUTED, ls="--", lw=1, label="epoch in use")
    _limit(ax, history, name)


def _limit(ax: object, history: pd.DataFrame, name: str) -> None:
    """Exclude the first epochs from the vertical scale where they would flatten all others."""
    values = history[[column for column in (name, f"val_{name}") if column in history]].to_numpy()
    values = values[np.isfinite(values)]
    if len(values) < 8:
        return
    low, high = values.min(), np.quantile(values, 0.97)
    if high > low and values.max() - low > 3 * (high - low):
        ax.set_ylim(low - 0.05 * (high - low), high + 0.15 * (high - low))  # type: ignore[attr-defined]
