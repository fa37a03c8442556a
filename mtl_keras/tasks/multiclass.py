"""Multiclass classification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy import sparse

from mtl_keras.drawing import panels
from mtl_keras.drawing.panels import OneLabel, Panel
from mtl_keras.errors import DataError
from mtl_keras.layers import Decode
from mtl_keras.tasks.classes import ClassTask, distinct
from mtl_keras.tasks.measures import ACCURACY, EPSILON, Measure, ratio
from mtl_keras.tasks.problem import Problem
from mtl_keras.tasks.stated import some_of

MAX_CLASSES = 1000
RARE = 10  # a class with fewer training labels is hardly learned, and tested on a row or two


@dataclass(frozen=True, repr=False)
class Multiclass(ClassTask):
    """One of several classes: predicts the most probable label, and the probability of each.

    Labels may be strings, booleans or numbers. The head is a softmax over the classes, the loss is
    sparse categorical cross-entropy, and the metric is accuracy.

    Example:

    >>> table = pd.DataFrame({"segment": ["b", "a", None, "c"]})
    >>> task = Multiclass("segment").fit(table)
    >>> task.classes, task.encode(table).tolist()
    (('a', 'b', 'c'), [1.0, 0.0, nan, 2.0])
    """

    also_called: ClassVar[str] = (
        "multiclass_classification classification classifier categorical category softmax "
        "categorical_crossentropy nominal"
    )

    @property
    def width(self) -> int:
        return len(self.classes or ())

    def fit(self, table: pd.DataFrame) -> Self:
        classes = self.classes or tuple(distinct(self, table))
        if len(classes) > MAX_CLASSES:
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} has {len(classes):,} classes; at "
                f"most {MAX_CLASSES:,} can be learned. If it is a quantity, declare "
                f"{self.name}:regression."
            )
        return self._with_counts(table, classes)

    def distances(self, encoded: np.ndarray) -> np.ndarray:
        missing = np.isnan(encoded)[:, None]
        return np.where(missing, np.nan, encoded[:, None] == np.arange(self.width))

    def head(self, representation: Any) -> Any:
        counts = np.array(self.counts or [1] * self.width) + 1.0
        bias = np.log(counts / counts.sum())
        return self.dense(self.width, "softmax", representation, bias=bias)

    def training_loss(self) -> Any:
        return "sparse_categorical_crossentropy"

    def training_metrics(self) -> list[Any]:
        return ["accuracy"]

    def answers(self, output: Any) -> dict[str, Any]:
        output = self.calibrated(output)
        return {
            self.name: Decode(list(self.classes or ()))(output),
            f"{self.name}_probabilities": output,
            **self.set_answers(output),
        }

    @property
    def decision(self) -> str:
        if not self.classes:
            return ""
        best = "the one with the highest probability is predicted"
        counted = zip(self.classes, self.counts or (), strict=False)
        rare = [f"{label} ({count})" for label, count in counted if count < RARE]
        few = f"; classes with few training labels: {some_of(rare)}" if rare else ""
        return f"the classes are {some_of(self.classes)}; {best}{few}"

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        probabilities = answers[f"{self.name}_probabilities"]
        return {
            self.name: self.as_in_table(answers[self.name]),
            **{
                f"{self.name}_probability_{label}": probabilities[:, index]
                for index, label in enumerate(self.classes or ())
            },
            **self.set_columns(answers),
        }

    def prediction_from(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        return answers[f"{self.name}_probabilities"]

    @property
    def measures(self) -> Sequence[Measure]:
        return (
            ACCURACY,
            Measure("macro_f1", True, macro_f1),
            Measure.mean("log_loss", log_losses),
        )

    def constant(self, truth: np.ndarray) -> np.ndarray:
        """Return the share of each class."""
        present = truth[~np.isnan(truth)].astype(int)
        return np.bincount(present, minlength=self.width) / len(present)

    def panels(self, truth: np.ndarray, predicted: np.ndarray) -> Sequence[Panel]:
        labels = [str(label) for label in self.classes or ()]
        each = [
            OneLabel(label, (truth == number).astype(float), predicted[:, number])
            for number, label in enumerate(labels)
        ]
        answered = predicted.argmax(axis=1)
        return [
            *panels.classes(self.name, each),
            panels.confusion(self.name, labels, truth.astype(int), answered),
        ]

    def named_predictions(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        return self._named(self.classes, predicted)

    def simple_problems(self) -> list[Problem]:
        return [Problem("log_loss", self.measure, classes=self.width)]


def log_losses(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the negative log probability of each row's class.

    Example:

    >>> log_losses(np.array([1]), np.array([[0.5, 0.5]])).round(4).tolist()
    [0.6931]
    """
    of_truth = probabilities[np.arange(len(truth)), truth.astype(int)]
    return -np.log(np.clip(of_truth / probabilities.sum(axis=1), EPSILON, 1.0))


def macro_f1(truth: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean F1 of all classes in labels or predictions, for each row of weights.

    Example:

    >>> predicted = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.3, 0.7, 0.0]])
    >>> macro_f1(np.array([0, 1, 1]), predicted, np.ones((1, 3))).round(4)
    array([0.6667])
    """
    labels, answers = truth.astype(int), probabilities.argmax(axis=1)
    classes = probabilities.shape[1]
    hits = by_class(np.where(labels == answers, labels, classes), weights, classes)
    either = by_class(labels, weights, classes) + by_class(answers, weights, classes)
    return np.nanmean(ratio(2 * hits, either), axis=1)


def by_class(codes: np.ndarray, weights: np.ndarray, classes: int) -> np.ndarray:
    """Return the weight of each class, `(draws, classes)`; codes beyond them are left out."""
    rows = len(codes)
    members = sparse.csr_array((np.ones(rows), (codes, np.arange(rows))), (classes + 1, rows))
    return (members @ weights.T).T[:, :classes]
