"""Whether the predictions of two programs are equal up to rounding."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from mtl_keras.errors import MTLError, shown

TOLERANCE = 1e-5
NUDGE, NUDGES = 1e-6, 4  # relative: several times the rounding error
EDGE = 3 * TOLERANCE  # relative change of values that stands for rounding
COARSER = {"float16": 100.0, "bfloat16": 1000.0}  # times the rounding of float32, and its effects

Rows = Mapping[str, np.ndarray]


class Disagreement(MTLError):
    """Two programs predict different values for the same rows."""


def rounding_of(network: keras.Model) -> float:
    """Return how many times coarser than float32 a network computes: 1 unless in half precision.

    Example:

    >>> rows = keras.Input((2,))
    >>> rounding_of(keras.Model(rows, keras.layers.Dense(1, dtype="mixed_float16")(rows)))
    100.0
    """
    return max((COARSER.get(layer.compute_dtype, 1.0) for layer in network.layers), default=1.0)


def steady(
    stages: Sequence[Callable[[Rows], Rows]], rows: Rows, rounding: float = 1.0
) -> np.ndarray:
    """Return which rows are not on an edge, where rounding decides the prediction.

    A probability may be next to the threshold of a label, or on a steep step of its calibration.

    Args:
        stages: Functions from arrays to arrays, both by name, to be called one after the other:
            from the rows to the predictions. The inputs of each are slightly changed.
        rows: The rows, by name.
        rounding: See `rounding_of`. Default 1.

    Example:

    >>> steady([lambda r: {"yes": r["x"] > 0.5}], {"x": np.array([0.1, 0.5, 0.9])}).tolist()
    [True, False, True]
    """
    random, wanted = np.random.default_rng(0), rows
    for stage in stages:
        wanted = stage(wanted)
    good = np.ones(len(next(iter(rows.values()))), bool)
    for _ in range(NUDGES):
        given = rows
        for stage in stages:
            given = stage({n: _nudged(v, random, rounding) for n, v in given.items()})
        alike = [_apart(wanted[name], given[name]) <= EDGE * rounding for name in wanted]
        good &= np.all(alike, axis=0)
    return good


def _nudged(values: np.ndarray, random: np.random.Generator, rounding: float) -> np.ndarray:
    if values.dtype.kind != "f":
        return values
    nudge = NUDGE * rounding
    return values * random.choice(np.array([1 - nudge, 1 + nudge], values.dtype), values.shape)


def difference(expected: Rows, received: Rows, rounding: float = 1.0) -> float:
    """Return the largest relative difference of numbers; all other values must be equal.

    Differences are relative to the expected number, or to the mean of its column if that is larger,
    because numbers near 0 are sums of larger ones, which are rounded.

    Args:
        expected: Predictions by name.
        received: Predictions by name.
        rounding: See `rounding_of`. Default 1.

    Raises:
        Disagreement: if they differ by more than rounding.

    Example:

    >>> difference({"spend": np.array([8.0, 0.0])}, {"spend": np.array([8.0, 4e-6])})
    1e-06
    """
    largest = 0.0
    for name, wanted in expected.items():
        given = received.get(name)
        if given is None or given.shape != wanted.shape:
            what = "is missing" if given is None else f"has the shape {given.shape}"
            raise Disagreement(f"the prediction {name!r} {what}, instead of {wanted.shape}")
        apart = _apart(wanted, given)
        row = int(apart.argmax())
        if apart[row] > TOLERANCE * rounding:
            raise Disagreement(
                f"the predictions {name!r} differ from the SavedModel's, e.g. in row {row}: "
                f"{shown(given[row])} instead of {shown(wanted[row])}"
            )
        largest = max(largest, float(apart[row]))
    return largest


def _apart(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the differences, `(rows,)`; infinite for other strings or if one is not a number."""
    apart = np.where(wanted == given, 0.0, np.inf)
    if wanted.dtype.kind == "f":
        scale = np.maximum(np.abs(wanted), np.nanmean(np.abs(wanted)))
        both = np.isfinite(wanted) & np.isfinite(given)
        np.divide(np.abs(wanted - given), scale, out=apart, where=both & (scale > 0))
        apart[np.isnan(wanted) & np.isnan(given)] = 0.0
    return apart.reshape(len(apart), -1).max(axis=1)
