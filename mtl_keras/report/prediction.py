"""Figures of predictions beside the labels."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from mtl_keras.drawing.figure import axes
from mtl_keras.drawing.panels import Panel
from mtl_keras.tasks import Task
from mtl_keras.tasks.measures import labelled

PANELS = 4


def prediction_figure(
    tasks: Sequence[Task], truths: Mapping[str, np.ndarray], predictions: Mapping[str, np.ndarray]
) -> Figure:
    """A row of panels per task, up to four: of classes, the last is the confusion matrix.

    Args:
        tasks: Fitted tasks.
        truths: For each task, the labels of the test rows, as evaluation reads them.
        predictions: For each task, the predictions for the test rows.

    Returns:
        The figure.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> truth, predicted = np.linspace(0.0, 9.0, 50), np.linspace(1.0, 8.0, 50)
    >>> tasks = [Regression("spend")]
    >>> figure = prediction_figure(tasks, {"spend": truth}, {"spend": predicted})
    >>> len(figure.axes)
    3
    """
    panels = [task_panels(t, truths[t.name], predictions[t.name])[:PANELS] for t in tasks]
    figure, grid = axes(max(1, *map(len, panels)), len(tasks))
    for row, task, shown in zip(grid, tasks, panels):
        for ax, panel in zip(row, shown):
            panel.draw_on(ax)
        if not shown:
            row[0].set_title(f"{task.name}: nothing to show for the test rows", fontsize=11)
        for ax in row[max(1, len(shown)) :]:
            ax.set_visible(False)
    return figure


def task_panels(task: Task, truth: np.ndarray, predicted: np.ndarray) -> list[Panel]:
    """The panels of a task over the rows that have a label; none if no row has one."""
    present = labelled(truth)
    if not present.any():
        return []
    return list(task.panels(truth[present], np.asarray(predicted)[present]))
