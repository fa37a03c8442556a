"""Docstrings of classes that also accept the arguments of their base classes."""

import inspect
import re

SECTIONS = ("Args", "Attributes", "Raises", "References", "Example")
INHERITED = ("Args", "Raises")


def complete(cls: type, root: type) -> None:
    """Add the arguments and errors of base classes to a class's docstring.

    An argument is described once, by the class that introduces it, and `help` shows it for all
    classes that have it. A class that describes an inherited argument itself keeps its own words.

    Args:
        cls: A class whose constructor takes all arguments of its base classes.
        root: The base class whose arguments are the last to be added.

    Example:

    >>> class Base:
    ...     '''A base.
    ...
    ...     Args:
    ...         unit: Unit of the labels.
    ...     '''
    >>> class Derived(Base):
    ...     '''A class.
    ...
    ...     Args:
    ...         name: Its name.
    ...     '''
    >>> complete(Derived, Base)
    >>> print(Derived.__doc__)
    A class.
    <BLANKLINE>
    Args:
        name: Its name.
        unit: Unit of the labels.
    """
    documented = inspect.cleandoc(vars(cls).get("__doc__") or "")
    if not documented:
        return
    bases = [base for base in reversed(cls.__mro__[1:]) if issubclass(base, root)]
    docstrings = [inspect.cleandoc(vars(base).get("__doc__") or "") for base in bases]
    cls.__doc__ = completed(documented, docstrings)


def completed(documented: str, bases: list[str]) -> str:
    """Return a docstring, completed by those of base classes, the topmost first."""
    for section in INHERITED:
        inherited: dict[str, str] = {}
        for base in bases:
            inherited |= entries(base, section)
        documented = _with_entries(documented, section, inherited)
    return documented


def entries(docstring: str, section: str = "Args") -> dict[str, str]:
    """Return the text for each name in a section of a docstring.

    Example:

    >>> entries("Args:\\n    a: One,\\n        two.\\n    b: Three.")
    {'a': 'One,\\n        two.', 'b': 'Three.'}
    """
    found = _found(docstring, section)
    if found is None:
        return {}
    return dict(re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", found[1], flags=re.MULTILINE))


def _with_entries(docstring: str, section: str, added: dict[str, str]) -> str:
    """Return a docstring with further entries in a section, which is added if there is none."""
    known = entries(docstring, section)
    lines = [f"    {name}: {text}" for name, text in added.items() if name not in known]
    if not lines:
        return docstring
    found = _found(docstring, section)
    if found is not None:
        return "\n".join([docstring[: found.end()], *lines]) + docstring[found.end() :]
    later = "|".join(SECTIONS[SECTIONS.index(section) + 1 :])
    following = re.search(rf"^(?:{later}):$", docstring, flags=re.MULTILINE)
    place = following.start() if following else len(docstring)
    parts = [docstring[:place].rstrip(), "\n".join([f"{section}:", *lines]), docstring[place:]]
    return "\n\n".join(part for part in parts if part)


def _found(docstring: str, section: str) -> re.Match[str] | None:
    return re.search(rf"^{section}:((?:\n    .*)+)", docstring, flags=re.MULTILINE)
