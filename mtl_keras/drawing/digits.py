"""How many digits of a number are written: no more than tell anything."""

import itertools
import re
from collections.abc import Iterable, Sequence

import numpy as np

DIGITS = 3
OF_UNCERTAINTY = 2
MOST_DECIMALS = 7
MOST_DIGITS = 12
ROUNDING = 1e-6  # of a number: what is narrower is an error of rounding, no uncertainty

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


def number(value: float | None, digits: int = DIGITS) -> str:
    """A number alone.

    Args:
        value: The number.
        digits: See `numbers`. Default 3.

    Example:

    >>> number(0.76727), number(3156.57), number(12), number(float("nan"))
    ('0.767', '3,157', '12', '–')
    """
    if value is not None and np.isfinite(value) and float(value).is_integer() and abs(value) < 1e9:
        return f"{value:,.0f}"
    return numbers([value], digits)[0]


class Column:
    """Numbers that are written line by line, one below the other.

    All lines have the decimals of the first, or up to two more once the numbers have fallen to a
    tenth. They are padded to the width of the widest so far.

    Example:

    >>> loss = Column()
    >>> loss([12.345, 9.8765]), loss([8.7, None]), loss([0.31, 0.452])
    (['12.3', ' 9.9'], [' 8.7', '   –'], ['0.310', '0.452'])
    """

    def __init__(self) -> None:
        self._least, self._size, self._width = 0.0, np.inf, 0

    def __call__(self, values: Sequence[float | None]) -> list[str]:
        """Return the numbers of the next line; None and NaN are a dash."""
        known = [abs(value) for value in values if value is not None and np.isfinite(value)]
        size = max(known, default=0.0)
        if 0 < size < self._size / 10:
            self._least = self._least or size / 100
            self._size = max(size, self._least)
        form = _form_of_size([self._size], DIGITS)
        texts = [_or_dash(value, form) for value in values]
        self._width = max(self._width, *map(len, texts))
        return [text.rjust(self._width) for text in texts]


def apart(values: Sequence[float]) -> list[str]:
    """Numbers, with as many digits as it takes to tell different ones from each other.

    Example:

    >>> apart([0.184, 20.0, 1062.4]), apart([2019.1, 2019.4])
    (['0.184', '20', '1,062'], ['2,019.1', '2,019.4'])
    """
    for digits in range(DIGITS, MOST_DIGITS):
        texts = [number(value, digits) for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts


def ranges(edges: Sequence[str]) -> list[str]:
    """The ranges between ascending edges.

    Args:
        edges: The edges, written.

    Example:

    >>> ranges(["0.5", "20"]), ranges([])
    (['up to 0.5', '0.5 to 20', 'above 20'], ['any'])
    """
    if not edges:
        return ["any"]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(edges)]
    return [f"up to {edges[0]}", *between, f"above {edges[-1]}"]


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


def with_intervals(values: Iterable[float | None], intervals: Iterable[Interval]) -> list[str]:
    """Numbers to be compared with each other, each with its interval in parentheses if it has one.

    Args:
        values: The numbers.
        intervals: The interval of each.

    Example:

    >>> with_intervals([0.77361, 0.7305, None], [(0.69863, 0.84274), None, None])
    ['0.774 (0.699 to 0.843)', '0.731', '–']
    >>> with_intervals([1246.212084], [(1246.212054, 1246.212115)])  # a difference of rounding
    ['1,246 (1,246 to 1,246)']
    """
    listed = [*intervals]
    triples = [(v, *(ends or (None, None))) for v, ends in zip(values, listed)]
    texts = iter(numbers(itertools.chain(*triples), intervals=listed))
    return [
        f"{value} ({low} to {high})" if ends else value
        for value, low, high, ends in zip(texts, texts, texts, listed)
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
    both = [
        (float(ends[0]), float(ends[1]))
        for ends in intervals
        if ends is not None and len(ends) and ends[0] is not None and ends[1] is not None
    ]
    known = sorted(
        (high - low) / 2
        for low, high in both
        if np.isfinite(high - low) and high - low > ROUNDING * max(abs(low), abs(high))
    )
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
    if not largest:
        return ",.0f"
    rest = digits - 1 - int(np.floor(np.log10(largest)))  # decimals that complete the digits
    if largest >= 1000:
        return f",.{max(0, rest)}f"
    if 0.1 <= largest <= 1:
        return f",.{digits}f"
    return f",.{max(digits - 2, rest)}f"


def _or_dash(value: float | None, form: str) -> str:
    if value is None or not np.isfinite(value):
        return "–"
    return format(value, f"z{form}")  # without the sign of what is rounded to 0
