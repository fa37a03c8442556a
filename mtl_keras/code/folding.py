"""Repeated statements become functions, and numbered ones lists."""

from collections.abc import Collection, Sequence
from typing import Any

from mtl_keras.code.alike import Differ, Template
from mtl_keras.code.expressions import (
    WIDTH,
    Call,
    Comprehension,
    Function,
    Items,
    Literal,
    Name,
    Spread,
    Statement,
    Variable,
    flat,
    mapped,
    replaced,
    variables,
)
from mtl_keras.declaring.naming import snake_case

LONGEST = 40  # statements of a function
MOST_PARAMETERS = 5


def folded(
    statements: Sequence[Statement], kept: Collection[Variable], words: Collection[str]
) -> tuple[list[Statement], list[Function]]:
    """The same code in fewer lines: functions for what is repeated, lists for what is numbered.

    Runs of statements that differ in values alone become calls of one function if that saves
    lines, the shortest runs first, so that longer functions call shorter ones.

    Args:
        statements: The statements, each of which reads earlier ones only.
        kept: Variables that are read later.
        words: Names of tasks.
    """
    code, functions = listed(list(statements), kept), list[Function]()
    while (best := _best(code, kept, words)) is not None:
        template, places, length = best
        function = Function(_name(template, functions), template.parameters, template.body)
        functions.append(function)
        for number, start in reversed(list(enumerate(places))):
            given = [parameter.values[number] for parameter in function.parameters]
            last = code[start + length - 1]
            labels = tuple(parameter.hint for parameter in function.parameters)
            call = Call(Name(function.name), tuple(given), (), labels)
            code[start : start + length] = [Statement(last.targets, call, last.section)]
        code = listed(code, kept)
    return code, functions


def _best(
    code: Sequence[Statement], kept: Collection[Variable], words: Collection[str]
) -> tuple[Template, list[int], int] | None:
    """The shortest run of statements that saves lines as a function, and where it stands."""
    uses: dict[Variable, list[int]] = {variable: [len(code)] for variable in kept}
    for number, statement in enumerate(code):
        for variable in variables(statement.value):
            uses.setdefault(variable, []).append(number)
    shapes = [_shape(statement.value) for statement in code]
    lines = [_lines(statement) for statement in code]
    found: list[tuple[int, int, list[int]]] = []
    for length in range(2, min(LONGEST, len(code) // 2) + 1):
        alike: dict[Any, list[int]] = {}
        for start in range(len(code) - length + 1):
            if _is_whole(code, uses, start, length):
                alike.setdefault(tuple(shapes[start : start + length]), []).append(start)
        for starts in alike.values():
            places: list[int] = []
            for start in starts:
                if not places or start >= places[-1] + length:
                    places.append(start)
            inside = sum(lines[places[0] : places[0] + length]) if places else 0
            saved = (len(places) - 1) * inside - len(places) - 1
            if len(places) > 1 and saved > 0:
                found.append((saved, length, places))
    while found:
        whole = [each for each in found if not any(_within(each, other) for other in found)]
        for _, length, places in sorted(whole, key=lambda each: (each[1], -each[0])):
            try:
                template = Template([code[p : p + length] for p in places], words)
            except Differ:
                continue
            if len(template.parameters) <= MOST_PARAMETERS:
                return template, places, length
        found = [each for each in found if each not in whole]
    return None


def _within(one: tuple[int, int, list[int]], other: tuple[int, int, list[int]]) -> bool:
    """Whether each place of a run is within one of the places of a longer run."""
    (_, length, places), (_, longer, elsewhere) = one, other
    if longer <= length or len(elsewhere) < len(places):
        return False
    return all(
        any(p <= place and place + length <= p + longer for p in elsewhere) for place in places
    )


def _is_whole(
    code: Sequence[Statement], uses: dict[Variable, list[int]], start: int, length: int
) -> bool:
    """Whether nothing but the last statement of a run is read elsewhere, and nothing in vain."""
    run = code[start : start + length]
    if len({statement.section for statement in run}) > 1 or len(run[-1].targets) > 1:
        return False
    if any(statement.alone for statement in run):
        return False
    inside = [target for statement in run[:-1] for target in statement.targets]
    used = [uses.get(target, []) for target in inside]
    return all(places and max(places) < start + length for places in used)


class _Hints(dict[Variable, str]):
    def __missing__(self, variable: Variable) -> str:
        return variable.hint


def _lines(statement: Statement) -> int:
    """About how many lines a statement takes."""
    return 1 if len(flat(statement.value, _Hints())) < WIDTH - 20 else 3


def _shape(value: Any) -> Any:
    """What equal runs have in common for certain: which functions are called, with how many."""
    match value:
        case Call(function, arguments, keywords):
            names = tuple(name for name, _ in keywords)
            return (_shape(function), tuple(map(_shape, arguments)), names)
        case Items(items):
            return ("items", len(items))
        case Name(text):
            return text
    return type(value).__name__


def _name(template: Template, functions: Sequence[Function]) -> str:
    """The name of a function: what its result is called in all places, else the layer's class."""
    known = {function.name for function in functions}
    words = template.body[-1].targets[0].hint.split("_")
    while words and (words[-1].isdigit() or words[-1] == "x"):
        words.pop()
    while words and words[0].isdigit():
        words.pop(0)
    called = _called(template.body[0].value)
    if words:
        name = f"{'_'.join(words)}_block"
    elif (last := _called(template.body[-1].value)) in known:
        name = f"{last}s"
    elif len({statement.targets[0].hint for statement in template.body}) > 1:
        name = "trunk_block"
    else:
        name = f"{called}s" if called in known else f"{called}_block"
    number = 2
    while (numbered := name if number == 2 else f"{name}_{number - 1}") in known:
        number += 1
    return numbered


def _called(value: Any) -> str:
    while isinstance(value, Call):
        value = value.function
    return snake_case(value.text.split(".")[-1]) if isinstance(value, Name) else "layer"


# Lists


def listed(code: list[Statement], kept: Collection[Variable]) -> list[Statement]:
    """Statements that only make the numbered items of a list, as that list."""
    start = 0
    while start < len(code):
        group = _items_from(code, kept, start)
        if group is not None:
            statement, length = group
            code = [*code[:start], statement, *code[start + length :]]
        start += 1
    return code


def _items_from(
    code: Sequence[Statement], kept: Collection[Variable], start: int
) -> tuple[Statement, int] | None:
    length = 1
    shape = _shape(code[start].value)
    while start + length < len(code) and _shape(code[start + length].value) == shape:
        length += 1
    for count in range(length, 1, -1):
        made = _as_list(code, kept, start, count)
        if made is not None:
            return made, count
    return None


def _as_list(
    code: Sequence[Statement], kept: Collection[Variable], start: int, count: int
) -> Statement | None:
    run, rest = code[start : start + count], code[start + count :]
    targets = [statement.targets[0] for statement in run]
    if any(len(s.targets) > 1 for s in run) or {*targets} & {*kept}:
        return None
    together = Variable(_plural(targets[0].hint))
    changed = [(statement, _joined(statement.value, targets, together)) for statement in rest]
    if any({*variables(value)} & {*targets} for _, value in changed):
        return None  # read one by one
    if all(value is statement.value for statement, value in changed):
        return None
    try:
        template = Template([[statement] for statement in run], ())
    except Differ:
        return None
    varying = [p for p in template.parameters if len({*map(_identity, p.values)}) > 1]
    if len(varying) != 1 or isinstance(varying[0].values[0], Variable):
        return None
    (varying_one,) = varying
    numbers = [str(value.value) for value in varying_one.values]
    if numbers != [str(n) for n in range(1, count + 1)]:
        return None
    fixed = {p: p.values[0] for p in template.parameters if p is not varying_one}
    values = Call(Name("range"), (Literal(1), Literal(count + 1)))
    item = replaced(template.body[0].value, fixed)
    for statement, value in changed:
        statement.value = value
    return Statement([together], Comprehension(item, varying_one, values), run[0].section)


def _identity(value: Any) -> Any:
    return id(value) if isinstance(value, Variable) else value


def _joined(expression: Any, targets: Sequence[Variable], together: Variable) -> Any:
    """The expression with the list in place of its items."""
    if isinstance(expression, Items):
        items, count = expression.items, len(targets)
        for place in range(len(items) - count + 1):
            if list(items[place : place + count]) == list(targets):
                if len(items) == count:
                    return together
                return Items((*items[:place], Spread(together), *items[place + count :]))
    if isinstance(expression, Variable):
        return expression
    changed = mapped(expression, lambda part: _joined(part, targets, together))
    return expression if changed == expression else changed


def _plural(hint: str) -> str:
    words = [word for word in hint.split("_") if not word.isdigit()]
    return "_".join(words) + "s"
