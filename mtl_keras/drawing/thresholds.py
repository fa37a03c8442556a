"""Panels of what each threshold of a probability would give."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtl_keras.drawing import style
from mtl_keras.drawing.panels import Panel

Line = tuple[Sequence[float], Sequence[float]]


def against_threshold(
    title: str, lines: Mapping[str, Line], in_use: Sequence[float], what: str, caption: str
) -> Panel:
    """Lines over the threshold, with the thresholds in use marked.

    Args:
        title: The title.
        lines: By name, the thresholds and the values.
        in_use: The thresholds in use: one for all lines, or one for each.
        what: What the values are, for the axis.
        caption: How to read it.
    """

    def draw(ax: Any) -> None:
        looks = [style.line_style(number) for number in range(len(lines))]
        for (name, (x, y)), look in zip(lines.items(), looks):
            ax.plot(x, y, lw=1.8, label=style.short(name), **look)
        colors = [style.MUTED] if len(in_use) == 1 else [look["color"] for look in looks]
        for place, color in zip(in_use, colors):
            ax.axvline(place, color=color, lw=1.2, ls="--")
        ax.set(xlabel="decision threshold", ylabel=what)
        ax.set_ylim(bottom=0)
        if len(lines) > 1:
            style.legend(ax, len(lines))

    return Panel(title, draw, caption)
