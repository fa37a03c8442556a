"""The best constant predictions of a quantity for measures of which the mean is not the best."""

import numpy as np


def best_constants(labels: np.ndarray) -> dict[str, float]:
    """Return the constants with the lowest mean and the lowest median absolute error.

    The first is the median. The second is the middle of the shortest interval with half of the
    labels. If more than half of them are 0, as in an amount that is often zero, both are 0, and the
    mean may be much worse.

    Args:
        labels: The labels, in units, none missing.

    Returns:
        The constants by the name of the measure.

    References:
        Rousseeuw: "Least Median of Squares Regression", JASA 79, 1984.

    Example:

    >>> best_constants(np.array([0.0, 0.0, 0.0, 1.0, 50.0, 54.0, 99.0]))
    {'mae': 1.0, 'median_absolute_error': 0.5}
    """
    ordered = np.sort(labels)
    half = len(ordered) // 2
    first = int(np.argmin(ordered[half:] - ordered[: len(ordered) - half]))
    middle = (ordered[first] + ordered[first + half]) / 2
    return {"mae": float(np.median(ordered)), "median_absolute_error": float(middle)}
