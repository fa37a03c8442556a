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
from mtl_keras.errors import ConfigError, check
from mtl_keras.layers import MemberDense
from mtl_keras.tasks.judged import Judged
from mtl_keras.tasks.rivals import Problem


@dataclass(frozen=True, repr=False)
class Task(Declaration, Judged):
    """Base class: one thing to predict.

    A kind of task says how its labels are read and encoded, which head and loss learn them, how
    outputs become answers, and how those are evaluated, drawn and compared with simple models. It
    must define `fit`, `encode`, `head`, `training_loss`, `answers` and `measures`;
    everything else has a default that suits one number per row. `NumericTask` and `ClassTask`
    define more.

    Args:
        name: Name of the output, and of its column unless `column` says otherwise.
        column: The column that holds the labels. Default None: `name`.
        weight: Float >= 0, the task's loss weight, which states a preference. Default 1.0.
        unit: Unit for figures and reports, e.g. "dollars". Default none.

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

    def unreadable(self, column: pd.Series) -> np.ndarray:
        """Which labels of one of its columns `encode` would refuse, bool. Default: none."""
        return np.zeros(len(column), bool)

    def label_columns(self, truth: np.ndarray) -> dict[str, np.ndarray]:
        """Labels as columns to count: numbers (NaN: missing) or texts (empty: missing).

        Args:
            truth: What `truth` returns. Default: as it is, under the task's name.
        """
        numbers = np.asarray(truth, float)
        if numbers.ndim == 1:
            return {self.name: numbers}
        return self._named(range(numbers.shape[1]), numbers)

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

    def is_probability(self, column: str) -> bool:
        """Whether one of the `answer_columns` is a probability that explains another answer."""
        names = {self.name, *self.columns}
        return column not in names and any(
            column == f"{name}_probability" or column.startswith(f"{name}_probability_")
            for name in names
        )

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs as evaluation reads them: probabilities, or numbers in the user's units."""
        return outputs[:, 0] if self.width == 1 else outputs

    def answered(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        """The same as `prediction`, from the answers of an exported model."""
        return answers[self.name]

    @property
    def decision(self) -> str:
        """What a user may want to check of the labels and of how one is chosen, in words.

        E.g. which class is the positive one, and from which probability on it is predicted.
        Default: nothing, an empty text.
        """
        return ""

    @property
    def otherwise(self) -> str:
        """The flags of the command line that state another decision. Default: none, an empty text.

        The arguments of the task of the same names state it in an experiment's file.
        """
        return ""

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

    # What rivals it

    def rivals(self) -> list[Problem]:
        """The simple problems that a simple model solves instead of this task.

        Default: one, a regression with squared error.
        """
        return [Problem("squared_error", self.measure)]

    def from_rivals(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        """A prediction of this task from the answers to its `rivals`. Default: the only one."""
        return answers[0]
