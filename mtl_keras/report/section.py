"""A section of a page: a template, and the values that it shows."""

from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from mtl_keras.drawing import digits
from mtl_keras.report import wording

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("mtl_keras.report"),
    autoescape=jinja2.select_autoescape(["html"]),  # the model card is Markdown
    trim_blocks=True,
)
ENVIRONMENT.filters |= {
    "breakable": wording.breakable,
    "capitalised": wording.capitalised,
    "cell": wording.cell,
    "in_a_list": wording.in_a_list,
    "measure": wording.measure,
    "number": digits.number,
    "numbers": digits.numbers,
    "share": digits.share,
}


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Args:
        id: The name of its template in `templates/sections`, and its address on the page.
        title: Its heading, also in the list of sections. Empty: it has none.
        values: What the template shows.
    """

    id: str
    title: str
    values: dict[str, Any]

    def __html__(self) -> Markup:
        """The section as HTML, without its heading."""
        return Markup(ENVIRONMENT.get_template(f"sections/{self.id}.html").render(self.values))
