"""What a balancer did over the epochs, as figures and in words."""

import itertools
from collections.abc import Sequence

import numpy as np

from mtl_keras.drawing.heat import heat_map
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.history import of_each_task

RECORDS = {
    "weights": (
        "Weight of each task",
        "The factor by which the balancer multiplied its loss or gradient.",
    ),
    "gradient_norms": (
        "Gradient norm of each task",
        "How strongly the task pulls at the shared parameters before balancing.",
    ),
    "dropped": ("Share of steps without the task", ""),
}
"""Keys of a balancer's records that hold a value per task: title and note of their figures."""


def balancing(content: Content, names: Sequence[str], draw: Drawer) -> list[dict[str, str]]:
    """Figures of the balancer's records: of each task, and of each pair of tasks."""
    figures = []
    for key, (title, note) in RECORDS.items():
        records = [record[key] for record in content.balancing if record.get(key) is not None]
        values = np.array(records, float)  # NaN once a task is finished
        if np.isfinite(values).any() and np.nanmax(values) > np.nanmin(values):
            figures.append(_figure(title, note, values, names, draw))
    cosines = recorded_cosines(content)
    if len(cosines):
        with_others = _mean(np.where(np.eye(len(names)), np.nan, cosines), axis=2)
        figures.append(
            _figure(
                "Agreement of each task with the others",
                "The mean cosine of its gradient with theirs. Below 0, they conflict.",
                with_others,
                names,
                draw,
                signed=True,
            )
        )
        figures.append(
            draw(
                "Agreement of each pair of tasks",
                lambda ax: heat_map(ax, _mean(cosines, axis=0), names, names),
                note="The cosine of their gradients, averaged over the epochs. Below 0 (red), "
                "they conflict.",
            )
        )
    return figures


def conflict(content: Content, names: Sequence[str]) -> str:
    """How many pairs of tasks conflict on average, and which most; "" if that is not recorded."""
    cosines = recorded_cosines(content)
    if not len(cosines):
        return ""
    mean = _mean(cosines, axis=0)
    pairs = sorted(itertools.combinations(range(len(names)), 2), key=lambda pair: mean[pair])
    conflicting = [pair for pair in pairs if round(mean[pair], 2) < 0]
    first, second = pairs[0]
    lowest = f"{names[first]} and {names[second]} (mean cosine {mean[pairs[0]]:z.2f})"
    if not conflicting:
        return f"No two tasks conflict on average; the least alike are {lowest}."
    return (
        f"Pairs of tasks whose gradients conflict on average: {len(conflicting)} of {len(pairs)}, "
        f"most of all {lowest}."
    )


def recorded_cosines(content: Content) -> np.ndarray:
    """The cosines between the tasks' gradients, `(epochs, tasks, tasks)`; empty if not recorded."""
    recorded = [each["cosines"] for each in content.balancing if each.get("cosines") is not None]
    return np.array(recorded, float)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of what is recorded; NaN where nothing is."""
    return np.ma.masked_invalid(values).mean(axis=axis).filled(np.nan)


def _figure(
    title: str,
    note: str,
    values: np.ndarray,
    names: Sequence[str],
    draw: Drawer,
    signed: bool = False,
) -> dict[str, str]:
    return draw(title, lambda ax: of_each_task(ax, values, names, signed), note=note)
