"""The network."""

from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.structure import structure_figure


def model(content: Content, draw: Drawer) -> Section:
    """The network as boxes and arrows, and as a list."""
    names = [task.name for task in content.tasks]
    return Section(
        "model",
        "Model",
        {
            "parameters": content.metrics["parameters"],
            "graph": draw(
                f"The network: {len(content.structure)} runs of layers from the inputs to the "
                f"heads of {', '.join(names)}",
                figure=lambda: structure_figure(content.structure, names),
            ),
            "boxes": [
                {**box, "sources": [content.structure[s]["title"] for s in box["sources"]]}
                for box in content.structure
            ],
        },
    )
