"""Figures: a grid of axes to draw on, and the finished figure as PNG or SVG."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from mtl_keras.drawing.style import COLORS

COMMENTS = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
DECIMALS = re.compile(r"(\d\.\d\d)\d+")


def axes(columns: int, rows: int, width: float = 4.6, height: float = 3.5) -> tuple[Figure, Any]:
    """A figure with a grid of axes, drawn without the global state of pyplot."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for ax in grid.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.set_axisbelow(True)
    return figure, grid


def png(figure: Figure) -> bytes:
    """A figure as the content of a PNG file.

    Args:
        figure: The figure.

    Returns:
        The bytes of the file.

    Example:

    >>> from matplotlib.figure import Figure
    >>> png(Figure(figsize=(1, 1)))[1:4]
    b'PNG'
    """
    file = io.BytesIO()
    with _whatever_the_letters():
        figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def svg(figure: Figure, number: int, text: str) -> str:
    """A figure as SVG for a page, in the page's colours and fonts, with a text alternative.

    Args:
        figure: The figure.
        number: A number unique on the page, for the identifiers in the SVG.
        text: The text alternative: what the figure shows.
    """
    file = io.StringIO()
    written = matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": str(number)})
    with written, _whatever_the_letters():
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    content = file.getvalue()
    content = content[content.index("<svg") :]
    content = re.sub(r"\s*\n\s*", "\n", COMMENTS.sub("", content))
    # Places are written to hundredths of a point; numbers in the text are left as they are.
    content = TAG.sub(lambda tag: DECIMALS.sub(r"\1", tag[0]), content)
    content = re.sub(r'\bid="', f'id="f{number}-', content)
    content = content.replace("url(#", f"url(#f{number}-").replace('href="#', f'href="#f{number}-')
    content = content.replace("#000000", "currentColor").replace("fill: #ffffff", "fill: none")
    content = re.sub(
        r"font: ([^\"]*?)px [^;\"]*", r"font-size: \1px; font-family: inherit", content
    )
    for place, color in enumerate(COLORS):  # the page has lighter ones for dark mode
        content = content.replace(color, f"var(--series-{place}, {color})")
    label = text.replace("&", "and").replace('"', "'").replace("<", " ")
    return re.sub(r"<svg ([^>]*)>", rf'<svg role="img" aria-label="{label}" \1>', content, count=1)


@contextlib.contextmanager
def _whatever_the_letters() -> Iterator[None]:
    """Within the block, a letter that Matplotlib's font lacks is no reason to warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        yield
