"""How the predictions of a task are scored and shown."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from mtl_keras.drawing import panels
from mtl_keras.drawing.digits import number
from mtl_keras.drawing.panels import Panel
from mtl_keras.tasks.measures import Measure
from mtl_keras.tasks.thresholds import ThresholdCurve


class Judged(abc.ABC):
    """Base class of `Task`: how its predictions are scored and shown.

    `measures` must be defined. Everything else has a default for predictions of one number per row.
    Labels and predictions are those that `Task.truth` and `Task.prediction` return, for rows that
    all have a label (or at least one of several).
    """

    name: str
    unit: str

    is_quantity: ClassVar[bool] = True
    """Whether predictions are numbers in the user's units, which can be too high or too low."""

    # How good they are

    @property
    @abc.abstractmethod
    def measures(self) -> Sequence[Measure]:
        """The measures of predictions: first the one to compare models by, then all others."""

    @property
    def measure(self) -> Measure:
        """The one measure by which models are compared on this task."""
        return self.measures[0]

    @property
    def row_loss(self) -> Measure | None:
        """The measure of how bad the prediction of each row is: the first that is a mean loss.

        None if none of the `measures` is.
        """
        losses = [m for m in self.measures if m.per_row is not None and not m.higher_is_better]
        return losses[0] if losses else None

    @property
    def scored_on(self) -> str:
        """What the `measure` is about, in words, if tasks of one name may differ in it.

        The scores of models that do cannot be compared. Default: an empty string.
        """
        return ""

    def scores(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """Return the scores of predictions by name, for rows that all have a label."""
        return {each.name: each.value(truth, predicted) for each in self.measures}

    def higher_is_better(self, score: str) -> bool:
        """Return whether a higher value of a score is better."""
        known = (*self.measures, *self.region_measures)
        return any(each.name == score and each.higher_is_better for each in known)

    def residuals(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Return labels minus predictions, `(rows,)` each, by the names of `named_predictions`.

        They are NaN where a label is missing. Default: computed from the `distances` of the labels,
        so that a class counts as 1 in its rows and as 0 in all others.
        """
        named, labels = self.named_predictions(predicted), self.distances(truth)
        columns = labels.T if labels.ndim > 1 else [labels] * len(named)
        return {name: label - each for (name, each), label in zip(named.items(), columns)}

    @property
    def mean_residual(self) -> Measure:
        """How much too low predictions of a quantity are on average. Not a score: 0 is best."""

        def residual(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            return next(iter(self.residuals(truth, predicted).values()))

        return Measure.mean("mean_residual", residual, in_units=True)

    def threshold_curves(self, truth: np.ndarray, predicted: np.ndarray) -> list[ThresholdCurve]:
        """Return the scores at other thresholds, for rows that all have a label. Default: none."""
        return []

    def constant(self, truth: np.ndarray) -> np.ndarray:
        """Return the constant prediction of measures that define no other, from training labels.

        Args:
            truth: The training rows' `truth`.

        Returns:
            A prediction for one row: `()` or `(n,)`. Default: the mean.
        """
        return np.nanmean(truth, axis=0)

    def constants(self, truth: np.ndarray) -> dict[str, np.ndarray]:
        """Return the best constant prediction for each of the `measures`, from training labels.

        The mean has the smallest squared error, for example, and the median the smallest absolute
        one.

        Args:
            truth: The training rows' `truth`.
        """
        return {m.name: np.asarray((m.constant or self.constant)(truth)) for m in self.measures}

    def constant_scores(
        self, truth: np.ndarray, constants: Mapping[str, np.ndarray]
    ) -> dict[str, float]:
        """Return the score of each of the `constants` on rows that all have a label."""
        return {m.name: m.constant_value(truth, constants[m.name]) for m in self.measures}

    def calibration_effect(self, truth: np.ndarray, outputs: np.ndarray) -> dict[str, Any] | None:
        """Return the effect of calibrating the outputs, on rows that all have a label.

        Returns:
            `method`, and the log loss `before` and `after`; None (the default) without one.
        """
        return None

    @property
    def region_measures(self) -> Sequence[Measure]:
        """The measures of regions, which take the place of predictions."""
        return ()

    def region_scores(
        self, truth: np.ndarray, region: np.ndarray, groups: np.ndarray | None = None
    ) -> dict[str, float]:
        """Return the coverage and the size of regions, for rows that all have a label.

        Args:
            truth: The labels.
            region: The regions.
            groups: The group of each row. Default None: no groups.
        """
        return {each.name: each.value(truth, region) for each in self.region_measures}

    # How they are shown

    def distances(self, encoded: np.ndarray) -> np.ndarray:
        """Return encoded labels as numbers with meaningful differences, for trees; NaN: missing.

        Default: unchanged. A kind whose numbers are mere names, such as class indices, returns a
        column per class.
        """
        return encoded

    def panels(self, truth: np.ndarray, predicted: np.ndarray) -> Sequence[Panel]:
        """Return plots of predictions for rows that all have a label.

        The first four appear in the figure of all tasks, and all of them in the report. Default:
        those of a quantity, if there is one number per row.
        """
        if predicted.ndim > 1:
            return []
        return panels.quantity(self.name, truth, predicted, self.unit)

    def named_predictions(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Return the predictions as named numbers, `(rows,)` each, for an explanation.

        Default: under the task's name, or, for several numbers per row, `<task>: <number>`.
        """
        if predicted.ndim == 1:
            return {self.name: predicted}
        return self._named(range(predicted.shape[1]), predicted)

    def in_words(self, truth: np.ndarray, predicted: np.ndarray) -> list[tuple[str, str]]:
        """Return each row's label and prediction as strings. Default: of the first number."""
        numbers = next(iter(self.named_predictions(predicted).values()))
        return [(f"{label:,.6g}", number(each)) for label, each in zip(truth, numbers)]

    def _named(self, labels: Any, predicted: np.ndarray) -> dict[str, np.ndarray]:
        return {f"{self.name}: {label}": values for label, values in zip(labels, predicted.T)}
