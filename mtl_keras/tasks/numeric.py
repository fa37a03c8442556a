"""What tasks that predict a number have in common: scaling, loss, head, predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras.datasets import cells
from mtl_keras.datasets.numbers import NOTATIONS, coarse_step, find_notation, parsed
from mtl_keras.datasets.units import warn_of_mixed_units
from mtl_keras.errors import ConfigError, DataError, check, unknown
from mtl_keras.layers import Unscale
from mtl_keras.tasks.absolute_error import MeanAbsoluteErrorInUnits
from mtl_keras.tasks.conformal import ConformalTask, check_level
from mtl_keras.tasks.measures import MAE, MEDIAN_ABSOLUTE_ERROR, R2, RMSE, Measure

TRANSFORMS = ("none", "log1p")
LARGEST = 1e18  # its square is still a float32
ULPS = 2.0**-21  # relative rounding error of a float32, which a bound allows for


@dataclass(frozen=True, repr=False)
class NumericTask(ConformalTask):
    """Base class of tasks that predict one number.

    Args:
        interval: Probability, such as 0.9, with which an interval contains the label. Its ends are
            predicted as `<task>_low` and `<task>_high`: see docs/intervals.md. Default None: no
            interval.
        center: Float, subtracted from the transformed labels. Learned.
        scale: Float, by which they are then divided. Learned.
        limits: Lowest and highest label of the training rows. Learned.
        notation: Number format of labels that are strings, one of `1,234.5`, `1.234,5`, `1'234.5`,
            `1 234,5`, `1 234.5`. Default None: the one that fits the training rows, if it is the
            only one, and `1,234.5` if they are numbers.
    """

    size_score: ClassVar[str] = "conformal_width"

    interval: float | None = field(default=None, kw_only=True)
    center: float | None = None
    scale: float | None = None
    limits: tuple[float, float] | None = None
    notation: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        good = self.scale is None or (np.isfinite(self.scale) and self.scale > 0)
        check(bool(good), f"{self.name}.scale", "be > 0 and finite", self.scale)
        good = self.notation is None or self.notation in NOTATIONS
        check(good, f"{self.name}.notation", f"be one of {NOTATIONS}", self.notation)
        check_level(self, "interval", self.interval)

    @property
    def log_link(self) -> bool:
        """Whether the head is exponential, so that the predicted mean is positive."""
        return False

    def unscale(self) -> Unscale:
        """Return the layer that turns the network's output into the prediction."""
        return Unscale(self.center or 0.0, self.scale or 1.0)

    def fit(self, table: pd.DataFrame) -> Self:
        if self.notation is None:
            return self.but(notation=self._notation(table[self.columns[0]])).fit(table)
        values = numbers(self, table)
        return self._learned(values[~np.isnan(values)])

    def _learned(self, values: np.ndarray) -> Self:
        """Return a copy with what these labels, none missing, determine."""
        if len(values) == 0:
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} has no label in the training "
                "rows. Remove the task, or add rows with labels."
            )
        if values.min() == values.max():
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} is constant in the training rows "
                f"(always {values[0]:g}); there is nothing to learn. Remove the task."
            )
        self._check_values(values)
        self._check_resolution(values)
        transformed = self._transformed(values)
        center = 0.0 if self.log_link else float(transformed.mean())
        scale = float(transformed.mean() if self.log_link else transformed.std())
        limits = float(values.min()), float(values.max())
        return self.but(limits=limits).completed(center=center, scale=scale)

    def _notation(self, column: pd.Series) -> str:
        """Return the labels' number format; an error if several fit and give different numbers."""
        warn_of_mixed_units(f"Task {self.name!r}", column)
        notation, ambiguous, _ = find_notation(column)
        if ambiguous is None:
            return notation
        values = {  # the first notation that gives each value
            parsed(pd.Series([ambiguous], dtype=object), name)[0][0]: name
            for name in reversed(NOTATIONS)
        }
        readings = " or ".join(
            f"{value:g} (notation = {name!r})"
            for value, name in reversed(values.items())
            if not np.isnan(value)
        )
        raise DataError(
            f"Task {self.name!r}: column {self.columns[0]!r} can be read in two ways: "
            f"{ambiguous!r} is {readings}. Set the task's `notation`, "
            f"in an experiment's file under [tasks.{self.name}]."
        )

    def unreadable(self, column: pd.Series) -> np.ndarray:
        return _read(self, column)[1]

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        values = numbers(self, table)
        self._check_values(values[~np.isnan(values)])
        assert self.center is not None and self.scale is not None, "fit first"
        return ((self._transformed(values) - self.center) / self.scale).astype("float32")

    def prediction(self, outputs: np.ndarray) -> np.ndarray:
        return self.unscale()(outputs).numpy()

    def truth(self, table: pd.DataFrame) -> np.ndarray:
        return numbers(self, table)

    def _check_resolution(self, values: np.ndarray) -> None:
        """Raise a DataError for labels whose differences are lost in predictions of float32."""
        step = coarse_step(values)
        if step is not None:
            raise DataError(
                f"Task {self.name!r}: the labels of column {self.columns[0]!r} vary by only "
                f"{values.std():.3g} (standard deviation) around {values.mean():.10g}, where "
                f"predictions, which are float32, are multiples of {step:g}. Subtract a constant, "
                f"such as {values.min():.10g}, from the column, and add it to the predictions."
            )

    def _check_values(self, values: np.ndarray) -> None:
        """Raise a DataError for labels that the loss or the transform cannot take."""

    def _transformed(self, values: np.ndarray) -> np.ndarray:
        return values

    def head(self, representation: Any) -> Any:
        return self.dense(1, "exponential" if self.log_link else "linear", representation)

    def training_metrics(self) -> list[Any]:
        return [MeanAbsoluteErrorInUnits(self.unscale().get_config())]

    def answers(self, output: Any) -> dict[str, Any]:
        return {self.name: self.unscale()(output), **self.interval_answers(output)}

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        columns = super().answer_columns(answers)
        return columns | {name: answers[name] for name in self._ends if name in answers}

    # The interval

    @property
    def _ends(self) -> tuple[str, str]:
        return f"{self.name}_low", f"{self.name}_high"

    @property
    def nominal_coverage(self) -> float | None:
        return self.interval

    def with_coverage(self, level: float) -> Self:
        return self.but(interval=level)

    def nonconformity(self, encoded: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return the distance on a scale on which all rows have about the same spread.

        That is the scale the network learns on, or, with a log link, whose variance grows with the
        mean as in a Poisson distribution, its square root.
        """
        expected = outputs[:, 0]
        if self.log_link:
            return np.abs(np.sqrt(encoded) - np.sqrt(expected))
        return np.abs(encoded - expected)

    def encoded_bounds(self, output: Any) -> tuple[Any, Any]:
        """Return the ends of the interval, `(rows, 1)`, on the scale the network learns on."""
        if self.log_link:
            root = keras.ops.sqrt(output)
            low = keras.ops.maximum(root - self.reach, 0.0)
            return keras.ops.square(low), keras.ops.square(root + self.reach)
        return output - self.reach, output + self.reach

    def bounds(self, output: Any) -> tuple[Any, Any]:
        """Return the ends of the interval in units, `(rows,)`."""
        undo = self.unscale()
        lowest = 0.0 if self.log_link or undo.transform == "log1p" else None
        undo = Unscale(undo.center, undo.scale, undo.transform, limits=(lowest, None))
        low, high = self.encoded_bounds(output)
        return undo(low), undo(high)

    def interval_answers(self, output: Any) -> dict[str, Any]:
        """Return the ends of the interval by name, rounded outwards; empty if none is declared."""
        if self.interval is None:
            return {}
        low, high = self.bounds(output)
        low, high = low - ULPS * keras.ops.abs(low), high + ULPS * keras.ops.abs(high)
        return dict(zip(self._ends, (low, high)))

    def region(self, answers: Mapping[str, np.ndarray]) -> np.ndarray | None:
        if self.interval is None:
            return None
        return np.stack([answers[name] for name in self._ends], axis=1)

    def covers(self, region: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return (truth >= region[:, 0]) & (truth <= region[:, 1])

    def sizes(self, region: np.ndarray) -> np.ndarray:
        return region[:, 1] - region[:, 0]

    # How good predictions are

    @property
    def measures(self) -> Sequence[Measure]:
        return RMSE, MAE, R2, MEDIAN_ABSOLUTE_ERROR

    def _refuse_negative(self, values: np.ndarray, why: str) -> None:
        if len(values) and values.min() < 0:
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} must be >= 0 {why}. Received: "
                f"{values.min():g}. Use {self.name}:regression without it."
            )


@dataclass(frozen=True, repr=False)
class TransformableTask(NumericTask):
    """Base class of tasks that predict one number and may learn its logarithm instead.

    Args:
        transform: `"none"`, or `"log1p"` for a heavy tail, which requires labels >= 0. Default
            `"none"`.
    """

    transform: str = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transform not in TRANSFORMS:
            raise ConfigError(unknown(f"{self.name}.transform", self.transform, TRANSFORMS))

    def _transformed(self, values: np.ndarray) -> np.ndarray:
        return np.log1p(values) if self.transform == "log1p" else values

    def _check_values(self, values: np.ndarray) -> None:
        if self.transform == "log1p":
            self._refuse_negative(values, "for transform='log1p'")


def numbers(task: NumericTask, table: pd.DataFrame) -> np.ndarray:
    """Return the labels of a numeric task as float64, NaN where missing.

    Raises:
        DataError: if a label is infinite or not a number; the message names the row.
    """
    column = table[task.columns[0]]
    converted, bad = _read(task, column)
    what = f"Task {task.name!r}: column {task.columns[0]!r} must contain numbers"
    too_large = np.isinf(converted) | (np.abs(converted) > LARGEST)
    advice = f"Numbers may be as large as {LARGEST:g}. " if too_large.any() else ""
    two = bad.any() and column.dropna().astype(str).nunique() == 2
    kind = "binary" if two else "multiclass"
    advice += f"Clean the column, or declare the task as {task.name}:{kind}."
    cells.refuse(what, column, bad, advice)
    return converted


def _read(task: NumericTask, column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels, NaN where missing, and which cells are not numbers."""
    values, bad = parsed(column, task.notation)
    return values, bad | (np.abs(values) > LARGEST)
