"""The figures of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mtl_keras import report
from mtl_keras.model import MultiTaskModel
from mtl_keras.tasks import Task


@dataclass(frozen=True, repr=False)
class Figures:
    """The figures of a run, as matplotlib figures: `run.figures.history()`.

    Calling the object returns those of an artifact, by file name.
    """

    tasks: Sequence[Task]
    log: pd.DataFrame
    truths: Mapping[str, np.ndarray]
    answers: Mapping[str, np.ndarray]
    model: MultiTaskModel
    refit: int = 0
    finished: Mapping[str, int] = field(default_factory=dict)
    networks: int = 1

    def history(self) -> Figure:
        """Draw losses and metrics over the epochs, and the balancer's weights."""
        names = [task.name for task in self.tasks]
        return report.history_figure(self.log, names, self.refit, self.finished, self.networks)

    def predictions(self) -> Figure:
        """Draw predictions against labels of the test rows, a row of panels per task."""
        return report.prediction_figure(self.tasks, self.truths, self.answers)

    def structure(self) -> Figure:
        """Draw the network, with boxes in the colour of the only task that they serve."""
        outputs = {task.name: self.model.output[task.name] for task in self.tasks}
        return report.structure_figure(report.structure(outputs), list(outputs))

    def __call__(self) -> dict[str, Any]:
        return {"history.png": self.history(), "prediction.png": self.predictions()}

    def __repr__(self) -> str:
        return "figures: history(), predictions(), structure()"
