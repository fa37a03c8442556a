"""Whether the answers of two programs are the same but for rounding."""

from collections.abc import Mapping

import numpy as np

from mtl_keras.errors import MTLError, shown

TOLERANCE = 1e-5


class Disagreement(MTLError):
    """Two programs answer the same rows differently."""


def difference(expected: Mapping[str, np.ndarray], received: Mapping[str, np.ndarray]) -> float:
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
        apart = (wanted != given).astype(float)
        if wanted.dtype.kind == "f":
            same = (wanted == given) | (np.isnan(wanted) & np.isnan(given))
            scale = np.maximum(np.abs(wanted), np.nanmean(np.abs(wanted)))
            apart = np.divide(np.abs(wanted - given), scale, out=np.zeros(same.shape), where=~same)
        if not (apart <= TOLERANCE).all():  # NaN is no small difference
            row = int(np.argwhere(~(apart <= TOLERANCE))[0][0])
            raise Disagreement(
                f"the answers {name!r} differ from the SavedModel's, e.g. in row {row}: "
                f"{shown(given[row])} instead of {shown(wanted[row])}"
            )
        largest = max(largest, float(apart.max(initial=0.0)))
    return largest
