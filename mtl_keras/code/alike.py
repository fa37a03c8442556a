"""What several pieces of code have in common, and where they differ."""

import re
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
    replaced,
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
        self._texts: list[Text] = []
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
        for parameter in self._found.values():
            self._settle(parameter)
        found = list(self._found.values())
        tensors = [p for p in found if isinstance(p.values[0], Variable)]
        if len(tensors) == 1:
            tensors[0].hint = "x"
        self.parameters = [*tensors, *(p for p in found if p not in tensors)]

    def _settle(self, parameter: Parameter) -> None:
        """Give a parameter the values that make the shortest code.

        The number of a layer is a part of its name, if only one layer has that name; a parameter
        that is a number within texts is a number.
        """
        texts = [each for each in self._texts if parameter in each.parts]
        if parameter.hint == "number" and parameter not in self._whole:
            parameter.values = tuple(Literal(int(value.value)) for value in parameter.values)
        if parameter.hint != "name" or parameter in self._whole or len(texts) != 1:
            return
        (text,) = texts
        if len(text.parts) == 2 and re.fullmatch(r"_\d+", str(text.parts[1])):
            parameter.values = tuple(Literal(v.value + text.parts[1]) for v in parameter.values)
            for statement in self.body:
                statement.value = replaced(statement.value, {text: parameter})

    def _common(self, values: Sequence[Any], label: str) -> Any:
        first = values[0]
        if all(isinstance(value, Variable) for value in values):
            return self._variable(values)
        if all(isinstance(v, Literal) and isinstance(v.value, str) for v in values):
            texts = [value.value for value in values]
            return first if len({*texts}) == 1 else self._text(texts, label)
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

    def _variable(self, values: Sequence[Variable]) -> Variable:
        inside = [own.get(value) for own, value in zip(self._inner, values)]
        if inside[0] is not None and len({*map(id, inside)}) == 1:
            return inside[0]
        if any(each is not None for each in inside):
            raise Differ
        return self._parameter(_common_hint(values), tuple(values))

    def _text(self, texts: Sequence[str], kind: str) -> Any:
        parts: list[Any] = []
        parted = _parted(texts, self._words)
        whole = kind if len(parted) == 1 and kind != "x" else "name"
        for different in parted:
            if isinstance(different, str):
                parts.append(different)
                continue
            label = "task" if {*different} <= {*self._words} else whole
            label = "number" if all(text.isdigit() for text in different) else label
            parts.append(self._parameter(label, tuple(map(Literal, different))))
        if len(parts) > 1:
            self._texts.append(Text(tuple(parts)))
            return self._texts[-1]
        self._whole.add(parts[0])
        return parts[0]

    def _parameter(self, label: str, values: tuple[Any, ...]) -> Parameter:
        key = tuple(map(id, values)) if isinstance(values[0], Variable) else values
        return self._found.setdefault(key, Parameter(label, values))


def _parted(texts: Sequence[str], words: Collection[str] = ()) -> list[Any]:
    """What texts have in common, word by word, and lists of what is different between.

    Example:

    >>> _parted(["churned_tower_1", "spend_tower_1"])
    [['churned', 'spend'], '_tower_1']
    >>> _parted(["level_1_spend_gate", "level_2_churned_gate"], words=["churned", "spend"])
    ['level_', ['1', '2'], '_', ['spend', 'churned'], '_gate']
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
    inner = [row[start : len(row) - end] for row in rows]
    parts: list[Any] = [["_".join(row) for row in inner]]
    if len({*map(len, inner)}) == 1 and len(inner[0]) > 1:
        columns = [list(column) for column in zip(*inner)]
        if all(_is_one_thing(column, words) for column in columns):
            parts = []
            for column in columns:
                parts += ["_", column if len({*column}) > 1 else column[0]]
            parts.pop(0)
    parts = [part for part in (before, *parts, after) if part != ""]
    joined: list[Any] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _is_one_thing(column: Sequence[str], words: Collection[str]) -> bool:
    """Whether the words are all the same, all numbers, or all tasks."""
    return len({*column}) == 1 or {*column} <= {*words} or all(map(str.isdigit, column))


def _common_hint(targets: Sequence[Variable]) -> str:
    """The words that the hints of several variables have in common."""
    hints = [target.hint for target in targets]
    if len({*hints}) == 1:
        return hints[0]
    words = "_".join(part for part in _parted(hints) if isinstance(part, str)).split("_")
    return "_".join(word for word in words if word) or "x"
