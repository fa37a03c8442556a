"""Labels and predictions of the test rows as the arrays of one file, and back."""

from collections.abc import Mapping, Sequence

import numpy as np

from mtl_keras.tasks.groups import numbered


def as_arrays(
    tasks: Sequence[str],
    truths: Mapping[str, np.ndarray],
    predictions: Mapping[str, np.ndarray],
    groups: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return arrays under names that a file can have, which those of tasks may not be.

    Args:
        tasks: Names of the tasks.
        truths: For each task, the labels of the test rows.
        predictions: For each task, the predictions for them.
        groups: What rows of a group have in common, of which only numbers are kept. Default none.
    """
    arrays = {f"truth_{number}": truths[task] for number, task in enumerate(tasks)}
    arrays |= {f"predicted_{number}": predictions[task] for number, task in enumerate(tasks)}
    if groups is not None:
        arrays["groups"] = numbered(groups)[0]
    return arrays


def from_arrays(
    tasks: Sequence[str], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return labels and predictions by task, from the result of `as_arrays`.

    Example:

    >>> spend = {"spend": np.array([1.0, 2.0])}
    >>> from_arrays(["spend"], as_arrays(["spend"], spend, spend)) == (spend, spend)
    True
    """
    truths = {task: arrays[f"truth_{number}"] for number, task in enumerate(tasks)}
    predictions = {task: arrays[f"predicted_{number}"] for number, task in enumerate(tasks)}
    return truths, predictions
