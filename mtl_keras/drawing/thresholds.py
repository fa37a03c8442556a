"""Panels of what each threshold of a probability would give."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtl_keras.drawing import style
from mtl_keras.drawing.panels import MOST_IN_LEGEND, Panel

Line = tuple[Sequence[float], Sequence[float]]


def against_threshold(
    title: str,
    lines: Mapping[str, Line],
    in_use: Sequence[float],
    what: str = "",
    caption: str = "",
) -> Panel:
    """Lines over the threshold, with the thresholds in use marked.

    Args:
        title: The title.
        lines: By name, the thresholds and the values.
        in_use: The thresholds in use: one for all lines, or one for each.
        what: What the values are, for the axis. Default none.
        caption: The text alternative. Default: the title.
    """

    def draw(ax: Any) -> None:
        colors = (style.COLORS * len(lines))[: len(lines)]
        for (name, (x, y)), color in zip(lines.items(), colors):
            ax.plot(x, y, color=color, lw=1.8, label=name)
        alone = len(in_use) == 1
        for place, color in zip(in_use, [style.MUTED] if alone else colors):
            ax.axvline(place, color=color, lw=1.2, ls="--")
        ax.set(xlabel="threshold (dashed: in use)", ylabel=what)
        ax.set_ylim(bottom=0)
        if 1 < len(lines) <= MOST_IN_LEGEND:
            ax.legend(frameon=False, fontsize=8)

    return Panel(title, draw, caption)
