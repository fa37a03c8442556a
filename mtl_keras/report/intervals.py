"""Gains with their intervals as rows of a picture: what is right of the line is better."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

FAR = 8.0  # times the joint model's interval, beyond which a gain is an arrow at the edge
MARGIN = 0.06  # of the picture's width, on either side
MOST_TICKS = 4


class Bar(NamedTuple):
    """A gain in the picture; places are in per cent of its width.

    Attributes:
        low: Where its interval begins.
        width: How wide it is.
        middle: Where the gain is.
        arrow: "←" or "→" at the edge for a gain that is too far off to be drawn; else empty.
    """

    low: float
    width: float
    middle: float
    arrow: str


class Picture(NamedTuple):
    """The picture.

    Attributes:
        zero: Where the line of no gain is, in per cent of the width.
        bars: A bar for each row; None if its interval is not known.
        ticks: Places and texts of the axis.
    """

    zero: float
    bars: list[Bar | None]
    ticks: list[tuple[float, str]]


def picture(gains: Sequence[tuple[float, float, float]], reference: int) -> Picture:
    """The picture of some gains.

    Args:
        gains: Gain, low and high of each row; NaN if they are not known.
        reference: The row that decides how far is too far off.

    Example:

    >>> picture([(0.02, 0.01, 0.03), (-9.0, -9.5, -8.5)], reference=0).bars[1].arrow
    '←'
    """
    table = np.array(gains, float).reshape(-1, 3)
    size = np.abs(table[:, 1:]).max(axis=1)
    known = np.isfinite(table).all(axis=1)
    near = known & ~(size > FAR * size[reference])  # all, if that of the reference is not known
    left, right = table[near, 1].min(initial=0.0), table[near, 2].max(initial=0.0)
    if not left < right:  # no gain, and no uncertainty of it
        left, right = -1.0, 1.0
    margin = MARGIN * (right - left)
    left, right = left - margin, right + margin

    def place(value: float) -> float:
        return round(100 * float((value - left) / (right - left)), 2)

    bars: list[Bar | None] = []
    for (gain, low, high), is_known, is_near in zip(table, known, near):
        if not is_known:
            bars.append(None)
        elif is_near:
            bars.append(Bar(place(low), round(place(high) - place(low), 2), place(gain), ""))
        else:
            bars.append(Bar(0.0, 0.0, 0.0, "←" if gain < 0 else "→"))
    tiny = 1e-9 * (right - left)  # what is left of 0 by rounding
    values = MaxNLocator(MOST_TICKS).tick_values(left, right)
    shown = [value for value in values if left + margin <= value <= right - margin]
    texts = [f"{value:+,.6g}" if abs(value) > tiny else "0" for value in shown]
    return Picture(place(0.0), bars, [(place(v), text) for v, text in zip(shown, texts)])
