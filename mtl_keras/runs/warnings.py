"""What to look at before trusting a model: labels, leaks, repeated rows, unused experts."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.evaluation import RepeatedRows, leaking_features, repeated_rows, unused_sources
from mtl_keras.layers import Gate
from mtl_keras.model import MultiTaskModel
from mtl_keras.runs.prepared import Prepared


def warn_of_rows(
    rows: Prepared, show: Callable[[str], None]
) -> tuple[dict[str, Any], list[RepeatedRows]]:
    """Print all warnings about the rows, before a training.

    Returns:
        Leaks, for the metadata of the run, and the rows that are also among the training rows.
    """
    warn_of_missing_labels(rows, show)
    warn_of_copies(rows, show)
    return warn_of_leaks(rows, show), warn_of_repeated_rows(rows, show)


def warn_of_missing_labels(rows: Prepared, show: Callable[[str], None]) -> None:
    """Print a warning for each task without a label in the validation or the test rows."""
    lost = {"validation": "its best epoch cannot be chosen", "test": "it cannot be evaluated"}
    for part, what in lost.items():
        for task, labels in rows.data.y[part].items():
            if np.isnan(labels).all():
                show(
                    f"warning: {task}: no {part} row has a label that the training rows have, too, "
                    f"so {what}. Add rows with labels, or stratify the split by it"
                )


def warn_of_copies(rows: Prepared, show: Callable[[str], None]) -> None:
    """Print a warning for each task that has the same labels as another one."""
    first: dict[bytes, str] = {}
    for task, labels in rows.data.y["train"].items():
        same = first.setdefault(hashlib.blake2b(np.asarray(labels).tobytes()).digest(), task)
        if same != task:
            show(
                f"warning: {task!r} has the same labels as {same!r} in all training rows, so the "
                "network learns them twice. Leave one of the two out"
            )


def warn_of_leaks(rows: Prepared, show: Callable[[str], None]) -> dict[str, Any]:
    """Print a warning for each feature that alone predicts a task's label, and return them."""
    data = rows.data
    found = leaking_features(rows.encoder.columns, rows.tasks, data.x, data.y)
    for feature, task, share in found:
        show(
            f"warning: {feature!r} alone explains {100 * share:.0f}% of {task!r}. Is it known "
            "when you predict? If not, leave it out"
        )
    return {"leaks": [dict(zip(("feature", "task", "share"), each)) for each in found]}


def warn_of_repeated_rows(rows: Prepared, show: Callable[[str], None]) -> list[RepeatedRows]:
    """Print a warning if test or validation rows are copies of training rows; return how many.

    Of a stream that does not fit into memory, only samples are here: it is not examined.
    """
    if len(rows.rows["train"]) < rows.counts["train"]:
        return []
    data = rows.data
    found = [
        repeated_rows(rows.encoder.columns, data.x, data.y, part) for part in ("test", "validation")
    ]
    if copies := [each for each in found if each.copies]:
        show(
            f"warning: {' and '.join(map(str, copies))} are also among the training rows, with the "
            f"same values in every feature and {100 * copies[0].same_labels:.0f}% of the labels "
            "the same, so the scores are better than for new rows. Remove the copies. If they "
            "belong to the same customer or product, say, split by it instead: --split group "
            "--split-column COLUMN"
        )
    return found


def warn_of_unused_experts(
    model: MultiTaskModel, sharing: pd.DataFrame, show: Callable[[str], None]
) -> None:
    """Print a warning for each expert that no task uses."""
    gates = [layer.name for layer in model.layers if isinstance(layer, Gate)]
    for expert in unused_sources(sharing, gates):
        show(f"warning: no task uses {expert}; try fewer experts, or gate_dropout")
