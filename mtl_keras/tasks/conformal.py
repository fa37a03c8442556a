"""Split-conformal prediction: intervals and sets that contain the label with a set probability."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import DataError, check
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision
from mtl_keras.tasks.base import Task
from mtl_keras.tasks.groups import error_of_sum, numbered
from mtl_keras.tasks.measures import Measure

SLACK = 1e-5  # regions are larger by this, so that rounding to float32 keeps labels on their edge


def rows_needed(level: float) -> int:
    """Return the smallest number of labels for which a finite region has this coverage.

    Example:

    >>> rows_needed(0.9), rows_needed(0.99)
    (9, 99)
    """
    return math.ceil(level / (1 - level) - 1e-9)


def conformal_quantile(scores: np.ndarray, level: float) -> float:
    r"""The $\lceil (n + 1) \cdot level \rceil$-th smallest of n scores.

    If the score of a new row is exchangeable with these, it is at most this number with a
    probability of at least `level`, and, if no two scores are equal, of at most `level` + 1 / (n +
    1).

    Args:
        scores: The nonconformity of rows that the model was not trained on, `(n,)`.
        level: The probability, between 0 and 1.

    Raises:
        DataError: if there are fewer than `rows_needed`.

    References:
        Papadopoulos et al.: "Inductive Confidence Machines for Regression", ECML 2002. Lei et al.:
        "Distribution-Free Predictive Inference for Regression", JASA 113, 2018, theorem 2.

    Example:

    >>> conformal_quantile(np.arange(1.0, 20.0), 0.9)  # 18th of 19, where a plain quantile is 17.2
    18.0
    """
    rows = len(scores)
    if rows < rows_needed(level):
        raise DataError(
            f"a coverage of {level:.4g} needs at least {rows_needed(level)} validation rows with a "
            f"label. Received: {rows}."
        )
    rank = math.ceil((rows + 1) * level - 1e-9)
    return float(np.partition(scores, rank - 1)[rank - 1])


def standard_error(held: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Return the standard error of a coverage: binomial, by Agresti and Coull, so never 0.

    If rows of one group are alike, it is that of the groups, where that is larger.

    Args:
        held: Whether the region of each row contains its label.
        groups: The group of each row. Default None: no groups.

    Example:

    >>> round(standard_error(np.array([True] * 90 + [False] * 10)), 3)
    0.031
    """
    rows = len(held) + 4
    rate = (held.sum() + 2) / rows
    error = float(np.sqrt(rate * (1 - rate) / rows))
    codes, number = numbered(np.zeros(len(held)) if groups is None else groups)
    if number < 2:
        return error
    return max(error, error_of_sum(held - held.mean(), codes, number) / len(held))


@dataclass(frozen=True, repr=False)
class ConformalTask(Task):
    """Base class of tasks that can answer with a region beside their answer: an interval or a set.

    A kind says how badly a label fits an output (`nonconformity`). The region of a row is all
    labels that fit no worse than a number that is learned on the validation rows, each of which
    counts once, whatever its weight; rows without a label are left out.

    Args:
        conformal_quantile: The worst fit of a label in a region. Learned.
    """

    size_score: ClassVar[str]
    """Name of the score for the size of the regions."""

    conformal_quantile: float | None = field(default=None, kw_only=True)

    @property
    def reach(self) -> float:
        """The worst fit of a label in a region, rounded up; 0 until one is learned."""
        worst = self.conformal_quantile or 0.0
        return worst + SLACK * (1 + abs(worst))

    def nonconformity(self, encoded: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return how badly labels fit outputs, `(rows,)`; larger is worse.

        Args:
            encoded: The encoded labels, none missing, `(rows,)`.
            outputs: The network's outputs, `(rows, width)`.
        """
        raise NotImplementedError

    def check_coverable(self, encoded: np.ndarray) -> None:
        level, rows = self.nominal_coverage, int((~np.isnan(encoded)).sum())
        if level is not None and rows < rows_needed(level):
            raise DataError(
                f"Task {self.name!r}: a coverage of {level:.4g} needs at least "
                f"{rows_needed(level)} validation rows with a label. Received: {rows}. Give the "
                "split a larger `validation`, or ask for a lower coverage."
            )

    def conform(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        if self.nominal_coverage is None or self.conformal_quantile is not None:
            return self
        present = ~np.isnan(encoded)
        scores = self.nonconformity(encoded[present], np.asarray(outputs)[present])
        return self.but(conformal_quantile=conformal_quantile(scores, self.nominal_coverage))

    def sizes(self, region: np.ndarray) -> np.ndarray:
        """Return the size of each row's region, `(rows,)`."""
        raise NotImplementedError

    @property
    def region_measures(self) -> Sequence[Measure]:
        def held(truth: np.ndarray, region: np.ndarray) -> np.ndarray:
            return self.covers(region, truth)

        def sizes(truth: np.ndarray, region: np.ndarray) -> np.ndarray:
            return self.sizes(region)

        return (
            Measure.mean("conformal_coverage", held, higher_is_better=True),
            Measure.mean(self.size_score, sizes),
        )

    def region_scores(
        self, truth: np.ndarray, region: np.ndarray, groups: np.ndarray | None = None
    ) -> dict[str, float]:
        coverage, size = super().region_scores(truth, region).items()
        error = standard_error(self.covers(region, truth), groups)
        return dict([coverage, ("conformal_coverage_se", error), size])


def check_level(task: Task, option: str, level: float | None) -> None:
    """Raise a ConfigError for a coverage that is not between 0 and 1."""
    good = level is None or (isinstance(level, (int, float)) and 0 < level < 1)
    expected = "be a probability between 0 and 1, such as 0.9"
    check(good, f"{task.name}.{option}", expected, level)


def preferred_mass(probabilities: tf.Tensor, contiguous: bool = False) -> tf.Tensor:
    """Return, for each class, the probability of all classes that are more probable.

    It is 0 for the most probable class, so a set of all classes up to some mass is never empty.
    Such sets are the adaptive prediction sets (APS) without randomisation, so their coverage is at
    least the nominal one.

    Args:
        probabilities: `(rows, classes)`.
        contiguous: Whether sets must not have gaps, as for ordered classes. A class then gets the
            smallest mass of those that lie beyond it, seen from the most probable class. Default
            False.

    References:
        Romano, Sesia, Candès: "Classification with Valid and Adaptive Coverage", NeurIPS 2020.

    Example:

    >>> row = tf.constant([[0.5, 0.125, 0.25, 0.125]])
    >>> preferred_mass(row).numpy().tolist()
    [[0.0, 0.75, 0.5, 0.875]]
    >>> preferred_mass(row, contiguous=True).numpy().tolist()
    [[0.0, 0.5, 0.5, 0.875]]
    """
    order = tf.argsort(probabilities, direction="DESCENDING", stable=True)
    ranked = tf.gather(probabilities, order, batch_dims=1)
    mass = tf.cumsum(ranked, axis=1, exclusive=True)
    mass = tf.gather(mass, tf.argsort(order), batch_dims=1)
    if not contiguous:
        return mass
    upwards = _least_so_far(mass)
    downwards = tf.reverse(_least_so_far(tf.reverse(mass, [1])), [1])
    return tf.maximum(upwards, downwards)  # one is 0, on the side of the most probable class


def _least_so_far(values: tf.Tensor) -> tf.Tensor:
    """Return the smallest of each value of a row and those before it."""
    step = 1
    while step < values.shape[1]:
        before = tf.pad(values[:, :-step], [[0, 0], [step, 0]], constant_values=np.inf)
        values, step = tf.minimum(values, before), 2 * step
    return values


@keras.saving.register_keras_serializable("mtl_keras")
class PredictionSet(ArgumentsAsConfig, FullPrecision):
    """Whether each class is in the set: its `preferred_mass` is at most `reach`.

    **Shape:** `(rows, classes)`, or `(rows, 1)` of the second of two, to `(rows, classes)`, bool.

    Args:
        reach: Float, the highest mass.
        contiguous: Whether the set must not have gaps. Default False.

    Example:

    >>> PredictionSet(0.8)(tf.constant([[0.9], [0.6]])).numpy().tolist()
    [[False, True], [True, True]]
    """

    def __init__(self, reach: float, contiguous: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reach, self.contiguous = reach, contiguous

    def call(self, probabilities: tf.Tensor) -> tf.Tensor:
        return preferred_mass(of_all_classes(probabilities), self.contiguous) <= self.reach


def of_all_classes(probabilities: tf.Tensor) -> tf.Tensor:
    """Return probabilities `(rows, classes)`, even if only those of class 1 of two are given."""
    probabilities = tf.cast(probabilities, tf.float32)
    if probabilities.shape[1] > 1:
        return probabilities
    return tf.concat([1.0 - probabilities, probabilities], axis=1)
