"""What tasks with class labels have in common: labels, class weights, calibration."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.datasets import cells
from mtl_keras.datasets.numbers import LOST_DIGITS, inexact
from mtl_keras.errors import DataError, check, shown
from mtl_keras.tasks import calibration
from mtl_keras.tasks.base import Task
from mtl_keras.tasks.calibration import METHODS
from mtl_keras.tasks.conformal import (
    ConformalTask,
    PredictionSet,
    check_level,
    of_all_classes,
    preferred_mass,
)
from mtl_keras.tasks.stated import as_in_column, coded_labels, some_of


@dataclass(frozen=True, repr=False)
class ClassTask(ConformalTask):
    """Base class of tasks with class labels.

    Args:
        set: Probability, such as 0.9, with which a set of labels contains the true one. The sets
            are predicted as `<task>_set`: see docs/intervals.md. Default None: no sets.
        classes: The labels in the order of the network's classes. Default None: learned, in
            ascending order.
        class_weight: `"balanced"` (each class has the same total weight), or a dict from label to
            weight, which is 1.0 for labels that are not named. Default None: no weights.
        calibration: How probabilities are corrected on the validation rows. `"temperature"`: made
            sharper or softer by one number (Guo et al. 2017). `"isotonic"`: by a rising curve for
            each class (Zadrozny and Elkan 2002), which needs a thousand rows or more. Default None:
            not at all.
        calibrator: The arguments of the calibration. Learned.
        counts: Number of training rows of each class. Learned.
    """

    is_quantity: ClassVar[bool] = False
    size_score: ClassVar[str] = "conformal_set_size"
    contiguous: ClassVar[bool] = False
    """Whether sets have no gaps, as for classes on a scale."""

    set: float | None = field(default=None, kw_only=True)
    classes: tuple[Any, ...] | None = None
    class_weight: str | Mapping[Any, float] | None = None
    calibration: str | None = None
    calibrator: Mapping[str, Any] | None = None
    counts: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            self.calibration is None or self.calibration in METHODS,
            f"{self.name}.calibration",
            f"be one of {tuple(METHODS)}",
            self.calibration,
        )
        classes = self.classes
        good = classes is None or (len(set(classes)) == len(classes) >= 2)
        check(good, f"{self.name}.classes", "list at least two labels, each once", classes)
        good = classes is None or answerable(classes)
        check(good, f"{self.name}.classes", f"be {ANSWERABLE}", classes)
        check_class_weight(self)
        check_level(self, "set", self.set)

    def unreadable(self, column: pd.Series) -> np.ndarray:
        """Return which labels are floats that may stand for several whole numbers."""
        return inexact(column)

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        assert self.classes is not None, "fit first"
        column = table[self.columns[0]]
        what = f"Task {self.name!r}: column {column.name!r} contains class labels"
        cells.refuse(what, column, self.unreadable(column), LOST_DIGITS)
        codes, labels = coded_labels(column)
        labels = list(as_in_column(labels, self.classes))  # as the training rows had them
        index = {label: float(i) for i, label in enumerate(self.classes)}
        numbers = [*(index.get(label, np.nan) for label in labels), np.nan]
        encoded = np.array(numbers, "float32")[codes]
        unseen = [label for label in labels if label not in index]
        if unseen:
            warnings.warn(
                f"Task {self.name!r}: the labels {some_of(unseen)} do not occur in the training "
                f"rows, whose classes are {some_of(self.classes)}. Their rows count as unlabelled.",
                stacklevel=2,
            )
        return encoded

    def label_columns(self, truth: np.ndarray) -> dict[str, np.ndarray]:
        names = np.array([*map(str, self.classes or ()), ""], object)
        places = np.where(np.isnan(truth), len(names) - 1, truth).astype(int)
        return {self.name: names[places]}

    def sample_weight(self, encoded: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        assert self.classes is not None and self.counts is not None, "fit first"
        if isinstance(self.class_weight, Mapping):
            weights = {str(label): weight for label, weight in self.class_weight.items()}
            for label in weights:
                if label not in map(str, self.classes):
                    raise DataError(
                        f"`class_weight` of task {self.name!r} names {label!r}, which is none of "
                        f"its labels {shown(list(self.classes))}."
                    )
            per_class = np.array([weights.get(str(label), 1.0) for label in self.classes])
        else:
            counts = np.maximum(np.array(self.counts, float), 1.0)
            per_class = counts.sum() / (len(counts) * counts)
        safe = np.where(np.isnan(encoded), 0, encoded).astype(int)
        return per_class[safe].astype("float32")

    def calibrate(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        present = ~np.isnan(encoded)
        if self.calibration is None or self.calibrator is not None or not present.any():
            return self
        fit = METHODS[self.calibration].fit
        return self.but(calibrator=fit(encoded[present].astype(int), np.asarray(outputs)[present]))

    def calibrated(self, output: Any) -> Any:
        """Return the network's probabilities, calibrated if that is declared."""
        if self.calibration is None or self.calibrator is None:
            return output
        return METHODS[self.calibration].layer(**self.calibrator)(output)

    def calibration_effect(self, truth: np.ndarray, outputs: np.ndarray) -> dict[str, Any] | None:
        if self.calibration is None:
            return None
        return {
            "method": self.calibration,
            "before": calibration.log_loss(truth, outputs),
            "after": calibration.log_loss(truth, self.prediction(outputs)),
        }

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        return super().prediction(np.asarray(self.calibrated(outputs)))

    def in_words(self, truth: np.ndarray, predicted: np.ndarray) -> list[tuple[str, str]]:
        """Return each label, and the most probable one with its probability."""
        labels = [str(label) for label in self.classes or range(self.width + 1)]
        probabilities = calibration.of_both(predicted)
        answers = probabilities.argmax(axis=1)
        return [
            (labels[int(label)], f"{labels[answer]}, {each[answer]:.1%}")
            for label, answer, each in zip(truth, answers, probabilities)
        ]

    # The set

    @property
    def nominal_coverage(self) -> float | None:
        return self.set

    def with_coverage(self, level: float) -> Self:
        return self.but(set=level)

    def nonconformity(self, encoded: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return the probability of the classes that are preferred to the true one."""
        probabilities = of_all_classes(self.calibrated(outputs))
        mass = preferred_mass(probabilities, self.contiguous).numpy()
        return mass[np.arange(len(mass)), encoded.astype(int)]

    def set_answers(self, output: Any) -> dict[str, Any]:
        """Return whether each class is in the set, by name; empty if no set is declared."""
        if self.set is None:
            return {}
        return {f"{self.name}_set": PredictionSet(self.reach, self.contiguous)(output)}

    def as_in_table(self, answered: np.ndarray) -> np.ndarray:
        """Return predicted labels as the training table has them: 1.6, not the nearest float32."""
        if answered.dtype.kind != "f":
            return answered
        classes = np.sort(np.array(self.classes, float))
        return classes[np.searchsorted(classes.astype(answered.dtype), answered)]

    def set_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the sets as strings, which are JSON lists; empty if no set is declared."""
        if self.set is None:
            return {}
        members, rows = np.unique(answers[f"{self.name}_set"], axis=0, return_inverse=True)
        labels = self.classes or tuple(range(members.shape[1]))
        texts = [
            json.dumps([label for label, inside in zip(labels, each) if inside], ensure_ascii=False)
            for each in members
        ]
        return {f"{self.name}_set": np.array(texts, object)[rows.reshape(-1)]}

    def region(self, answers: Mapping[str, np.ndarray]) -> np.ndarray | None:
        return None if self.set is None else np.asarray(answers[f"{self.name}_set"])

    def covers(self, region: np.ndarray, truth: np.ndarray) -> np.ndarray:
        present = ~np.isnan(truth)
        return present & region[np.arange(len(truth)), np.where(present, truth, 0).astype(int)]

    def sizes(self, region: np.ndarray) -> np.ndarray:
        return region.sum(axis=1)

    def _with_counts(self, table: pd.DataFrame, classes: tuple[Any, ...]) -> Self:
        labels = coded_labels(table[self.columns[0]])[1]
        fitted = self.but(classes=as_in_column(classes, labels))
        if labels and not {*labels} & {*(fitted.classes or ())}:
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} has none of the task's `classes`, "
                f"{shown(list(classes))}. Its labels are {shown(labels[:10])}. Correct the classes."
            )
        encoded = fitted.encode(table)
        counts = np.bincount(encoded[~np.isnan(encoded)].astype(int), minlength=len(classes))
        return fitted.but(counts=tuple(int(count) for count in counts))


ANSWERABLE = "all strings, all numbers (int64, or different as float32) or all booleans"


def answerable(labels: Sequence[Any]) -> bool:
    """Return whether an exported model can return these labels, in a tensor of one type.

    Example:

    >>> answerable(["a", "b"]), answerable([1, 2.5]), answerable([1, "1"]), answerable([True, 2])
    (True, True, False, False)
    """
    kinds = {bool if isinstance(v, (bool, np.bool_)) else type(v) for v in labels}
    if kinds in ({str}, {bool}):
        return True
    if not all(issubclass(k, (int, float, np.number)) and k is not bool for k in kinds):
        return False
    whole = all(issubclass(kind, (int, np.integer)) for kind in kinds)
    low, high = (-(2**63), 2**63 - 1) if whole else (-3.4e38, 3.4e38)
    if not all(low <= label <= high for label in labels):
        return False
    return whole or len(np.unique(np.asarray(labels, "float32"))) == len(labels)


def check_class_weight(task: Any) -> None:
    """Raise a ConfigError if the `class_weight` of a task is invalid."""
    given = task.class_weight
    good = given in (None, "balanced")
    if isinstance(given, Mapping):
        weights = given.values()
        good = all(isinstance(w, (int, float)) and 0 <= w <= 3.4e38 for w in weights)
    expected = "be 'balanced' or a mapping from label to weight, finite and >= 0"
    check(bool(good), f"{task.name}.class_weight", expected, given)


def distinct(task: Task, table: pd.DataFrame) -> list[Any]:
    """Return the distinct labels of a task, ascending.

    Raises:
        DataError: if there are none, or just one.
    """
    column = task.columns[0]
    labels = coded_labels(table[column])[1]
    if not labels:
        raise DataError(
            f"Task {task.name!r}: column {column!r} has no label in the training rows. "
            "Remove the task, or add rows with labels."
        )
    if len(labels) == 1:
        raise DataError(
            f"Task {task.name!r}: column {column!r} is constant in the training rows "
            f"(always {labels[0]!r}), so there is nothing to learn. Remove the task. If a few "
            f"other rows have another label, distribute them: `stratify = {column!r}` in the split."
        )
    if not answerable(labels):
        examples = shown(list({type(label): label for label in labels}.values()))
        raise DataError(
            f"Task {task.name!r}: the labels of column {column!r} must be {ANSWERABLE}. Received, "
            f"among others: {examples}. Clean the column, or convert all labels to strings."
        )
    return sorted(labels)
