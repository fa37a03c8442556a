"""What several pieces of code have in common, and where they differ."""

from collections.abc import Collection, Sequence
from typing import Any

from mtl_keras.code.expressions import (
    Call,
    Entries,
    Items,
    Literal,
    Name,
    Parameter,
    Spread,
    Statement,
    Text,
    Variable,
)


class Differ(Exception):
    """The pieces differ in more than values."""


class Template:
    """One piece of code for several that are alike, with parameters where they differ.

    Args:
        pieces: Runs of statements of the same length.
        words: Names of tasks: a parameter that stands for them is called `task`.

    Attributes:
        body: The statements, with parameters.
        parameters: The parameters; those for tensors first.

    Raises:
        Differ: if they differ in more than values.
    """

    def __init__(self, pieces: Sequence[Sequence[Statement]], words: Collection[str]) -> None:
        self._words = words
        self._found: dict[Any, Parameter] = {}
        self._whole: set[Parameter] = set()  # those that are a text by themselves somewhere
        inner: list[dict[Variable, Variable]] = [{} for _ in pieces]
        self._inner = inner
        self.body: list[Statement] = []
        for statements in zip(*pieces):
            value = self._common([statement.value for statement in statements], "x")
            targets = [Variable(_common_hint(t)) for t in zip(*(s.targets for s in statements))]
            for own, statement in zip(inner, statements):
                own.update(zip(statement.targets, targets))
            self.body.append(Statement(targets, value))
        found = list(self._found.values())
        for parameter in found:
            if parameter.hint == "number" and parameter not in self._whole:
                parameter.values = tuple(Literal(int(v.value)) for v in parameter.values)
        tensors = [p for p in found if isinstance(p.values[0], Variable)]
        self.parameters = [*tensors, *(p for p in found if p not in tensors)]

    def _common(self, values: Sequence[Any], label: str) -> Any:
        first = values[0]
        if all(isinstance(value, Variable) for value in values):
            return self._variable(values, label)
        if all(isinstance(v, Literal) and isinstance(v.value, str) for v in values):
            texts = [value.value for value in values]
            return first if len({*texts}) == 1 else self._text(texts)
        if all(isinstance(value, Literal) for value in values):
            same = all(type(v.value) is type(first.value) and v == first for v in values)
            return first if same else self._parameter(label, tuple(values))
        if len({type(value) for value in values}) > 1:
            raise Differ
        match first:
            case Name():
                if len({*values}) > 1:
                    raise Differ
                return first
            case Call():
                return self._calls(values)
            case Items():
                return Items(self._each([v.items for v in values], label), first.brackets)
            case Entries():
                keys = self._each([tuple(k for k, _ in v.items) for v in values], label)
                entries = self._each([tuple(e for _, e in v.items) for v in values], label)
                return Entries(tuple(zip(keys, entries)))
            case Spread():
                return Spread(self._common([v.value for v in values], label))
        raise Differ  # f-strings and comprehensions are of one place

    def _calls(self, calls: Sequence[Call]) -> Call:
        names = [name for name, _ in calls[0].keywords]
        if any([name for name, _ in call.keywords] != names for call in calls):
            raise Differ
        function = self._common([call.function for call in calls], "layer")
        labels = [*calls[0].labels, *["x"] * len(calls[0].arguments)]
        arguments = self._each([call.arguments for call in calls], "", labels)
        keywords = [
            (name, self._common([call.keywords[place][1] for call in calls], name))
            for place, name in enumerate(names)
        ]
        return Call(function, arguments, tuple(keywords), calls[0].labels)

    def _each(
        self, rows: Sequence[tuple[Any, ...]], label: str, labels: Sequence[str] = ()
    ) -> tuple[Any, ...]:
        if len({len(row) for row in rows}) > 1:
            raise Differ
        labels = labels or [label] * len(rows[0])
        return tuple(self._common(values, each) for values, each in zip(zip(*rows), labels))

    def _variable(self, values: Sequence[Variable], label: str) -> Variable:
        inside = [own.get(value) for own, value in zip(self._inner, values)]
        if inside[0] is not None and len({*map(id, inside)}) == 1:
            return inside[0]
        if any(each is not None for each in inside):
            raise Differ
        same = len({*map(id, values)}) == 1
        return self._parameter(values[0].hint if same else label, tuple(values))

    def _text(self, texts: Sequence[str]) -> Any:
        before, different, after = _parted(texts)
        if {*different} <= {*self._words}:
            label = "task"
        else:
            label = "number" if all(text.isdigit() for text in different) else "name"
        parameter = self._parameter(label, tuple(map(Literal, different)))
        if before or after:
            return Text(tuple(part for part in (before, parameter, after) if part != ""))
        self._whole.add(parameter)
        return parameter

    def _parameter(self, label: str, values: tuple[Any, ...]) -> Parameter:
        key = tuple(map(id, values)) if isinstance(values[0], Variable) else values
        return self._found.setdefault(key, Parameter(label, values))


def _parted(texts: Sequence[str]) -> tuple[str, list[str], str]:
    """What texts have in common at both ends, word by word, and what differs between.

    Example:

    >>> _parted(["churned_tower_1", "spend_tower_1"])
    ('', ['churned', 'spend'], '_tower_1')
    """
    rows = [text.split("_") for text in texts]
    most = min(map(len, rows)) - 1
    start = 0
    while start < most and len({row[start] for row in rows}) == 1:
        start += 1
    end = 0
    while end < most - start and len({row[-1 - end] for row in rows}) == 1:
        end += 1
    first = rows[0]
    before = "".join(f"{word}_" for word in first[:start])
    after = "".join(f"_{word}" for word in first[len(first) - end :])
    return before, ["_".join(row[start : len(row) - end]) for row in rows], after


def _common_hint(targets: Sequence[Variable]) -> str:
    """The words that the hints of several variables have in common."""
    hints = [target.hint for target in targets]
    if len({*hints}) == 1:
        return hints[0]
    before, _, after = _parted(hints)
    return f"{before}{after}".strip("_").replace("__", "_") or "x"
