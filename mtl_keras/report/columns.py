"""The distribution of a column in a small chart and a few words."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from mtl_keras.drawing.style import short
from mtl_keras.evaluation.distribution import Distribution

MOST_BARS = 12
MOST_NAMED = 3
WIDTH, HEIGHT = 120.0, 30.0
BEYOND = 0.6  # of the range between the outer deciles, shown on either side of it
NARROW = 0.1  # of that range, at most, the bar of a single value


class Summary(NamedTuple):
    """A column as a page shows it.

    Attributes:
        chart: Its distribution, SVG; empty if there is nothing to show.
        words: The smallest, the middle and the largest number, or the most frequent values and
            their shares.
        missing: The share of rows without a value.
    """

    chart: Markup
    words: tuple[str, ...]
    missing: float


def summary(column: Distribution, shown: Callable[[Sequence[float]], list[str]]) -> Summary:
    """A column's chart and words.

    Args:
        column: Its distribution.
        shown: How some of its numbers are written.

    Example:

    >>> from mtl_keras.drawing.digits import apart
    >>> ages = Distribution.of(np.arange(101.0))
    >>> summary(ages, apart).words
    ('min 0', 'median 50', 'max 100')
    """
    counts = np.array(column.within, float)
    if not counts.sum():
        return Summary(Markup(), (), column.missing)
    if column.values is not None:
        words = _frequent(column.values, counts)
        return Summary(_values(counts), words, column.missing)
    if column.low is None or column.high is None or column.low == column.high:
        return Summary(Markup(), (), column.missing)  # only what is missing is counted
    edges = np.array([column.low, *(column.edges or ()), column.high])
    middle = edges[1:][np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
    low, median, high = shown([column.low, float(middle), column.high])
    if column.edges == (column.low, column.high):  # two values, e.g. 0 and 1
        return Summary(_values(counts), _frequent((low, high), counts), column.missing)
    words = (f"min {low}", f"median {median}", f"max {high}")
    return Summary(_density(edges, counts), words, column.missing)


def _frequent(values: tuple[str, ...], counts: np.ndarray) -> tuple[str, ...]:
    """The most frequent values with their shares, and how many rows have another one."""
    shares = counts / counts.sum()
    named = values if len(values) <= MOST_NAMED + 1 else values[:MOST_NAMED]
    listed = [f"{short(value)}: {_share(share)}" for value, share in zip(named, shares)]
    rest = float(shares[len(named) :].sum())
    return (*listed, *([f"others: {_share(rest)}"] if rest > 1e-9 else []))


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "below 1%"


def _values(counts: np.ndarray) -> Markup:
    """A bar for each of the most frequent values, and a pale one for all others."""
    bars, rest = counts[:-1][:MOST_BARS], counts[:-1][MOST_BARS:].sum() + counts[-1]
    heights = [*bars, rest] if rest else [*bars]
    step = WIDTH / max(6, len(heights))
    pale = len(heights) - 1 if rest else -1
    highest = max(bars, default=rest)
    return _svg(
        (place * step, 0.8 * step, min(1.0, height / highest), place == pale)
        for place, height in enumerate(heights)
    )


def _density(edges: np.ndarray, counts: np.ndarray) -> Markup:
    """A histogram of the parts between deciles, as high as their values are dense.

    A single value that is a whole part, as 0 often is, is a narrow bar. What lies far beyond the
    outer deciles is cut off, so that one large number hides nothing.
    """
    low, high = edges[:-1].copy(), edges[1:].copy()
    widths = high - low
    if not (widths > 0).any():
        return Markup()
    inner = edges[-2] - edges[1] or edges[-1] - edges[0]
    narrow = min(widths[widths > 0].min(), NARROW * inner)
    low = np.where(widths > 0, low, low - narrow)
    heights = counts / np.maximum(widths, narrow)
    left = max(low[0], edges[1] - BEYOND * inner)
    right = min(high[-1], edges[-2] + BEYOND * inner)
    scale, highest = WIDTH / (right - left), heights.max()
    shown = [(np.clip(a, left, right), np.clip(b, left, right)) for a, b in zip(low, high)]
    return _svg(
        ((a - left) * scale, (b - a) * scale, height / highest, False)
        for (a, b), height in zip(shown, heights)
        if b > a
    )


def _svg(bars: Iterable[tuple[float, float, float, bool]]) -> Markup:
    """Bars as SVG: place, width, height from 0 to 1, and whether pale, of each."""
    drawn = []
    for left, width, height, pale in bars:
        tall = max(1.0, height * HEIGHT) if height else 0.0
        kind = ' class="pale"' if pale else ""
        drawn.append(
            f'<rect{kind} x="{left:.1f}" y="{HEIGHT - tall:.1f}" '
            f'width="{max(width - 0.4, 0.6):.1f}" height="{tall:.1f}"/>'
        )
    box = f"0 0 {WIDTH:.0f} {HEIGHT:.0f}"
    return Markup(f'<svg class="bars" viewBox="{box}" aria-hidden="true">{"".join(drawn)}</svg>')
