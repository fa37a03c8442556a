"""How many digits of a number are written: no more than tell anything."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

DIGITS = 3
OF_UNCERTAINTY = 2
MOST_DECIMALS = 7

Interval = Sequence[float | None] | None


def numbers(
    values: Iterable[float | None], digits: int = DIGITS, intervals: Iterable[Interval] = ()
) -> list[str]:
    """Numbers to be compared with each other, all with the same decimals.

    None and NaN are a dash.

    Args:
        values: The numbers.
        digits: Significant digits of the largest, which has all digits before its point anyway, and
            one more from 0.1 to 1, where shares are. Default 3.
        intervals: Intervals of some of the numbers, low and high. If there are any, they decide
            instead: half the width of the middle one by size has two significant digits. Default
            none.

    Example:

    >>> numbers([95.4084, 139.6324]), numbers([0.5331, -1.8e-06]), numbers([5157.4, None])
    (['95.4', '139.6'], ['0.533', '0.000'], ['5,157', '–'])
    >>> numbers([0.76727, 0.7518, 0.7811], intervals=[(0.7518, 0.7811)])
    ['0.767', '0.752', '0.781']
    >>> numbers([0.5331, 0.41, 0.66], intervals=[(0.41, 0.66)])
    ['0.53', '0.41', '0.66']
    """
    listed = [None if value is None else float(value) for value in values]
    form = _form_of_uncertainty(intervals) or _form_of_size(listed, digits)
    return [_or_dash(value, form) for value in listed]


def number(value: float | None) -> str:
    """A number alone.

    Example:

    >>> number(0.76727), number(3156.57), number(12), number(float("nan"))
    ('0.767', '3,157', '12', '–')
    """
    if value is not None and np.isfinite(value) and float(value).is_integer() and abs(value) < 1e9:
        return f"{value:,.0f}"
    return numbers([value])[0]


def signed(values: Iterable[float | None], intervals: Iterable[Interval] = ()) -> list[str]:
    """Differences: like `numbers`, with two significant digits, and the sign of those above 0.

    Example:

    >>> signed([0.0123, -0.004, 0.0])
    ['+0.012', '-0.004', '0.000']
    """
    listed = list(values)
    return [
        f"+{text}" if value is not None and value > 0 and re.search("[1-9]", text) else text
        for value, text in zip(listed, numbers(listed, DIGITS - 1, intervals))
    ]


def share(value: float) -> str:
    """A share in per cent.

    Example:

    >>> share(0.0), share(0.0001), share(0.1672)
    ('0%', 'below 0.1%', '16.7%')
    """
    return "0%" if value == 0 else "below 0.1%" if 0 < value < 0.001 else f"{value:.1%}"


def _form_of_uncertainty(intervals: Iterable[Interval]) -> str | None:
    """The format in which half the width of the middle interval has two significant digits."""
    reaches = [
        (float(ends[1]) - float(ends[0])) / 2
        for ends in intervals
        if ends is not None and len(ends) and ends[0] is not None and ends[1] is not None
    ]
    known = sorted(reach for reach in reaches if np.isfinite(reach) and reach > 0)
    if not known:
        return None
    decimals = OF_UNCERTAINTY - 1 - int(np.floor(np.log10(known[len(known) // 2])))
    return f",.{max(0, decimals)}f" if decimals <= MOST_DECIMALS else f".{DIGITS - 1}e"


def _form_of_size(values: Sequence[float | None], digits: int) -> str:
    """The format in which the largest number has these digits."""
    known = [abs(value) for value in values if value is not None and np.isfinite(value)]
    largest = max(known, default=0.0)
    if 0 < largest < 1e-4 or largest >= 1e9:
        return f".{digits - 1}e"
    if largest >= 1000 or not largest:
        return ",.0f"
    if 0.1 <= largest <= 1:
        return f",.{digits}f"
    return f",.{max(digits - 2, digits - 1 - int(np.floor(np.log10(largest))))}f"


def _or_dash(value: float | None, form: str) -> str:
    if value is None or not np.isfinite(value):
        return "–"
    text = format(value, form)
    return text if re.search("[1-9]", text) else text.lstrip("-")
