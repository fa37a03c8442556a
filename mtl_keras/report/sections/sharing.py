"""What the tasks share."""

from mtl_keras.report import figures
from mtl_keras.report.content import Content
from mtl_keras.report.section import Section


def sharing(content: Content, draw: figures.Drawer) -> Section | None:
    """The weight of each source for each task, where the architecture has such weights."""
    shown = figures.sharing(content, draw)
    return Section("sharing", "Sharing", {"sharing": shown}) if shown else None
