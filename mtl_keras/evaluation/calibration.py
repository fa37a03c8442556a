"""What the correction of probabilities was worth, on rows that it was not learned from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mtl_keras.tasks import Task
from mtl_keras.tasks.calibration import log_loss
from mtl_keras.tasks.measures import labelled


def calibration(
    tasks: Sequence[Task], truths: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """Log loss before and after the correction.

    Args:
        tasks: Fitted tasks.
        truths: Per task the labels, as evaluation reads them.
        outputs: Per task the network's outputs, not corrected.

    Returns:
        Per task that corrects its probabilities `method`, `before` and `after`.
    """
    found = {}
    for task in tasks:
        method = getattr(task, "calibration", None)
        there = labelled(truths[task.name])
        if method is not None and there.any():
            truth, said = truths[task.name][there], np.asarray(outputs[task.name])[there]
            found[task.name] = {
                "method": method,
                "before": log_loss(truth, said),
                "after": log_loss(truth, np.asarray(task.prediction(said))),
            }
    return found
