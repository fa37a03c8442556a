"""What the answers depend on."""

from mtl_keras.report import figures
from mtl_keras.report.content import Content
from mtl_keras.report.section import Section


def importance(content: Content, draw: figures.Drawer) -> Section | None:
    """The importance of the features, and how mean answers depend on some of them."""
    importances, dependences = figures.explained(content, draw)
    if not importances and not dependences:
        return None
    return Section(
        "importance", "Feature importance", {"importances": importances, "dependences": dependences}
    )
