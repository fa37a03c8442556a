"""Figures: a grid of axes to draw on, and the finished figure as PNG or SVG."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import ScalarFormatter

from mtl_keras.drawing.style import COLORS, PAPER

COMMENTS = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
WHOLE = re.compile(r"(\D?)(\d{4,})")
DECIMALS = re.compile(r"(\d\.\d\d)\d+")


class Thousands(ScalarFormatter):
    """Ticks as the text around a figure writes numbers: `10,000`."""

    def __init__(self) -> None:
        super().__init__(useOffset=False)

    def __call__(self, x: float, pos: int | None = None) -> str:
        whole = WHOLE.match(text := super().__call__(x, pos))
        return text if whole is None else f"{whole[1]}{int(whole[2]):,}{text[whole.end() :]}"


def axes(columns: int, rows: int, width: float = 4.6, height: float = 3.5) -> tuple[Figure, Any]:
    """A figure with a grid of axes, drawn without the global state of pyplot."""
    layout = ConstrainedLayoutEngine(h_pad=0.08)  # titles keep away from the edge, and from labels
    figure = Figure(figsize=(width * columns, height * rows), layout=layout)
    grid = figure.subplots(rows, columns, squeeze=False)
    for ax in grid.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.locator_params(nbins=6)  # or ticks change while places are found for them
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
    _separate_thousands(figure)
    with _whatever_the_letters():
        save(figure, file, format="png", dpi=110)
    return file.getvalue()


def svg(figure: Figure, number: int, text: str) -> str:
    """A figure as SVG for a page, in the page's colours and fonts, with a text alternative.

    Args:
        figure: The figure.
        number: A number unique on the page, for the identifiers in the SVG.
        text: The text alternative: what the figure shows.
    """
    file = io.StringIO()
    _separate_thousands(figure)
    written = matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": str(number)})
    with written, _whatever_the_letters():
        save(figure, file, format="svg", transparent=True, metadata={"Date": None})
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
    content = content.replace(PAPER, f"var(--panel, {PAPER})")
    label = text.replace("&", "and").replace('"', "'").replace("<", " ")
    return re.sub(r"<svg ([^>]*)>", rf'<svg role="img" aria-label="{label}" \1>', content, count=1)


def save(figure: Figure, file: Any, **options: Any) -> None:
    """Write a figure to a file; options as of Matplotlib's `savefig`."""
    if options["format"] == "svg":
        _lay_out(figure)
    figure.savefig(file, **options)


def _lay_out(figure: Figure) -> None:
    """Lay the figure out for SVG, which `savefig` does by drawing all of it one time more."""
    layout = figure.get_layout_engine()
    if layout is None or not figure.axes:
        return
    FigureCanvasSVG(figure)  # whose letters have the widths that they will be written with
    dpi = figure.dpi
    layout.execute(figure)
    figure.dpi = dpi
    with matplotlib.rc_context(
        {"figure.autolayout": False, "figure.constrained_layout.use": False}  # or None is these
    ):
        figure.set_layout_engine(None)


def _separate_thousands(figure: Figure) -> None:
    """Write plain numbers at the ticks with commas; names and logarithms are left alone."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            if type(axis.get_major_formatter()) is ScalarFormatter:
                axis.set_major_formatter(Thousands())


@contextlib.contextmanager
def _whatever_the_letters() -> Iterator[None]:
    """Within the block, a letter that Matplotlib's font lacks is no reason to warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        yield
