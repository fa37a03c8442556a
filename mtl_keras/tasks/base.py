"""The interface of a task: columns of a table in, one named output, answers out."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras.declaring.declaration import Declaration
from mtl_keras.declaring.naming import layer_name
from mtl_keras.drawing import panels
from mtl_keras.drawing.panels import Panel
from mtl_keras.errors import ConfigError, check
from mtl_keras.layers import MemberDense
from mtl_keras.tasks.measures import LOWER_IS_BETTER, Measure
from mtl_keras.tasks.rivals import Problem


@dataclass(frozen=True, repr=False)
class Task(Declaration, abc.ABC):
    """Base class: one thing to predict.

    A kind of task says how its labels are read and encoded, which head and loss learn them, how
    outputs become answers, and how those are evaluated, drawn and compared with simple models. It
    must define `fit`, `encode`, `head`, `training_loss`, `answers`, `measure` and `scores`;
    everything else has a default that suits one number per row. `NumericTask` and `ClassTask`
    define more.

    Args:
        name: Name of the output, and of its column unless `column` says otherwise.
        column: The column that holds the labels. Default None: `name`.
        weight: Float >= 0, the task's loss weight, which states a preference. Default 1.0.
        unit: Unit for figures and reports, e.g. "dollars". Default none.
    """

    column: str | None = None
    weight: float = 1.0
    unit: str = ""

    single_probability: ClassVar[bool] = False
    """Whether the output is one probability, so that the task can be a step in a chain."""

    def __post_init__(self) -> None:
        super().__post_init__()
        good = 0 <= self.weight <= float(np.finfo("float32").max)
        check(bool(good), f"{self.name}.weight", "be >= 0 and finite", self.weight)

    # Labels

    @property
    def columns(self) -> list[str]:
        """The columns that hold the labels."""
        return [self.column or self.name]

    @abc.abstractmethod
    def fit(self, table: pd.DataFrame) -> Self:
        """A copy in which everything left open is learned from `table`, the training rows.

        Raises:
            DataError: if the labels are unusable: none, all the same, or not of this kind.
        """

    @abc.abstractmethod
    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Labels for training the network, float32 `(rows, width)` or `(rows,)`; NaN: missing."""

    def truth(self, table: pd.DataFrame) -> np.ndarray:
        """Labels as evaluation reads them: units for numbers, class indices for classes."""
        return self.encode(table)

    def distances(self, encoded: np.ndarray) -> np.ndarray:
        """Encoded labels as numbers whose differences mean something, for trees; NaN: missing.

        Default: as they are. A kind whose numbers are names, such as indices of classes, has a
        column per class.
        """
        return encoded

    def sample_weight(self, encoded: np.ndarray) -> np.ndarray | None:
        """The class weight of each row, or None."""
        return None

    # The network's part

    @property
    def slug(self) -> str:
        """The name in a form that TensorFlow accepts for a layer."""
        return layer_name(self.name)

    @property
    def width(self) -> int:
        """Size of the output's last axis."""
        return 1

    @abc.abstractmethod
    def head(self, representation: Any) -> Any:
        """The output tensor `(rows, width)` from the task's representation `(rows, n)`.

        For an ensemble, `(rows, members, width)` from `(rows, members, n)`.
        """

    @abc.abstractmethod
    def training_loss(self) -> Any:
        """A Keras loss or its name."""

    def training_metrics(self) -> list[Any]:
        """Keras metrics to log during training."""
        return []

    def dense(self, units: int, activation: str, representation: Any, bias: Any = 0.0) -> Any:
        """A dense layer for `head`, one per member, with an initial bias that suits an average row.

        Args:
            units: Number of units.
            activation: Name of a Keras activation.
            representation: The task's representation.
            bias: The initial bias: a number, or one per unit. Default 0.0.
        """
        kind = MemberDense if len(representation.shape) == 3 else keras.layers.Dense
        start = keras.initializers.Constant(bias) if np.any(bias) else "zeros"
        layer = kind(
            units,
            activation=activation,
            bias_initializer=start,
            dtype="float32",
            name=f"{self.slug}_head",
        )
        return layer(representation)

    def average_output(self) -> np.ndarray:
        """The output for an average training row, `(1, width)`: of the head's biases alone."""
        representation = keras.Input((1,))
        head = keras.Model(representation, self.head(representation))
        return np.asarray(head(keras.ops.zeros((1, 1))))

    # Answers

    def calibrate(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        """A copy with what is chosen on the validation rows: thresholds, calibration, factors."""
        return self

    @abc.abstractmethod
    def answers(self, output: Any) -> dict[str, Any]:
        """Named tensors in the user's units and labels, from the output tensor.

        The output may be symbolic, as when the exported model is built: use layers or `keras.ops`.
        """

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The answers as columns of a table of predictions."""
        return {self.name: answers[self.name]}

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs as evaluation reads them: probabilities, or numbers in the user's units."""
        return outputs[:, 0] if self.width == 1 else outputs

    def answered(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        """The same as `prediction`, from the answers of an exported model."""
        return answers[self.name]

    # Intervals and sets that hold the label with a stated probability

    @property
    def nominal_coverage(self) -> float | None:
        """The declared probability that an interval or a set holds the label; None without one."""
        return None

    def covering(self, level: float) -> Self:
        """A copy that answers with an interval or a set, too.

        Args:
            level: The probability that it holds the label.

        Raises:
            ConfigError: if tasks of this kind have neither.
        """
        raise ConfigError(
            f"Task {self.name!r}: tasks of the kind {self.kind!r} have no intervals or sets. Leave "
            "it out of an experiment with `joint_coverage`."
        )

    def check_coverable(self, encoded: np.ndarray) -> None:
        """Raise a DataError for too few validation labels for the `nominal_coverage`."""

    def conform(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        """A copy whose regions have the `nominal_coverage`: learned on the validation rows."""
        return self

    def region(self, answers: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """The region of each row from the answers: `(rows, 2)` bounds or `(rows, classes)`."""
        return None

    def covers(self, region: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Whether the region of each row holds its label; False where the label is missing."""
        raise NotImplementedError

    def region_scores(self, truth: np.ndarray, region: np.ndarray) -> dict[str, float]:
        """The coverage of regions and how large they are, for rows that all have a label."""
        return {}

    # How good predictions are

    @property
    @abc.abstractmethod
    def measure(self) -> Measure:
        """The one measure by which models are compared on this task."""

    @abc.abstractmethod
    def scores(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """The scores of predictions by name, for rows that all have a label."""

    def higher_is_better(self, score: str) -> bool:
        """Whether a higher value of one of the `scores` is better."""
        if score == self.measure.name:
            return self.measure.higher_is_better
        return score not in LOWER_IS_BETTER

    def constant(self, truth: np.ndarray) -> np.ndarray:
        """The best constant prediction, from the training labels alone.

        Args:
            truth: The training rows' `truth`.

        Returns:
            A prediction for one row: `()` or `(n,)`. Default: the mean.
        """
        return np.nanmean(truth, axis=0)

    def constant_scores(self, truth: np.ndarray, constant: np.ndarray) -> dict[str, float]:
        """The scores of a `constant` on rows that all have a label."""
        return self.scores(truth, np.broadcast_to(constant, (len(truth), *np.shape(constant))))

    def calibration_effect(self, truth: np.ndarray, outputs: np.ndarray) -> dict[str, Any] | None:
        """The effect of calibrating the outputs, on rows that all have a label.

        Returns:
            `method`, and the log loss `before` and `after`; None (the default) without one.
        """
        return None

    # How predictions are shown

    def panels(self, truth: np.ndarray, predicted: np.ndarray) -> Sequence[Panel]:
        """Plots of predictions for rows that all have a label.

        The first three appear in the figure of all tasks, all of them in the report. Default: those
        of a quantity, if there is one number per row.
        """
        if predicted.ndim > 1:
            return []
        return panels.quantity(self.name, truth, predicted, self.unit)

    def named_predictions(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """The predictions as named numbers, `(rows,)` each, for an explanation.

        Default: under the task's name, or, for several numbers per row, `<task>: <number>`.
        """
        if predicted.ndim == 1:
            return {self.name: predicted}
        return self._named(range(predicted.shape[1]), predicted)

    def _named(self, labels: Any, predicted: np.ndarray) -> dict[str, np.ndarray]:
        return {f"{self.name}: {label}": values for label, values in zip(labels, predicted.T)}

    # What rivals it

    def rivals(self) -> list[Problem]:
        """The simple problems that a simple model solves instead of this task.

        Default: one, a regression with squared error.
        """
        return [Problem("squared_error", self.measure)]

    def from_rivals(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        """A prediction of this task from the answers to its `rivals`. Default: the only one."""
        return answers[0]
