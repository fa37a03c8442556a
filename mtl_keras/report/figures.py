"""Draws the figures of a page."""

from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from mtl_keras.drawing.figure import axes, svg
from mtl_keras.report.content import Content
from mtl_keras.report.prediction import task_panels
from mtl_keras.report.wording import capitalised
from mtl_keras.tasks import Task

WIDTH, HEIGHT = 4.0, 3.1  # inches, about as large as a page shows them, so that letters can be read


class Drawer:
    """Draws figures for one page; a figure that fails is replaced by its error message."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, caption: str, draw: Callable[[Any], None], note: str = "") -> dict[str, str]:
        """A figure of one plot as SVG, or why it could not be drawn.

        Args:
            caption: Its title, which the page writes above it; also the text alternative.
            draw: A function that draws on given axes, without a title.
            note: How to read it, in a sentence. Default none.
        """

        def figure() -> Figure:
            drawn, grid = axes(1, 1, WIDTH, HEIGHT)
            draw(grid[0, 0])
            return drawn

        return self.whole(caption, figure, note)

    def whole(self, caption: str, figure: Callable[[], Figure], note: str = "") -> dict[str, str]:
        """The same for a function that makes the whole figure."""
        self.number += 1
        made = {"caption": caption, "note": note}
        try:
            drawn = figure()
            made["width"] = f"{96 * drawn.get_figwidth():.0f}"  # pixels
            return {**made, "svg": svg(drawn, self.number, f"{caption}. {note}".rstrip(". "))}
        except Exception as error:  # a failing figure must not fail the run
            return {**made, "error": f"{type(error).__name__}: {error}"}


def panels(task: Task, content: Content, draw: Drawer) -> list[dict[str, str]]:
    """A task's predictions beside its labels, for a section that names the task."""
    try:
        shown = task_panels(task, content.truths[task.name], content.predictions[task.name])
    except Exception as error:  # as in Drawer
        return [{"caption": "Predictions", "note": "", "error": str(error)}]
    titles = [capitalised(panel.title.removeprefix(f"{task.name}: ")) for panel in shown]
    return [draw(title, panel.draw, note=panel.caption) for title, panel in zip(titles, shown)]
