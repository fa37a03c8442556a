"""The intervals and sets in a model's predictions, and their joint coverage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtl_keras.evaluation.predicted import Predicted
from mtl_keras.tasks import Task
from mtl_keras.tasks.conformal import standard_error
from mtl_keras.tasks.measures import labelled


@dataclass(frozen=True)
class JointCoverage:
    """In how many rows the intervals and sets of several tasks all contain their labels.

    Attributes:
        tasks: Names of the tasks.
        rows: Number of rows with labels for all of them.
        coverage: The share of these rows.
        standard_error: Its standard error: see `tasks.conformal`.

    Example:

    >>> JointCoverage(["churned", "spend"], rows=400, coverage=0.91, standard_error=0.014).coverage
    0.91
    """

    tasks: Sequence[str]
    rows: int
    coverage: float
    standard_error: float

    def __str__(self) -> str:
        return (
            f"{', '.join(self.tasks)} together ({self.rows:,} rows with all labels): intervals and "
            f"sets contain all of them in {self.coverage:.1%} (standard error "
            f"{self.standard_error:.1%})"
        )


def regions_in(tasks: Sequence[Task], answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the intervals or sets in a model's predictions, for each task that has them.

    Args:
        tasks: Fitted tasks.
        answers: The predictions of the exported model, by name.

    Returns:
        Bounds `(rows, 2)` or sets `(rows, classes)` by task.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> regions_in([Regression("spend")], {"spend": np.zeros(3)})  # it has no interval
    {}
    """
    regions = {task.name: task.region(answers) for task in tasks}
    return {name: region for name, region in regions.items() if region is not None}


def regions_of(tasks: Sequence[Task], outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the intervals or sets for the network's outputs, for each task that has them.

    Args:
        tasks: Fitted tasks.
        outputs: The network's output for each task.

    Returns:
        Bounds `(rows, 2)` or sets `(rows, classes)` by task.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> regions_of([Regression("spend")], {"spend": np.zeros((3, 1))})  # it has no interval
    {}
    """
    covering = [task for task in tasks if task.nominal_coverage is not None]
    answers = [task.answers(outputs[task.name]) for task in covering]
    return regions_in(
        covering, {name: np.asarray(v) for each in answers for name, v in each.items()}
    )


def joint_coverage(tested: Sequence[Predicted]) -> JointCoverage | None:
    covering = [regions for each in tested if (regions := each.of_region) is not None]
    complete = np.all([labelled(each.truth) for each in covering], axis=0)
    if len(covering) < 2 or not complete.any():
        return None
    covering = [each.at(complete) for each in covering]
    held = np.all([each.task.covers(each.predicted, each.truth) for each in covering], axis=0)
    names, error = [each.task.name for each in covering], standard_error(held, covering[0].groups)
    return JointCoverage(names, len(held), float(held.mean()), error)
