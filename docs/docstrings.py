"""Prepares docstrings for the reference: an extension of Griffe, which reads them from the files.

Docstrings are completed by those of base classes, as `mtl_keras.declaring.docstrings` does when
the package is imported, and examples become sections that Griffe knows.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

from mtl_keras.declaring.docstrings import completed

ROOTS = {"Architecture", "Backbone", "Balancer", "Declaration"}


class Docstrings(griffe.Extension):
    """Changes the docstrings of a package once it is read."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Called for each package."""
        documented = [member for member in _members(pkg) if member.docstring]
        values = [_completed(member) for member in documented]
        for member, value in zip(documented, values):
            member.docstring.value = _readable(value)


def _members(thing: griffe.Module | griffe.Class) -> Iterator[griffe.Object]:
    for member in thing.members.values():
        if not member.is_alias:
            yield member
            if member.is_module or member.is_class:
                yield from _members(member)


def _completed(member: griffe.Object) -> str:
    own = member.docstring.value
    if not member.is_class:
        return own
    bases = [base for base in member.mro() if base.docstring]
    if not ROOTS & {base.name for base in bases}:
        return own
    return completed(own, [base.docstring.value for base in reversed(bases)])


def _readable(docstring: str) -> str:
    """What Google's style does not know, as Markdown; and the example under its heading there."""
    text, heading, example = docstring.partition("\nExample:\n\n")
    text = re.sub(r"`?\bdocs/([\w/]+)\.md\b`?", _linked, text)
    text = re.sub(r"^References:\n((?:    .*\n?)+)", _references, text, flags=re.MULTILINE)
    text = re.sub(r"^(\w[^\n:]*: \S.*)((?:\n    \S.*)+)", _unindented, text, flags=re.MULTILINE)
    return f"{text}\nExamples:\n{textwrap.indent(example, '    ')}" if heading else text


def _linked(found: re.Match[str]) -> str:
    """A link to a page of the site, by the page's title; the reference is a folder below."""
    title = (Path(__file__).parent / f"{found[1]}.md").read_text(encoding="utf-8").split("\n")[0]
    return f"[{title.removeprefix('# ')}](../{found[1]}.html)"


def _references(found: re.Match[str]) -> str:
    linked = re.sub(r"https?://[^\s,]*[^\s,.;)]", r"<\g<0>>", textwrap.dedent(found[1]))
    return f"**References**\n\n{linked}"


def _unindented(found: re.Match[str]) -> str:
    """A paragraph whose second line is indented, which would be taken for a section."""
    return found[1] + found[2].replace("\n    ", "\n")
