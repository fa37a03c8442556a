"""The network, drawn and as a list."""

from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.structure import size, structure_figure


def model(content: Content, draw: Drawer) -> Section:
    """The network as boxes and arrows, and as a list."""
    names = [task.name for task in content.tasks]
    used = {} if content.metrics.get("network_weights") else content.metrics["best_epochs"]
    return Section(
        "model",
        "Network",
        {
            "parameters": content.metrics["parameters"],
            "epochs": [*map(str, sorted(set(used.values())))],
            "graph": draw.whole(
                "From the inputs to the heads",
                lambda: structure_figure(content.structure, names),
                note="Grey boxes serve several tasks; a coloured box serves only one.",
            ),
            "boxes": [
                {
                    **box,
                    "size": size(box),
                    "sources": [content.structure[s]["title"] for s in box["sources"]],
                }
                for box in content.structure
            ],
        },
    )
