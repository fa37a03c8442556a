"""The style of all figures; a page replaces these colors by its own."""

import math
from collections.abc import Sequence
from typing import Any

COLORS = ["#2f6fd0", "#d2691e", "#0f5a4c", "#b04e9f", "#6b5000", "#8c8c8c"]
"""Chosen to differ for the colour-blind as well, also by how light they are."""
MUTED = "#8a8f98"
PAPER = "#f6f8fb"  # behind boxes that hide what is below them
DARK, LIGHT = "#101010", "#fefefe"  # of letters on a coloured ground
QUIET = "#566070"  # of captions
POINTS = "#4b8add"  # of raster images in figures: visible on light and dark backgrounds
DASHES = ("-", "--", ":", "-.")
"""Of lines: another one each time that the colors begin again."""
MOST_LETTERS = 24
MARKERS = "os^Dv*"
MOST = 12  # entries of a legend
BELOW = 4.4  # times a letter, from the axes to the legend: ticks and a label are between
LINE = 0.16  # inches, of a legend


def line_style(number: int) -> dict[str, str]:
    """The color and the dashes of a line, by its number.

    Example:

    >>> line_style(1), line_style(7)["ls"]
    ({'color': '#d2691e', 'ls': '-'}, '--')
    """
    again = number // len(COLORS)
    return {"color": COLORS[number % len(COLORS)], "ls": DASHES[again % len(DASHES)]}


def ink(ground: Sequence[float]) -> str:
    """The color of letters that can be read on a ground, red, green and blue from 0 to 1.

    Its luminance decides, as in the contrast ratio of WCAG 2.

    Example:

    >>> ink((1.0, 1.0, 1.0)), ink((0.0, 0.2, 0.6))
    ('#101010', '#fefefe')
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in ground[:3]]
    luminance = sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear))
    return DARK if luminance > 0.18 else LIGHT


def cut(text: object, most: int) -> str:
    """A name whose ends tell it from others, so that letters are left out of its middle.

    Example:

    >>> cut("customer_satisfaction_head", 16)
    'customer…on_head'
    """
    written = str(text)
    if len(written) > most:
        written = f"{written[: most // 2]}…{written[len(written) - (most - 1) // 2 :]}"
    return written.replace("$", r"\$")


def short(text: object, most: int = MOST_LETTERS) -> str:
    """A text that leaves room for the figure beside it, and that Matplotlib takes for no formula.

    Example:

    >>> short("a column with a long name", 12)
    'a column wi…'
    >>> short("from $ to $")
    'from \\\\$ to \\\\$'
    """
    written = str(text)
    written = written if len(written) <= most else f"{written[: most - 1]}…"
    return written.replace("$", r"\$")


def legend(ax: Any, entries: int) -> None:
    """A legend below the axes, where it hides nothing; of a great many entries none.

    The figure becomes higher by what a long one needs, so that the axes keep their height.

    Args:
        ax: Matplotlib axes in a grid.
        entries: How many entries it has.
    """
    if entries <= MOST:
        longest = max(map(len, ax.get_legend_handles_labels()[1]), default=0)
        columns = 1 if longest > 28 else 2 if longest > 12 or entries == 4 else 3
        columns = min(entries, columns)
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": BELOW}
        ax.legend(frameon=False, fontsize=8, ncols=columns, **below)
        beside = ax.get_gridspec().ncols  # other axes, whose legends need the same room
        more = LINE * max(0, math.ceil(entries / max(1, columns)) - 2)
        ax.figure.set_figheight(ax.figure.get_figheight() + more / beside)
