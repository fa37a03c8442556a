"""The figures of a run."""

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from mtl_keras import report


@dataclass(frozen=True, repr=False)
class Figures:
    """The figures of a run, as matplotlib figures: `run.figures.history()`.

    Calling the object returns those of an artifact, by file name.

    Args:
        run: The `Run`.
    """

    run: Any

    def history(self) -> Figure:
        """Draw losses and metrics over the epochs, and the balancer's weights."""
        metadata = self.run.metadata
        return report.history_figure(
            self.run.history,
            [task.name for task in self.run.tasks],
            metadata.get("refit", 0),
            metadata.get("finished"),
            self.run.experiment.training.networks,
        )

    def predictions(self) -> Figure:
        """Draw predictions against labels of the test rows, a row of panels per task."""
        return report.prediction_figure(
            self.run.tasks, self.run.truths["test"], self.run.predictions
        )

    def structure(self) -> Figure:
        """Draw the network, with boxes in the colour of the only task that they serve."""
        outputs = self.run.outputs
        return report.structure_figure(report.structure(outputs), list(outputs))

    def __call__(self) -> dict[str, Any]:
        return {"history.png": self.history(), "prediction.png": self.predictions()}

    def __repr__(self) -> str:
        return "figures: history(), predictions(), structure()"
