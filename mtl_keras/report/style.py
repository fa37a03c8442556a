"""One look for all figures."""

import io
from typing import Any

from matplotlib.figure import Figure

COLORS = ["#3366aa", "#cc6633", "#338855", "#aa3377", "#887722", "#666666"]
MUTED = "#8a8f98"


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
    """A figure as the content of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()
