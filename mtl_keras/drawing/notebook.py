"""How results look as the output of a notebook's cell: small tables, without a script.

Colours are those of the notebook around them, so that they suit a dark page as well as a light one.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mtl_keras.drawing.digits import number

MOST_ROWS = 60
NUMBER = r"[-+]?[\d,.]*(?:e[-+]\d+)?%?|–"
STYLE = (
    "<style>"
    "div.mtl-keras{overflow-x:auto}"
    "div.mtl-keras table{border-collapse:collapse;margin:.4em 0;font-size:.92em}"
    "div.mtl-keras table th,div.mtl-keras table td{padding:.2em .8em;border:0;vertical-align:top;"
    "text-align:left!important;background:none;color:inherit;unicode-bidi:isolate}"
    "div.mtl-keras table th{font-weight:600;border-bottom:1px solid rgba(128,128,128,.5)}"
    "div.mtl-keras table td.number,div.mtl-keras table th.number{text-align:right!important;"
    "font-variant-numeric:tabular-nums}"
    "div.mtl-keras .quiet{opacity:.7}"
    "</style>"
)


def block(title: str, *parts: str) -> str:
    """The HTML of an object: a title, and parts that `table`, `facts` and `line` made.

    Example:

    >>> block("<b>", line("2 tasks")).partition("</style>")[2]
    '<p><b>&lt;b&gt;</b></p><p>2 tasks</p></div>'
    """
    heading = f"<p><b>{html.escape(title)}</b></p>"
    return f'<div class="mtl-keras">{STYLE}{heading}{"".join(parts)}</div>'


def line(text: Any, quiet: bool = False) -> str:
    """A line of text, in a weaker colour if it is `quiet`."""
    return f"<p{_class('quiet' if quiet else '')}>{html.escape(str(text))}</p>"


def facts(values: Mapping[str, Any]) -> str:
    """A table of two columns: what, and its value."""
    rows = [
        f'<tr><td class="quiet">{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>'
        for name, value in values.items()
    ]
    return f"<table>{''.join(rows)}</table>"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table with headings; numbers are at the right. Of many rows, the first 60.

    Example:

    >>> table(["task", "rows"], [("churned", 200)])
    '<table><tr><th>task</th><th class="number">rows</th></tr><tr><td>churned</td><td
    class="number">200</td></tr></table>'
    """
    rows = list(rows)
    numeric = [
        any(row[place] != "" for row in rows) and all(is_number(row[place]) for row in rows)
        for place in range(len(columns))
    ]
    kinds = [_class("number" if right else "") for right in numeric]
    head = "".join(f"<th{k}>{html.escape(str(name))}</th>" for k, name in zip(kinds, columns))
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{html.escape(cell(v))}</td>" for kind, v in zip(kinds, row))
        + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = len(rows) - MOST_ROWS
    note = line(f"and {more:,} more", quiet=True) if more > 0 else ""
    return f"<table><tr>{head}</tr>{body}</table>{note}"


def cell(value: Any) -> str:
    """A cell as text.

    Example:

    >>> [cell(value) for value in (0.51234, 23456.78, 1200, float("nan"), "yes")]
    ['0.512', '23,457', '1,200', '–', 'yes']
    """
    counts = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number(value) if counts else str(value)


def is_number(value: Any) -> bool:
    """Whether a cell belongs to the right: a number, one that is written, or nothing."""
    return isinstance(value, (int, float)) or re.fullmatch(NUMBER, str(value)) is not None


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
