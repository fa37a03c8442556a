"""The interface of a task: columns of labels in, one named output, predictions out."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras.declaring.declaration import Declaration
from mtl_keras.declaring.naming import layer_name
from mtl_keras.errors import ConfigError, check
from mtl_keras.layers import MemberDense
from mtl_keras.tasks.judged import Judged
from mtl_keras.tasks.problem import Problem


@dataclass(frozen=True, repr=False)
class Task(Declaration, Judged):
    """Base class: one thing to predict.

    A kind of task defines how its labels are read and encoded, which head and loss learn them, how
    outputs become predictions, and how predictions are scored, plotted and compared with those of
    simple models. It must define `fit`, `encode`, `head`, `training_loss`, `answers` and
    `measures`. Everything else has a default for predictions of one number per row. `NumericTask`
    and `ClassTask` define more.

    Args:
        name: Name of the output, and of the column with the labels unless `column` names another.
        column: The column with the labels. Default None: `name`.
        weight: Float >= 0, weight of the task's loss: how much the task matters to you. Default
            1.0.
        unit: Unit of the labels, e.g. "dollars", for plots and reports. Default: none.

    Example:

    >>> from mtl_keras import tasks
    >>> tasks.Regression("spend", unit="pounds").columns
    ['spend']
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
        """The columns with the labels."""
        return [self.column or self.name]

    @abc.abstractmethod
    def fit(self, table: pd.DataFrame) -> Self:
        """Return a copy with everything that is still None learned from `table`, the training rows.

        Raises:
            DataError: if there are no labels, or only one, or if they are not of this kind.
        """

    @abc.abstractmethod
    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Return labels to train with, float32 `(rows, width)` or `(rows,)`, NaN where missing."""

    def truth(self, table: pd.DataFrame) -> np.ndarray:
        """Return labels to evaluate with: numbers in units, or indices of classes."""
        return self.encode(table)

    def unreadable(self, column: pd.Series) -> np.ndarray:
        """Return which labels of a column `encode` would reject, bool. Default: none."""
        return np.zeros(len(column), bool)

    def label_columns(self, truth: np.ndarray) -> dict[str, np.ndarray]:
        """Return labels as columns to count: numbers (NaN: missing) or strings (empty: missing).

        Args:
            truth: The result of `truth`. By default it is returned unchanged, under the task's
                name.
        """
        numbers = np.asarray(truth, float)
        if numbers.ndim == 1:
            return {self.name: numbers}
        return self._named(range(numbers.shape[1]), numbers)

    def sample_weight(self, encoded: np.ndarray) -> np.ndarray | None:
        """Return the class weight of each row, or None."""
        return None

    # The network

    @property
    def slug(self) -> str:
        """The name as TensorFlow accepts it for a layer."""
        return layer_name(self.name)

    @property
    def width(self) -> int:
        """Size of the last axis of the output."""
        return 1

    @abc.abstractmethod
    def head(self, representation: Any) -> Any:
        """Return the output `(rows, width)` for the task's representation `(rows, n)`.

        In an ensemble, `(rows, members, width)` for `(rows, members, n)`.
        """

    @abc.abstractmethod
    def training_loss(self) -> Any:
        """Return a Keras loss or its name."""

    def training_metrics(self) -> list[Any]:
        """Return the Keras metrics to log during training."""
        return []

    def dense(self, units: int, activation: str, representation: Any, bias: Any = 0.0) -> Any:
        """Apply a dense layer, one per ensemble member, whose initial bias suits an average row.

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
        """Return the output for an average row, `(1, width)`: that of the head's biases alone."""
        representation = keras.Input((1,))
        head = keras.Model(representation, self.head(representation))
        return np.asarray(head(keras.ops.zeros((1, 1))))  # Predictions

    def calibrate(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        """Return a copy with what the validation rows decide: thresholds, calibration, factors."""
        return self

    @abc.abstractmethod
    def answers(self, output: Any) -> dict[str, Any]:
        """Return the predictions as named tensors, in the user's units and labels.

        The output is symbolic when the exported model is built, so use layers or `keras.ops`.
        """

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return `answers` as columns of a table of predictions."""
        return {self.name: answers[self.name]}

    def is_probability(self, column: str) -> bool:
        """Return whether one of the `answer_columns` is the probability of another one."""
        names = {self.name, *self.columns}
        return column not in names and any(
            column == f"{name}_probability" or column.startswith(f"{name}_probability_")
            for name in names
        )

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        """Return predictions to evaluate: probabilities, or numbers in the user's units."""
        return outputs[:, 0] if self.width == 1 else outputs

    def prediction_from(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the same as `prediction`, from the `answers` of an exported model."""
        return answers[self.name]

    @property
    def decision(self) -> str:
        """What a user may want to check about the labels and the choice among them, in words.

        For example which class is the positive one, and from which probability it is predicted.
        Default: an empty string.
        """
        return ""

    @property
    def decision_aim(self) -> str:
        """What a threshold that training chose is the best for. Default: an empty string."""
        return ""

    @property
    def decision_options(self) -> str:
        """The options of the command line that change the decision. Default: an empty string.

        In the file of an experiment, the task's arguments of the same names change it.
        """
        return ""

    # Intervals and sets that contain the label with a given probability

    @property
    def nominal_coverage(self) -> float | None:
        """The probability with which the interval or set contains the label; None without one."""
        return None

    def with_coverage(self, level: float) -> Self:
        """Return a copy that predicts an interval or a set as well.

        Args:
            level: The probability that it contains the label.

        Raises:
            ConfigError: if this kind of task has neither.
        """
        raise ConfigError(
            f"Task {self.name!r}: tasks of the kind {self.kind!r} have no intervals or sets. Leave "
            "it out of an experiment with `joint_coverage`."
        )

    def check_coverable(self, encoded: np.ndarray) -> None:
        """Raise a DataError if there are too few validation labels for the `nominal_coverage`."""

    def conform(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        """Return a copy whose regions have the `nominal_coverage` on the validation rows."""
        return self

    def region(self, answers: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Return the region of each row: bounds `(rows, 2)`, or classes `(rows, classes)`."""
        return None

    def covers(self, region: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return whether each row's region contains its label; False where the label is missing."""
        raise NotImplementedError

    # Simple models to compare with

    def simple_problems(self) -> list[Problem]:
        """Return the problems of one column that simple models solve in place of this task.

        Default: a regression with squared error.
        """
        return [Problem("squared_error", self.measure)]

    def from_simple_problems(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        """Return predictions of this task from those of its `simple_problems`.

        Default: of the only one.
        """
        return answers[0]
