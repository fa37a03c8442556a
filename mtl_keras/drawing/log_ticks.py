"""Ticks at round values for axes whose positions are log(1 + value)."""

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

SERIES = (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3))
"""From close to wide: digits of the ticks, and from which powers of ten."""
MOST = 5  # ticks would be as far apart if this many were spread evenly over the axis


def tick_in_units(ax: Any) -> None:
    """Ticks of both axes, none of them beyond what is shown, which would widen it."""
    for axis in (ax.xaxis, ax.yaxis):
        shown = round_values(*np.expm1(axis.get_view_interval()))
        labels = [f"{x:,.0f}" if x == round(x) else f"{x:,.6g}" for x in shown]
        axis.set_ticks(np.log1p(shown), labels)


def round_values(low: float, high: float) -> list[float]:
    """As many round values in a range as can be read side by side.

    Args:
        low: The lowest value that is shown.
        high: The highest one.

    Example:

    >>> round_values(2_500, 70_000), round_values(0, 300_000)
    ([5000.0, 10000.0, 20000.0, 50000.0], [0.0, 100.0, 10000.0])
    >>> round_values(2_600, 3_400)
    [2600.0, 2800.0, 3000.0, 3200.0, 3400.0]
    """
    apart = (np.log1p(high) - np.log1p(low)) / MOST
    for digits, step in SERIES:
        powers = [digit * 10.0**power for power in range(-2, 16, step) for digit in digits]
        ticks = [value for value in powers if max(low, 0) <= value <= high]
        if low <= 0:
            ticks = [0.0, *(value for value in ticks if np.log1p(value) >= apart)]
        if len(ticks) < 2 or np.diff(np.log1p(ticks)).min() >= apart:
            break
    if len(ticks) < 3:  # so narrow a range is almost linear
        spread = MaxNLocator(MOST).tick_values(max(low, 0), high)
        ticks = [float(value) for value in spread if low <= value <= high]
    return ticks
