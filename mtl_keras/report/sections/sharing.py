"""What the tasks share."""

from typing import Any

import pandas as pd

from mtl_keras.drawing.heat import heat_map
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section

MOST_LAYERS = 8


def sharing(content: Content, draw: Drawer) -> Section | None:
    """The weight of each source for each task, where the architecture has such weights."""
    table = pd.DataFrame(content.metrics["sharing"])
    if table.empty:
        return None
    figures = []
    for layer, part in list(table.groupby("layer", sort=False))[:MOST_LAYERS]:
        wide = part.pivot_table(index="reader", columns="source", values="weight", sort=False)

        def one(ax: Any, wide: Any = wide) -> None:
            heat_map(ax, wide.to_numpy(), list(wide.columns), list(wide.index), "", signed=False)

        figures.append(draw(str(layer), one))
    return Section("sharing", "Sharing", {"sharing": figures})
