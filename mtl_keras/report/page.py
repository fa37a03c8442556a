"""The report as one self-contained HTML page."""

from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import ENVIRONMENT
from mtl_keras.report.sections import SECTIONS


def report_page(content: Content) -> str:
    """`report.html`: what was trained, how good it is, what it depends on, how to use it.

    Args:
        content: The artifact's files.

    Returns:
        The page, HTML that needs no other file.

    Example:

    >>> from pathlib import Path
    >>> from mtl_keras.export import artifact
    >>> from mtl_keras.report import content
    >>> newest = artifact.latest(Path("saved_models/customers"))  # doctest: +SKIP
    >>> page = report_page(content(artifact.read_files(newest)))  # doctest: +SKIP
    """
    draw = Drawer()
    name = content.schema["name"]
    made = [section(content, draw) for section in SECTIONS]
    return ENVIRONMENT.get_template("report.html").render(
        title=f"{name}: report",
        heading=name,
        subheading=f"{_count(len(content.tasks), 'task')} from "
        f"{_count(len(content.schema['features']), 'feature')}, one model",
        sections=[section for section in made if section is not None],
        name=name,
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
