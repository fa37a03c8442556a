"""The style of all figures; a page replaces these colors by its own."""

from typing import Any

COLORS = ["#3366aa", "#cc6633", "#338855", "#aa3377", "#887722", "#666666"]
MUTED = "#8a8f98"
QUIET = "#566070"  # of captions
POINTS = "#4b8add"  # of raster images in figures: visible on light and dark backgrounds
DASHES = ("-", "--", ":", "-.")
"""Of lines: another one each time that the colors begin again."""
MOST_LETTERS = 24
FEW, MOST = 3, 12  # entries of a legend


def line_style(number: int) -> dict[str, str]:
    """The color and the dashes of a line, by its number.

    Example:

    >>> line_style(1), line_style(7)["ls"]
    ({'color': '#cc6633', 'ls': '-'}, '--')
    """
    again = number // len(COLORS)
    return {"color": COLORS[number % len(COLORS)], "ls": DASHES[again % len(DASHES)]}


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


def legend(ax: Any, entries: int, place: str | None = None) -> None:
    """A legend at a place within the axes; of many entries below them, of a great many none.

    Args:
        ax: Matplotlib axes.
        entries: How many entries it has.
        place: Where it is if it has up to three. Default None: below the axes.
    """
    if entries <= FEW and place is not None:
        ax.legend(frameon=False, fontsize=8, loc=place)
    elif entries <= MOST:
        longest = max(map(len, ax.get_legend_handles_labels()[1]), default=0)
        columns = 1 if longest > 28 else 2 if longest > 14 else 3
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2)}
        ax.legend(frameon=False, fontsize=7, ncols=min(entries, columns), **below)
