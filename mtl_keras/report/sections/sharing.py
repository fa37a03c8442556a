"""What the tasks share."""

from functools import partial

import pandas as pd

from mtl_keras.drawing.heat import heat_map
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section

MOST_FIGURES = 8


def sharing(content: Content, draw: Drawer) -> Section | None:
    """The weight of each source for each task, where the architecture has such weights."""
    table = pd.DataFrame(content.metrics["sharing"])
    if table.empty:
        return None
    places = {task.name: place for place, task in enumerate(content.tasks)}
    figures = []
    for title, unsorted in _alike(table)[:MOST_FIGURES]:
        wide = unsorted.loc[sorted(unsorted.index, key=lambda name: places.get(name, len(places)))]
        weights, sources, readers = wide.to_numpy(), list(wide.columns), list(wide.index)
        show = partial(heat_map, values=weights, columns=sources, rows=readers, signed=False)
        figures.append(draw(title, show))
    return Section("sharing", "Sharing", {"sharing": figures})


def _alike(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The weights by reader and source, with a title: gates over the same sources together."""
    of_sources: dict[tuple[str, ...], list[tuple[str, pd.DataFrame]]] = {}
    for layer, part in table.groupby("layer", sort=False):
        wide = part.pivot_table(index="reader", columns="source", values="weight", sort=False)
        of_sources.setdefault(tuple(wide.columns), []).append((str(layer), wide))
    found = []
    for same in of_sources.values():
        together = pd.concat([wide for _, wide in same])
        if len(same) > 1 and together.index.is_unique:
            found.append(("Gates of the tasks", together))
        else:
            found += same
    return found
