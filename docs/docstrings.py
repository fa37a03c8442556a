"""Prepares docstrings for the reference: an extension of Griffe, which reads them from the files.

Docstrings are completed by those of base classes, as `mtl_keras.declaring.docstrings` does when
the package is imported, and examples become sections that Griffe knows.
"""

import textwrap
from collections.abc import Iterator
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
            member.docstring.value = _with_example(value)


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


def _with_example(docstring: str) -> str:
    """The example indented, under the heading that Google's style has for it."""
    text, heading, example = docstring.partition("\nExample:\n\n")
    if not heading:
        return docstring
    return f"{text}\nExamples:\n{textwrap.indent(example, '    ')}"
