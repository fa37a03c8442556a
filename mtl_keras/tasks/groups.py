"""Rows that are alike because they are of one group, such as a customer, a patient or a day."""

from typing import Any

import numpy as np


def numbered(groups: Any) -> tuple[np.ndarray, int]:
    """Return the number of each row's group, from 0 in their order, and how many there are.

    Args:
        groups: The group of each row, `(rows,)`.

    Example:

    >>> codes, count = numbered(["b", "a", "b"])
    >>> codes.tolist(), count
    ([1, 0, 1], 2)
    """
    found, codes = np.unique(groups, return_inverse=True)
    return codes.reshape(-1), len(found)


def error_of_sum(values: np.ndarray, codes: np.ndarray, groups: int) -> float:
    r"""Return the standard error of a sum of values that are 0 on average: that of the groups.

    With $s_g$ the sum in group g of G, it is $\sqrt{\frac{G}{G - 1} \sum_g s_g^2}$.

    Args:
        values: The values, `(rows,)`.
        codes: The number of each row's group, from 0.
        groups: The number of groups, at least 2.

    Example:

    >>> values = np.array([1.0, 1.0, -1.0, -1.0])
    >>> error_of_sum(values, np.arange(4), 4) < error_of_sum(values, np.array([0, 0, 1, 1]), 2)
    True
    """
    return float(np.sqrt(groups / (groups - 1) * np.sum(np.bincount(codes, values) ** 2)))
