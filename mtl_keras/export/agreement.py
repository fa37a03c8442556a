"""Whether the answers of two programs are the same but for rounding."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mtl_keras.errors import MTLError, shown

TOLERANCE = 1e-5
NUDGE, NUDGES = 1e-6, 4  # relative: some times what rounding is
EDGE = 3 * TOLERANCE  # what a nudge changes in an answer that rounding could change by TOLERANCE

Rows = Mapping[str, np.ndarray]


class Disagreement(MTLError):
    """Two programs answer the same rows differently."""


def steady(stages: Sequence[Callable[[Rows], Rows]], rows: Rows) -> np.ndarray:
    """Which rows are not on an edge, where rounding decides about the answer.

    A probability may be next to the threshold of a label, or on a steep step of its calibration.

    Args:
        stages: Functions of arrays by name, each of what the one before it returns; the first of
            rows, the last returns answers. What each reads is nudged.
        rows: The rows, by name.

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
            given = stage({name: _nudged(values, random) for name, values in given.items()})
        good &= np.all([_apart(wanted[name], given[name]) <= EDGE for name in wanted], axis=0)
    return good


def _nudged(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if values.dtype.kind != "f":
        return values
    return values * random.choice(np.array([1 - NUDGE, 1 + NUDGE], values.dtype), values.shape)


def difference(expected: Rows, received: Rows) -> float:
    """The largest relative difference of numbers; texts, classes and yes or no are equal.

    Numbers are compared relatively to the expected one, or to the mean of its column where that is
    larger: numbers near 0 are sums of larger ones, which are rounded.

    Args:
        expected: Answers by name.
        received: Answers by name.

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
            raise Disagreement(f"the answer {name!r} {what}, instead of {wanted.shape}")
        apart = _apart(wanted, given)
        row = int(apart.argmax())
        if apart[row] > TOLERANCE:
            raise Disagreement(
                f"the answers {name!r} differ from the SavedModel's, e.g. in row {row}: "
                f"{shown(given[row])} instead of {shown(wanted[row])}"
            )
        largest = max(largest, float(apart[row]))
    return largest


def _apart(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """How far the answers are apart, `(rows,)`; infinitely if one is no number, or another text."""
    apart = np.where(wanted == given, 0.0, np.inf)
    if wanted.dtype.kind == "f":
        scale = np.maximum(np.abs(wanted), np.nanmean(np.abs(wanted)))
        both = np.isfinite(wanted) & np.isfinite(given)
        np.divide(np.abs(wanted - given), scale, out=apart, where=both & (scale > 0))
        apart[np.isnan(wanted) & np.isnan(given)] = 0.0
    return apart.reshape(len(apart), -1).max(axis=1)
