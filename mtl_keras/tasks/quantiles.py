"""Quantile regression."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.drawing import panels
from mtl_keras.drawing.panels import Panel
from mtl_keras.errors import check
from mtl_keras.layers import Ascending, Unscale
from mtl_keras.layers.ascending import ascending_steps
from mtl_keras.layers.mixins import ArgumentsAsConfig
from mtl_keras.tasks.absolute_error import MeanAbsoluteErrorInUnits
from mtl_keras.tasks.measures import Measure, pinball
from mtl_keras.tasks.numeric import TransformableTask
from mtl_keras.tasks.problem import Problem


@keras.saving.register_keras_serializable("mtl_keras")
class Pinball(ArgumentsAsConfig, keras.losses.Loss):
    r"""The mean over levels q of $\max(q (y - \hat y_q), (q - 1)(y - \hat y_q))$.

    Args:
        levels: Probabilities, one per column of the prediction. Labels have one column.

    Example:

    >>> loss = Pinball([0.1, 0.9])
    >>> round(float(loss(tf.constant([[1.0]]), tf.constant([[0.0, 2.0]]))), 4)
    0.1
    """

    narrow_labels = True

    def __init__(self, levels: Sequence[float], name: str = "pinball", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.levels = tuple(levels)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        error = y_true - y_pred
        levels = tf.constant(self.levels, error.dtype)
        return tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), axis=-1)


@dataclass(frozen=True, repr=False)
class Quantiles(TransformableTask):
    r"""Several quantiles of a quantity: the values it stays below with given probabilities.

    Predicts the quantile nearest to the median, and all quantiles as `<task>_quantiles` (in a
    table, as columns `<task>_q<level>`). They never cross: each is the previous one plus a
    softplus. The loss is the pinball loss, the mean over levels q of $\max(q (y - \hat y), (q -
    1)(y - \hat y))$.

    Args:
        levels: Probabilities, ascending. Default (0.1, 0.5, 0.9).
        transform: `"none"`, or `"log1p"` for a heavy tail. A quantile of a logarithm is the
            logarithm of the quantile, so no correction is needed. Default `"none"`.
        start: The quantiles of the encoded training labels, which are the initial output. Learned.

    References:
        Koenker, Bassett: "Regression Quantiles", Econometrica 46, 1978.

    Example:

    >>> table = pd.DataFrame({"spend": [0.0, 10.0, None, 20.0]})
    >>> np.round(Quantiles("spend", levels=(0.25, 0.75)).fit(table).start, 2).tolist()
    [-0.61, 0.61]
    """

    also_called: ClassVar[str] = "quantile_regression pinball percentiles median"

    levels: tuple[float, ...] = (0.1, 0.5, 0.9)
    start: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        levels = np.asarray(self.levels, float)
        good = levels.size > 0 and bool((np.diff([0.0, *levels, 1.0]) > 0).all())
        check(good, f"{self.name}.levels", "ascend between 0 and 1", self.levels)
        good = len({f"{level:g}" for level in self.levels}) == len(self.levels)
        check(
            good,
            f"{self.name}.levels",
            "differ in six digits, as the names of their columns do",
            self.levels,
        )

    @property
    def width(self) -> int:
        return len(self.levels)

    @property
    def middle(self) -> int:
        """Index of the level nearest to 0.5."""
        return int(np.argmin(np.abs(np.asarray(self.levels) - 0.5)))

    def fit(self, table: pd.DataFrame) -> Self:
        fitted = super().fit(table)
        encoded = fitted.encode(table)
        start = np.quantile(encoded[~np.isnan(encoded)], self.levels)
        return fitted.but(start=tuple(float(value) for value in start))

    def unscale(self) -> Unscale:
        return Unscale(self.center or 0.0, self.scale or 1.0, self.transform)

    def head(self, representation: Any) -> Any:
        start = np.asarray(self.start or np.linspace(-1, 1, self.width))
        bias = np.concatenate([start[:1], ascending_steps(start)])
        linear = self.dense(self.width, "linear", representation, bias=bias)
        return Ascending(name=f"{self.slug}_quantiles")(linear)

    def training_loss(self) -> Any:
        return Pinball(self.levels)

    def training_metrics(self) -> list[Any]:
        return [MeanAbsoluteErrorInUnits(self.unscale().get_config(), column=self.middle)]

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        return self.unscale()(outputs).numpy().reshape(len(outputs), self.width)

    def answers(self, output: Any) -> dict[str, Any]:
        quantiles = self.unscale()(output)
        if self.width == 1:
            quantiles = quantiles[:, None]
        return {
            self.name: quantiles[:, self.middle],
            f"{self.name}_quantiles": quantiles,
            **self.interval_answers(output),
        }

    @property
    def decision(self) -> str:
        levels = ", ".join(f"{level:g}" for level in self.levels)
        return f"quantiles at {levels}; the prediction is that at {self.levels[self.middle]:g}"

    def prediction_from(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        return answers[f"{self.name}_quantiles"]

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        quantiles = answers[f"{self.name}_quantiles"]
        columns = {
            f"{self.name}_q{level:g}": quantiles[:, number]
            for number, level in enumerate(self.levels)
        }
        return {**super().answer_columns(answers), **columns}

    @property
    def outer(self) -> list[int]:
        """Indices of the levels nearest to those of the interval's ends."""
        beyond = (1 - (self.interval or 0.0)) / 2
        levels = np.asarray(self.levels)
        return [int(np.argmin(np.abs(levels - end))) for end in (beyond, 1 - beyond)]

    def nonconformity(self, encoded: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return how far the label is outside the outer quantiles; negative inside.

        References:
            Romano, Patterson, Candès: "Conformalized Quantile Regression", NeurIPS 2019.
        """
        low, high = outputs[:, self.outer].T
        return np.maximum(low - encoded, encoded - high)

    def encoded_bounds(self, output: Any) -> tuple[Any, Any]:
        low, high = (output[:, level : level + 1] for level in self.outer)
        middle = (low + high) / 2  # where ends meet if they move inwards
        return (
            keras.ops.minimum(low - self.reach, middle),
            keras.ops.maximum(high + self.reach, middle),
        )

    @property
    def measures(self) -> Sequence[Measure]:
        """The measures. `coverage` is the share of labels between the outermost quantiles.

        It should equal the difference between their levels.
        """

        def covered(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            return (truth >= predicted[:, 0]) & (truth <= predicted[:, -1])

        return (
            _measure(self.levels),
            Measure.mean("coverage", covered, higher_is_better=True),
            Measure.mean("interval_width", lambda truth, p: p[:, -1] - p[:, 0], in_units=True),
            Measure.mean(
                "mae",
                lambda truth, p: np.abs(truth - p[:, self.middle]),
                in_units=True,
                constant=lambda truth: np.full(self.width, np.nanmedian(truth)),
            ),
        )

    @property
    def scored_on(self) -> str:
        return f"quantiles at {', '.join(f'{level:g}' for level in self.levels)}"

    def constant(self, truth: np.ndarray) -> np.ndarray:
        """Return the quantiles of the labels."""
        return np.nanquantile(truth, self.levels)

    def panels(self, truth: np.ndarray, predicted: np.ndarray) -> Sequence[Panel]:
        """Return plots of the middle quantile, and the calibration of levels for the residuals."""
        middle = predicted[:, self.middle]
        scatter, _, tenths = panels.quantity(self.name, truth, middle, self.unit)
        levels = panels.quantile_levels(self.name, truth, predicted, self.levels)
        return [scatter, levels, tenths]

    def named_predictions(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        return {self.name: predicted[:, self.middle]}

    def simple_problems(self) -> list[Problem]:
        return [Problem("quantile", _measure([level]), level=level) for level in self.levels]

    def from_simple_problems(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        return np.sort(np.column_stack(answers), axis=1)


def _measure(levels: Sequence[float]) -> Measure:
    probabilities = np.array(levels)

    def loss(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return pinball(truth, predicted.reshape(len(truth), -1), probabilities)

    return Measure.mean("pinball", loss, in_units=True)
