"""Python expressions and statements as values, and their text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

WIDTH = 88
TAB = "    "


@dataclass(eq=False)
class Variable:
    """Something that a statement makes, to be named in the end.

    Attributes:
        hint: What it might be called: the name of the layer that makes it.
    """

    hint: str


@dataclass(eq=False)
class Parameter(Variable):
    """A parameter of a function that is written for several places.

    Attributes:
        values: What it is in each of these places.
    """

    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Literal:
    """A number, a text, a boolean or None."""

    value: Any


@dataclass(frozen=True)
class Text:
    """An f-string: texts, and variables between them."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Name:
    """Something that is imported or defined at the top, such as `layers.Dense`."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call; `labels` are the names of its positional arguments, as far as they are known."""

    function: Any
    arguments: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()
    labels: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Items:
    """A list, or a tuple in round brackets."""

    items: tuple[Any, ...]
    brackets: str = "[]"


@dataclass(frozen=True)
class Entries:
    """A dict."""

    items: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True)
class Spread:
    """`*value` among the items of a list."""

    value: Any


@dataclass(frozen=True)
class Comprehension:
    """`[item for variable in values]`."""

    item: Any
    variable: Variable
    values: Any


@dataclass(eq=False)
class Statement:
    """`targets = value`.

    Attributes:
        targets: What it makes.
        value: The expression.
        section: What it is part of. A function is made of statements of one section.
        alone: Whether it is not to become part of a function. Default False.
    """

    targets: list[Variable]
    value: Any
    section: Any = None
    alone: bool = False


@dataclass(eq=False)
class Function:
    """A function: `body`, whose last statement is what it returns."""

    name: str
    parameters: list[Parameter]
    body: list[Statement]


def mapped(expression: Any, change: Callable[[Any], Any]) -> Any:
    """The expression with `change` applied to each of its direct parts."""
    match expression:
        case Call(function, arguments, keywords, labels):
            named = tuple((name, change(value)) for name, value in keywords)
            return Call(change(function), tuple(map(change, arguments)), named, labels)
        case Items(items, brackets):
            return Items(tuple(map(change, items)), brackets)
        case Entries(items):
            return Entries(tuple((change(key), change(value)) for key, value in items))
        case Text(parts):
            return Text(tuple(p if isinstance(p, str) else change(p) for p in parts))
        case Spread(value):
            return Spread(change(value))
        case Comprehension(item, variable, values):
            return Comprehension(change(item), variable, change(values))
    return expression


def replaced(expression: Any, by: dict[Any, Any]) -> Any:
    """The expression with variables, or f-strings, replaced."""
    if isinstance(expression, (Variable, Text)) and expression in by:
        return by[expression]
    if isinstance(expression, Variable):
        return expression
    return mapped(expression, lambda part: replaced(part, by))


def variables(expression: Any) -> Iterator[Variable]:
    """The variables in an expression, in the order of its text, each as often as it is there."""
    if isinstance(expression, Variable):
        yield expression
        return
    for part in _parts(expression):
        yield from variables(part)


def _parts(expression: Any) -> list[Any]:
    """The direct parts of an expression."""
    found: list[Any] = []

    def note(part: Any) -> Any:
        found.append(part)
        return part

    mapped(expression, note)
    return found


# Their text


def flat(expression: Any, names: dict[Variable, str]) -> str:
    """An expression on one line.

    Example:

    >>> dense = Call(Name("layers.Dense"), (Literal(8),), (("activation", Literal("relu")),))
    >>> x = Variable("x")
    >>> flat(Call(dense, (x,)), {x: "features"})
    'layers.Dense(8, activation="relu")(features)'
    """
    match expression:
        case Variable():
            return names[expression]
        case Literal(str() as value):
            return quoted(value)
        case Literal(value):
            return repr(value)
        case Name(text):
            return text
        case Text(parts):
            return 'f"' + "".join(_part(part, names) for part in parts) + '"'
        case Spread(value):
            return f"*{flat(value, names)}"
        case Comprehension(item, variable, values):
            return f"[{flat(item, names)} for {names[variable]} in {flat(values, names)}]"
        case Call(function):
            return f"{flat(function, names)}({_inside(expression, names)})"
        case Items(items, brackets):
            comma = "," if brackets == "()" and len(items) == 1 else ""
            return f"{brackets[0]}{_inside(expression, names)}{comma}{brackets[1]}"
        case Entries():
            return f"{{{_inside(expression, names)}}}"
    raise TypeError(f"not an expression: {expression!r}")


def quoted(text: str) -> str:
    """A text as a Python literal, in double quotes where it can be.

    Example:

    >>> print(quoted("churned"), quoted('say "ah"'), quoted("it's"))
    "churned" 'say "ah"' "it's"
    """
    plain = repr(text)
    if plain.startswith("'") and '"' not in plain and "\\" not in plain:
        return f'"{plain[1:-1]}"'
    return plain


def _part(part: Any, names: dict[Variable, str]) -> str:
    if isinstance(part, str):
        return quoted(part)[1:-1].replace('"', '\\"').replace("{", "{{").replace("}", "}}")
    return f"{{{names[part]}}}"


def _inside(expression: Any, names: dict[Variable, str]) -> str:
    """What is between the brackets of a call, a list or a dict, on one line."""
    return ", ".join(start + flat(value, names) for start, value in _started(expression, names))


def _started(expression: Any, names: dict[Variable, str]) -> list[tuple[str, Any]]:
    """The values of a call, a list or a dict, each after the text that it starts with."""
    match expression:
        case Call(_, arguments, keywords):
            return [*(("", a) for a in arguments), *((f"{name}=", v) for name, v in keywords)]
        case Items(items):
            return [("", item) for item in items]
        case Entries(items):
            return [(f"{flat(key, names)}: ", value) for key, value in items]
    return []


def written(expression: Any, names: dict[Variable, str], before: str, after: str = "") -> str:
    """`before` and the expression, broken into lines where it is too long for one.

    Args:
        expression: The expression.
        names: The names of its variables.
        before: What stands before it on its line, with the line's indentation.
        after: What stands after it. Default nothing.
    """
    line = before + flat(expression, names) + after
    if len(line) <= WIDTH:
        return line
    indent = before[: len(before) - len(before.lstrip())]
    match expression:
        case Call(Call() as inner) if len(before + flat(inner, names)) >= WIDTH:
            tail = f"({_inside(expression, names)}){after}"
            return written(inner, names, before, tail)
        case Call(function):
            return _broken(expression, names, f"{before}{flat(function, names)}(", f"){after}")
        case Items(_, brackets):
            return _broken(expression, names, before + brackets[0], brackets[1] + after)
        case Entries():
            return _broken(expression, names, f"{before}{{", f"}}{after}")
        case Comprehension(item, variable, values):
            rows = [
                written(item, names, indent + TAB),
                written(values, names, f"{indent}{TAB}for {names[variable]} in "),
            ]
            return "\n".join([f"{before}[", *rows, f"{indent}]{after}"])
    return line


def _broken(expression: Any, names: dict[Variable, str], opening: str, closing: str) -> str:
    """A call, a list or a dict with what is between its brackets on lines of its own."""
    indent = opening[: len(opening) - len(opening.lstrip())]
    together = indent + TAB + _inside(expression, names)
    if len(together) <= WIDTH and not isinstance(expression, Entries):
        return "\n".join([opening, together, indent + closing])
    parts = _started(expression, names)
    rows = [written(value, names, indent + TAB + start, ",") for start, value in parts]
    return "\n".join([opening, *rows, indent + closing])
