"""Ordinal classification."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.errors import DataError
from mtl_keras.layers.ascending import ascending_steps
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision
from mtl_keras.tasks.classes import distinct
from mtl_keras.tasks.measures import Measure, ratio
from mtl_keras.tasks.multiclass import Multiclass
from mtl_keras.tasks.stated import SHOWN, plain_labels, some_of


@keras.saving.register_keras_serializable("mtl_keras")
class CumulativeLogits(ArgumentsAsConfig, FullPrecision):
    r"""Class probabilities from a score and ascending thresholds.

    $P(y \le j) = \sigma(\theta_j - s)$.

    **Shape:** `(rows, ..., 1)` to `(rows, ..., classes)`.

    Args:
        classes: Integer >= 2.

    Example:

    >>> layer = CumulativeLogits(3)
    >>> round(float(tf.reduce_sum(layer(tf.constant([[0.3]])))), 5)
    1.0
    """

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = classes

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.first = self.add_weight((1,), "zeros", name="first")
        self.steps = self.add_weight((self.classes - 2,), "zeros", name="steps")

    def start_at(self, thresholds: np.ndarray) -> None:
        """Set the thresholds, which must be ascending."""
        self.first.assign(thresholds[:1])
        self.steps.assign(ascending_steps(thresholds))

    def call(self, score: tf.Tensor) -> tf.Tensor:
        steps = keras.ops.softplus(self.steps)
        thresholds = keras.ops.cumsum(keras.ops.concatenate([self.first, steps]))
        below = keras.ops.sigmoid(thresholds - score)
        ends = keras.ops.zeros_like(score)
        return keras.ops.concatenate([below, ends + 1.0], axis=-1) - keras.ops.concatenate(
            [ends, below], axis=-1
        )


def classes_off(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return by how many classes each prediction is off.

    Args:
        truth: Class indices.
        predicted: Probabilities of the classes, `(rows, classes)`.

    Example:

    >>> classes_off(np.array([0, 2]), np.array([[0.9, 0.1, 0.0], [0.5, 0.3, 0.2]]))
    array([0, 2])
    """
    return np.abs(predicted.argmax(axis=1) - truth)


@dataclass(frozen=True, repr=False)
class Ordinal(Multiclass):
    r"""One of several ordered classes (small, medium, large): a score and learned thresholds.

    $P(y \le j) = \sigma(\theta_j - s(x))$ with $\theta_1 < \theta_2 < \dots$ (the proportional-odds
    model). Predictions, loss and metric are those of `Multiclass`, but there are far fewer
    parameters to learn, and confusing neighbours costs less than confusing the ends.

    Args:
        classes: The labels from the lowest to the highest. Default None: the order of an ordered
            pandas Categorical, or ascending numbers. Required for strings.

    References:
        McCullagh: "Regression Models for Ordinal Data", JRSS B 42, 1980.

    Example:

    >>> task = Ordinal("size", classes=("S", "M", "L"))
    >>> task.fit(pd.DataFrame({"size": ["M", "S", None, "M"]})).counts
    (1, 2, 0)
    """

    also_called: ClassVar[str] = "ordered ordinal_regression rating cumulative_logits"
    contiguous: ClassVar[bool] = True

    def fit(self, table: pd.DataFrame) -> Self:
        if self.classes is None:
            return self.but(classes=self._order(table)).fit(table)
        return super().fit(table)

    def _order(self, table: pd.DataFrame) -> tuple[Any, ...]:
        """Return the labels from the lowest to the highest, if the table determines their order."""
        labels, column = distinct(self, table), table[self.columns[0]]
        if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
            ordered = plain_labels(pd.Series(column.cat.categories))
            return tuple(label for label in ordered if label in labels)
        if any(isinstance(label, str) for label in labels):
            listed = [f'"{label}"' if "," in str(label) else str(label) for label in labels]
            flag = shlex.quote(f"{self.name}={','.join(listed[:SHOWN])}")
            raise DataError(
                f"Task {self.name!r} is ordinal, and the order of the strings in column "
                f"{self.columns[0]!r} is not known. State it, from the lowest to the highest: "
                f"--order {flag} on the command line, `classes = {labels[:SHOWN]}` under "
                f"[tasks.{self.name}] in an experiment's file, or "
                f"`tasks.Ordinal({self.name!r}, classes={labels[:SHOWN]})` in Python, with all "
                f"{len(labels)} labels in their order."
            )
        return tuple(labels)

    @property
    def decision(self) -> str:
        return f"the order is {some_of(self.classes, ' < ')}" if self.classes else ""

    def head(self, representation: Any) -> Any:
        score = self.dense(1, "linear", representation)
        counts = np.array(self.counts or [1] * self.width) + 1.0
        below = np.cumsum(counts)[:-1] / counts.sum()
        cut = CumulativeLogits(self.width, name=f"{self.slug}_thresholds")
        probabilities = cut(score)
        cut.start_at(np.log(below / (1 - below)))
        return probabilities

    @property
    def measures(self) -> Sequence[Measure]:
        return (
            Measure.mean("classes_off", classes_off, constant=self._median),
            *super().measures,
            Measure("quadratic_kappa", True, quadratic_kappa),
        )

    @property
    def scored_on(self) -> str:
        return self.decision

    def _median(self, truth: np.ndarray) -> np.ndarray:
        """Return the probability of each class if the median class is certain."""
        below = np.cumsum(self.constant(truth))
        return np.eye(self.width)[np.argmax(below >= 0.5 - 1e-12)]

    def residuals(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Return the index of the class minus the expected index."""
        return {self.name: truth - predicted @ np.arange(self.width)}


def quadratic_kappa(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return Cohen's kappa with squared distances between classes, for each row of weights.

    It is 1 minus the squared distance between labels and predictions, relative to that of
    independent ones; NaN if all labels and predictions are the same.

    Example:

    >>> truth = np.array([0, 1, 2, 2])
    >>> quadratic_kappa(truth, np.eye(3)[[0, 1, 2, 1]], np.ones((1, 4))).round(4)
    array([0.8])
    """
    answers = predicted.argmax(axis=1)
    columns = np.stack([truth, answers, truth**2, answers**2, (truth - answers) ** 2], axis=1)
    rows = weights.sum(axis=1)
    label, answer, labels, squares, apart = (weights @ columns.astype(float)).T / rows
    kappa = 1 - ratio(apart, labels + squares - 2 * label * answer)
    return np.where(np.abs(kappa) < 1e-12, 0.0, kappa)  # rounding, if predictions are all alike
