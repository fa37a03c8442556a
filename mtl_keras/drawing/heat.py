"""Heat maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtl_keras.drawing.style import ink, short

MOST_NUMBERS = 150
MOST_LETTERS = 16


def heat_map(
    ax: Any,
    values: np.ndarray,
    columns: Sequence[str],
    rows: Sequence[str],
    signed: bool = True,
    limit: float = 1.0,
) -> None:
    """A table of numbers as colors, with the numbers written in if there are few.

    Args:
        ax: Matplotlib axes.
        values: The numbers, `(rows, columns)`; NaN: none, left blank.
        columns: Names of the columns.
        rows: Names of the rows.
        signed: Whether to show the sign: two colors, from `-limit` to `limit`; else one color, from
            0 or the lowest number to the highest. Default True.
        limit: The largest absolute value of a signed number. Default 1.0.
    """
    if signed:
        low, high = -limit, limit
    else:
        low, high = min(0.0, float(np.nanmin(values))), float(np.nanmax(values)) or 1.0
    decimals = 2 if high <= 0 else int(np.clip(1 - np.floor(np.log10(high)), 0, 6))
    decimals = 2 if 0.1 <= high < 10 else decimals
    image = ax.imshow(
        values, cmap="RdBu" if signed else "Blues", vmin=low, vmax=high, aspect="auto"
    )
    names = [short(name, MOST_LETTERS) for name in columns]
    ax.set_xticks(
        range(len(columns)), names, rotation=30, ha="right", rotation_mode="anchor", fontsize=8
    )
    ax.set_yticks(range(len(rows)), [short(name, MOST_LETTERS) for name in rows], fontsize=8)
    ax.grid(False)
    if values.size <= MOST_NUMBERS:
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            text = f"{value:z.{decimals}f}"
            look = {"fontsize": 8 if len(columns) <= 8 else 6, "color": ink(image.to_rgba(value))}
            ax.text(column, row, text, ha="center", va="center", **look)
