"""Docstrings of classes that take the arguments of their base classes, too."""

import inspect
import re


def complete(cls: type, root: type) -> None:
    """Add to the `Args:` of a class those of its base classes, so that `help` shows all of them.

    An argument is described once, by the class that introduces it. A class that describes one of
    them anew keeps its own words.

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
    own = inspect.cleandoc(vars(cls).get("__doc__") or "")
    if not own:
        return
    inherited: dict[str, str] = {}
    for base in reversed(cls.__mro__[1:]):
        if issubclass(base, root):
            inherited |= entries(inspect.cleandoc(vars(base).get("__doc__") or ""))
    cls.__doc__ = with_entries(own, inherited)


def entries(docstring: str) -> dict[str, str]:
    """What a docstring says of each argument, as it stands there.

    Example:

    >>> entries("Args:\\n    a: One,\\n        two.\\n    b: Three.")
    {'a': 'One,\\n        two.', 'b': 'Three.'}
    """
    section = _section(docstring)
    if section is None:
        return {}
    return dict(re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section[1], flags=re.MULTILINE))


def with_entries(docstring: str, added: dict[str, str]) -> str:
    """A docstring with further arguments at the end of its `Args:`, those that it lacks."""
    known = entries(docstring)
    lines = [f"    {name}: {text}" for name, text in added.items() if name not in known]
    if not lines:
        return docstring
    section = _section(docstring)
    if section is not None:
        end = section.end()
        return "\n".join([docstring[:end], *lines]) + docstring[end:]
    following = re.search(r"^(?:Attributes|Raises|References|Example):", docstring, re.MULTILINE)
    place = following.start() if following else len(docstring)
    parts = [docstring[:place].rstrip(), "\n".join(["Args:", *lines]), docstring[place:]]
    return "\n\n".join(part for part in parts if part)


def _section(docstring: str) -> re.Match[str] | None:
    return re.search(r"^Args:((?:\n    .*)+)", docstring, flags=re.MULTILINE)
