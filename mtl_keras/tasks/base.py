"""The interface of a task: columns of a table in, one named output, answers out."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras.datasets.numbers import parsed
from mtl_keras.declaring.declaration import Declaration
from mtl_keras.declaring.naming import layer_name
from mtl_keras.errors import DataError, check, shown
from mtl_keras.layers import MemberDense
from mtl_keras.tasks.calibration import CALIBRATIONS


@dataclass(frozen=True, repr=False)
class Task(Declaration):
    """One thing to predict.

    Args:
        name: Name of the output, and of its column unless `column` says otherwise.
        column: The column that holds the labels. Default None: `name`.
        weight: Float >= 0, the user's preference; the loss weight. Default 1.0.
        unit: Text for figures and reports, e.g. "dollars". Default none.

    Subclasses define `fit`, `encode`, `head`, `training_loss`, `training_metrics`, `answers` and
    what `kind` of prediction they make (`"binary"`, `"multiclass"`, `"ordinal"`, `"multilabel"`,
    `"regression"`, `"quantiles"` or `"count"`), which selects metrics and figures.
    """

    column: str | None = None
    weight: float = 1.0
    unit: str = ""

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.weight >= 0, f"{self.name}.weight", "be >= 0", self.weight)

    @property
    def columns(self) -> list[str]:
        """The columns that hold the labels."""
        return [self.column or self.name]

    @property
    def slug(self) -> str:
        """The name as TensorFlow takes it for a layer."""
        return layer_name(self.name)

    @property
    def width(self) -> int:
        """Size of the output's last axis."""
        return 1

    def fit(self, table: pd.DataFrame) -> Self:
        """A copy with all that was not stated learned from `table`, the training rows.

        Raises:
            DataError: if the labels cannot be learned from: none, all the same, not of this kind.
        """
        raise NotImplementedError

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Labels as the network learns them, float32 `(rows, width)` or `(rows,)`; NaN: missing."""
        raise NotImplementedError

    def sample_weight(self, encoded: np.ndarray) -> np.ndarray | None:
        """Weight of each row for its class, or None."""
        return None

    def head(self, representation: Any) -> Any:
        """The output tensor `(rows, width)` from the task's representation `(rows, n)`.

        For an ensemble's members `(rows, members, width)` from `(rows, members, n)`.
        """
        raise NotImplementedError

    def training_loss(self) -> Any:
        """A Keras loss or its name."""
        raise NotImplementedError

    def training_metrics(self) -> list[Any]:
        """Keras metrics to log in training."""
        raise NotImplementedError

    def calibrate(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        """A copy with what is chosen on validation rows: thresholds, correction factors."""
        return self

    def answers(self, output: Any) -> dict[str, Any]:
        """Named tensors in the user's units and labels, from the output tensor."""
        raise NotImplementedError

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The answers as columns of a table of predictions."""
        return {self.name: answers[self.name]}

    def answered(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        """The answers as evaluation reads them: see `prediction`."""
        return answers[self.name]

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs as evaluation reads them: probabilities, or numbers in the user's units."""
        return outputs[:, 0] if self.width == 1 else outputs

    def truth(self, table: pd.DataFrame) -> np.ndarray:
        """Labels as evaluation reads them: units for numbers, class indices for classes."""
        return self.encode(table)

    def _dense(self, units: int, activation: str, representation: Any, bias: Any = 0.0) -> Any:
        """A dense layer (one per member) whose bias starts at the answer for an average row."""
        kind = MemberDense if len(representation.shape) == 3 else keras.layers.Dense
        layer = kind(units, activation=activation, dtype="float32", name=f"{self.slug}_head")
        output = layer(representation)
        layer.bias.assign(np.broadcast_to(np.asarray(bias, "float32"), layer.bias.shape))
        return output


@dataclass(frozen=True, repr=False)
class ClassTask(Task):
    """What tasks with class labels share: the labels, and a weight for each.

    Args:
        classes: The labels in the order of the network's classes. Default None: learned, in
            ascending order.
        class_weight: `"balanced"` (each class has the same total weight), or a dict from label to
            weight; 1.0 for a label that is not named. Default None.
        calibration: How probabilities are corrected on the validation rows. `"temperature"`: made
            sharper or softer by one number (Guo et al. 2017); `"isotonic"`: by a rising curve for
            each class (Zadrozny and Elkan 2002), which wants a thousand rows or more; or None
            (default): not at all.
        calibrator: That number or those curves. Learned.
        counts: Rows of each class in the training table. Learned.
    """

    classes: tuple[Any, ...] | None = None
    class_weight: str | Mapping[Any, float] | None = None
    calibration: str | None = None
    calibrator: Mapping[str, Any] | None = None
    counts: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            self.calibration is None or self.calibration in CALIBRATIONS,
            f"{self.name}.calibration",
            f"be one of {tuple(CALIBRATIONS)}",
            self.calibration,
        )
        good = self.class_weight in (None, "balanced") or isinstance(self.class_weight, Mapping)
        check(
            good,
            f"{self.name}.class_weight",
            "be 'balanced' or a mapping from label to weight",
            self.class_weight,
        )

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        assert self.classes is not None, "fit first"
        labels = plain_labels(table[self.columns[0]])
        index = {label: float(i) for i, label in enumerate(self.classes)}
        encoded = np.array([index.get(label, np.nan) for label in labels], "float32")
        unseen = [label for label in pd.unique(labels) if label is not None and label not in index]
        if unseen:
            warnings.warn(
                f"Task {self.name!r}: labels {shown(unseen[:5])} are none of the classes "
                f"{shown(list(self.classes[:20]))} that training saw; their rows count as "
                "unlabelled.",
                stacklevel=2,
            )
        return encoded

    def sample_weight(self, encoded: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        assert self.classes is not None and self.counts is not None, "fit first"
        if isinstance(self.class_weight, Mapping):
            given = {str(label): weight for label, weight in self.class_weight.items()}
            for label in given:
                if label not in map(str, self.classes):
                    raise DataError(
                        f"`class_weight` of task {self.name!r} names {label!r}, which is none of "
                        f"its labels {shown(list(self.classes))}."
                    )
            per_class = np.array([given.get(str(label), 1.0) for label in self.classes])
        else:
            counts = np.maximum(np.array(self.counts, float), 1.0)
            per_class = counts.sum() / (len(counts) * counts)
        safe = np.where(np.isnan(encoded), 0, encoded).astype(int)
        return per_class[safe].astype("float32")

    def calibrate(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        present = ~np.isnan(encoded)
        if self.calibration is None or self.calibrator is not None or not present.any():
            return self
        _, best = CALIBRATIONS[self.calibration]
        found = best(encoded[present].astype(int), np.asarray(outputs)[present])
        return self.but(calibrator=found)

    def calibrated(self, output: Any) -> Any:
        """The network's probabilities, corrected as was found."""
        if self.calibration is None or self.calibrator is None:
            return output
        layer, _ = CALIBRATIONS[self.calibration]
        return layer(**self.calibrator)(output)

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        return super().prediction(np.asarray(self.calibrated(outputs)))

    def answered(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        one = f"{self.name}_probability"
        return answers[one if one in answers else f"{self.name}_probabilities"]

    def _counted(self, table: pd.DataFrame, classes: tuple[Any, ...]) -> Self:
        fitted = self.but(classes=classes)
        encoded = fitted.encode(table)
        counts = np.bincount(encoded[~np.isnan(encoded)].astype(int), minlength=len(classes))
        return fitted.but(counts=tuple(int(count) for count in counts))


def plain_labels(column: pd.Series) -> np.ndarray:
    """Labels as Python values, None where missing (NaN, None or an empty text); 3.0 becomes 3."""
    values = column.astype(object).to_numpy(copy=True)
    values[column.isna().to_numpy()] = None
    numbers = [v for v in values if v is not None and not isinstance(v, (str, bool, np.bool_))]
    whole = all(float(v).is_integer() for v in numbers if isinstance(v, (int, float, np.number)))
    out = np.empty(len(values), object)
    for row, value in enumerate(values):
        if isinstance(value, str):
            out[row] = value.strip() or None
        elif isinstance(value, (bool, np.bool_)):
            out[row] = bool(value)
        elif isinstance(value, (int, float, np.number)):
            out[row] = int(value) if whole else float(value)
        else:
            out[row] = None if value is None else str(value)
    return out


def distinct(task: Task, table: pd.DataFrame) -> list[Any]:
    """The labels of a task, ascending.

    Raises:
        DataError: if there are none, or only one.
    """
    column = task.columns[0]
    found = [label for label in pd.unique(plain_labels(table[column])) if label is not None]
    if not found:
        raise DataError(
            f"Task {task.name!r}: column {column!r} has no label in the training rows. "
            "Remove the task, or give rows that have labels."
        )
    if len(found) == 1:
        raise DataError(
            f"Task {task.name!r}: column {column!r} is constant in the training rows "
            f"(always {found[0]!r}); there is nothing to learn. Remove the task."
        )
    try:
        return sorted(found)
    except TypeError:
        return sorted(found, key=str)


def numbers(task: Task, table: pd.DataFrame) -> np.ndarray:
    """Labels of a numeric task as float64, NaN where missing.

    Raises:
        DataError: if a label is not a number, or infinite; the row is named.
    """
    column = task.columns[0]
    values = table[column]
    converted, bad = parsed(values)
    bad |= np.isinf(converted)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"Task {task.name!r}: column {column!r} must hold numbers. Received: "
            f"{shown(values.iloc[row])} in row {table.index[row]} ({int(bad.sum())} such rows). "
            f"Clean the column, or declare the task as {task.name}:multiclass."
        )
    return converted
