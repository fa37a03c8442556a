"""Numeric features."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.datasets import cells
from mtl_keras.datasets.numbers import NOTATIONS, find_notation, parsed, warn_of_resolution
from mtl_keras.datasets.units import warn_of_mixed_units
from mtl_keras.errors import ConfigError, DataError, check, unknown
from mtl_keras.features.base import Feature
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

TRANSFORMS = ("auto", "none", "log1p")
SCALINGS = ("standard", "robust", "quantile")
HEAVY_TAIL = 2.0
BEYOND = 2.0  # standard deviations: heavy tails go on, absurd values end
KNOTS = 256


@keras.saving.register_keras_serializable("mtl_keras")
class NumericEncoding(ArgumentsAsConfig, FullPrecision):
    r"""Centres, scales and clips a number; missing (NaN) becomes 0, the centre.

    **Shape:** `(rows,)` to `{"numeric": (rows, 1)}`, and if `indicator`, `{"plain": (rows, 1)}`, 1
    where missing.

    Args:
        center: Float, subtracted after the transform.
        scale: Float > 0, divisor after the centring.
        transform: `"none"` or `"log1p"`, the signed logarithm `sign(x) log(1 + |x|)`.
        indicator: Bool, whether to indicate missing values.
        limit: Float; encoded values are clipped to `[-limit, limit]`.
        smooth: Bool, whether to limit them smoothly instead, $x / \sqrt{1 + (x /
            \mathrm{limit})^2}$.
        lowest: Float; lower values are replaced by it. Default: none.
        highest: Float; higher values are replaced by it. Default: none.
        knots: Values with a known rank among the training values, ascending. If given, a number is
            replaced by the normal score of its rank, linear between knots. Default: none.
        ranks: The rank of each knot, between 0 and 1. Default: none.

    Example:

    >>> layer = NumericEncoding(center=10.0, scale=5.0, indicator=True)
    >>> {group: t.numpy().tolist() for group, t in layer(tf.constant([20.0, float("nan")])).items()}
    {'numeric': [[2.0], [0.0]], 'plain': [[0.0], [1.0]]}
    """

    def __init__(
        self,
        center: float = 0.0,
        scale: float = 1.0,
        transform: str = "none",
        indicator: bool = False,
        limit: float = 10.0,
        smooth: bool = False,
        lowest: float | None = None,
        highest: float | None = None,
        knots: Sequence[float] | None = None,
        ranks: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.transform = center, scale, transform
        self.indicator, self.limit, self.smooth = indicator, limit, smooth
        self.lowest, self.highest = lowest, highest
        self.knots = None if knots is None else tuple(knots)
        self.ranks = None if ranks is None else tuple(ranks)

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        values = tf.cast(values, tf.float32)[:, tf.newaxis]
        missing = tf.math.is_nan(values)
        if self.lowest is not None:
            values = tf.maximum(values, self.lowest)
        if self.highest is not None:
            values = tf.minimum(values, self.highest)
        if self.knots is not None:
            encoded = self._normal_score(tf.where(missing, 0.0, values))
        else:
            if self.transform == "log1p":
                values = tf.sign(values) * tf.math.log1p(tf.abs(values))
            encoded = (values - self.center) / self.scale
        if self.smooth:
            encoded = encoded * tf.math.rsqrt(1 + (encoded / self.limit) ** 2)
        else:
            encoded = tf.clip_by_value(encoded, -self.limit, self.limit)
        groups = {"numeric": tf.where(missing, 0.0, encoded)}
        if self.indicator:
            groups["plain"] = tf.cast(missing, tf.float32)
        return groups

    def _normal_score(self, values: tf.Tensor) -> tf.Tensor:
        knots, ranks = tf.constant(self.knots), tf.constant(self.ranks)
        at = tf.searchsorted(knots, values[:, 0], side="right")[:, tf.newaxis]
        above = tf.clip_by_value(at, 1, knots.shape[0] - 1)
        low, high = tf.gather(knots, above - 1), tf.gather(knots, above)
        part = tf.math.divide_no_nan(values - low, high - low)  # in float32 they may be equal
        part = tf.clip_by_value(part, 0.0, 1.0)
        rank = tf.gather(ranks, above - 1) * (1 - part) + tf.gather(ranks, above) * part
        return tf.math.ndtri(tf.clip_by_value(rank, 1e-6, 1 - 1e-6))


@dataclass(frozen=True, repr=False)
class Numeric(Feature):
    """A number, brought to a common scale.

    Strings such as `$1,299.00` or `12 %` are read as numbers: see `mtl_keras.datasets.numbers`.
    *Missing* (NaN or empty): encoded as the mean, with an indicator if it was missing in any
    training row. *Unseen*: a value more than two standard deviations beyond the training range is
    clipped to that distance, so that one absurd value does not lead to an absurd prediction.

    If the exact value predicts more than the size, as with codes, the number is read as a category
    as well: see `Crossing` and `crossings.choose`.

    Args:
        transform: `"none"`; `"log1p"`, a signed logarithm for heavy tails; or `"auto"` (default),
            which takes the logarithm if the skewness of the training values is beyond +-2.
        scaling: `"standard"` (default): mean 0 and standard deviation 1, clipped to +-10;
            `"robust"`: median 0 and interquartile range 1 (if that is 0, half the whole range),
            smoothly limited to +-3; `"quantile"`: the normal score of the rank among the training
            values.
        center: Float, mean (or median) after the transform. Learned.
        scale: Float, divisor after that. Learned.
        lowest: Float; lower values are clipped to it. Default None: two standard deviations below
            the lowest value in the training rows, on the scale of the transform.
        highest: Float; higher values are clipped to it. Default None: as far above the highest.
        notation: Number format of strings, one of `1,234.5`, `1.234,5`, `1'234.5`, `1 234,5`, `1
            234.5`. Default None: the one that fits the training rows, and `1,234.5` if they are
            numbers.
        indicator: Bool, whether missing values have an indicator. Learned.
        knots: Training values at up to 256 ranks, for `"quantile"`. Learned.
        ranks: Their ranks. Learned.

    References:
        Holzmueller, Grinsztajn, Steinwart: "Better by Default", NeurIPS 2024 (robust scaling and
        smooth clipping), https://arxiv.org/abs/2407.04491.

    Example:

    >>> Numeric("age").fit(pd.Series([20.0, 40.0, None])).indicator
    True
    """

    also_called: ClassVar[str] = "number numerical float int integer continuous real"
    shows_dependence: ClassVar[bool] = True
    crossable: ClassVar[bool] = True

    transform: str = "auto"
    scaling: str = "standard"
    center: float | None = None
    scale: float | None = None
    lowest: float | None = None
    highest: float | None = None
    indicator: bool | None = None
    notation: str | None = None
    knots: tuple[float, ...] | None = None
    ranks: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transform not in TRANSFORMS:
            raise ConfigError(unknown(f"{self.name}.transform", self.transform, TRANSFORMS))
        if self.scaling not in SCALINGS:
            raise ConfigError(unknown(f"{self.name}.scaling", self.scaling, SCALINGS))
        good = self.scale is None or (np.isfinite(self.scale) and self.scale > 0)
        check(good, f"{self.name}.scale", "be > 0 and finite", self.scale)
        for name in ("lowest", "highest"):
            value = getattr(self, name)
            good = value is None or np.isfinite(value)
            check(good, f"{self.name}.{name}", "be finite", value)
        good = self.lowest is None or self.highest is None or self.lowest <= self.highest
        check(good, f"{self.name}.highest", f"be >= lowest, which is {self.lowest}", self.highest)
        good = self.notation is None or self.notation in NOTATIONS
        check(good, f"{self.name}.notation", f"be one of {NOTATIONS}", self.notation)

    def fit(self, column: pd.Series) -> Self:
        if self.notation is None:
            notation = find_notation(column)
            if notation.doubt:
                warnings.warn(f"Feature {self.name!r}: {notation.doubt}.", stacklevel=2)
            return self.but(notation=notation.name).fit(column)
        values = self.raw(column).astype(float)
        present = values[~np.isnan(values)]
        if len(present) == 0:
            raise DataError(f"Feature {self.name!r} has no value in the training rows. Drop it.")
        warn_of_mixed_units(f"Feature {self.name!r}", column)
        exact = parsed(column, self.notation, words=True)[0]
        warn_of_resolution(self.name, exact[~np.isnan(exact)])
        learned = self.completed(indicator=bool(np.isnan(values).any()))
        if self.scaling == "quantile":  # with which values beyond the knots have the ends' ranks
            knots, ranks = _ranked(present) if self.knots is None else (self.knots, self.ranks)
            return learned.but(transform="none", knots=knots, ranks=ranks)
        transform = self.transform
        if transform == "auto":
            heavy = abs(pd.Series(present).skew()) > HEAVY_TAIL
            transform = "log1p" if heavy else "none"
        if transform == "log1p":
            present = np.sign(present) * np.log1p(np.abs(present))
        center, scale = float(present.mean()), float(present.std())
        ends = np.array([present.min() - BEYOND * scale, present.max() + BEYOND * scale])
        if transform == "log1p":
            ends = np.sign(ends) * np.expm1(np.abs(ends))
        if self.scaling == "robust":
            low, center, high = map(float, np.quantile(present, (0.25, 0.5, 0.75)))
            scale = high - low or float(np.ptp(present)) / 2
        return learned.but(transform=transform).completed(
            center=center, scale=scale or 1.0, lowest=float(ends[0]), highest=float(ends[1])
        )

    def raw(self, column: pd.Series) -> np.ndarray:
        values, bad = self._read(column)
        advice = "Correct the value or leave it empty; or train with the column as categorical."
        cells.refuse(f"Feature {self.name!r} is numeric", column, bad, advice)
        what = f"Feature {self.name!r} must contain finite numbers"
        cells.refuse(what, column, np.isinf(values), "Leave the value empty if it is unknown.")
        return values

    def unreadable(self, column: pd.Series) -> np.ndarray:
        values, bad = self._read(column)
        return bad | np.isinf(values)

    def indistinct(self, column: pd.Series) -> np.ndarray:
        """Return which cells are whole numbers so large that float32 has not all of them."""
        values = parsed(column, self.notation, words=True)[0]
        return (np.abs(values) >= 2**24) & (values == np.floor(values))

    def _read(self, column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers as float32, and which cells are not numbers."""
        values, bad = parsed(column, self.notation, words=True)
        with np.errstate(over="ignore"):
            return values.astype(np.float32), bad

    def observed(self, raw: np.ndarray) -> np.ndarray:
        return raw

    def layer(self) -> NumericEncoding:
        robust = self.scaling == "robust"
        return NumericEncoding(
            self.center or 0.0,
            self.scale or 1.0,
            self.transform,
            bool(self.indicator),
            limit=3.0 if robust else 10.0,
            smooth=robust,
            lowest=self.lowest,
            highest=self.highest,
            knots=self.knots,
            ranks=self.ranks,
        )


def _ranked(values: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return distinct values at evenly spaced ranks, each with the mean of its ranks."""
    ranks = np.linspace(0, 1, min(KNOTS, max(2, len(values))))
    knots = pd.Series(ranks).groupby(np.quantile(values, ranks).astype("float32")).mean()
    if len(knots) == 1:
        knots = pd.Series([0.5, 0.5], [knots.index[0], knots.index[0] + 1.0])
    return tuple(map(float, knots.index)), tuple(map(float, knots))
