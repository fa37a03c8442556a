"""Names for the variables of generated code."""

import builtins
import itertools
import keyword
from collections.abc import Collection, Iterator, Sequence

from mtl_keras.code.expressions import Parameter, Statement, Variable, variables


def names(
    statements: Sequence[Statement],
    taken: Collection[str],
    parameters: Sequence[Parameter] = (),
    results: Collection[Variable] = (),
    local: bool = False,
) -> dict[Variable, str]:
    """A name for each variable; one that is not read any more gives its name away.

    Args:
        statements: The statements, in their order.
        taken: Names that stand for something else.
        parameters: The parameters of the function that the statements are in. Default none.
        results: Variables that are read in the end. Default none.
        local: Whether one word is enough, as within a function. Default False.
    """
    last: dict[Variable, int] = {}
    for number, statement in enumerate(statements):
        for variable in variables(statement.value):
            last[variable] = number
    last |= dict.fromkeys(results, len(statements))
    found: dict[Variable, str] = {}
    holders: dict[str, Variable] = {}

    def give(variable: Variable, number: int) -> None:
        for name in _candidates(_short(variable.hint) if local else variable.hint):
            holder = holders.get(name)
            free = holder is None or last.get(holder, -1) <= number
            if free and name not in taken and not keyword.iskeyword(name):
                found[variable], holders[name] = name, variable
                return

    for parameter in parameters:
        give(parameter, -2)
    for number, statement in enumerate(statements):
        for variable in variables(statement.value):
            if variable not in found:  # of a comprehension
                give(variable, number)
        for target in statement.targets:
            give(target, number)
    return found


def _short(hint: str) -> str:
    """The last word of a hint, or more, if that is a function of Python's.

    Example:

    >>> _short("level_2_expert_1"), _short("gate_input"), _short("sum")
    ('expert', 'gate_input', 'x')
    """
    words = [word for word in hint.split("_") if word and not word.isdigit()]
    for count in range(1, len(words) + 1):
        name = "_".join(words[-count:])
        if not hasattr(builtins, name):
            return name
    return "x"


def _candidates(hint: str) -> Iterator[str]:
    """Names for a variable, the best first.

    Example:

    >>> list(itertools.islice(_candidates("shared_2"), 3))
    ['shared', 'shared_2', 'shared_2_2']
    """
    words = [word for word in hint.split("_") if word]
    while words and words[0].isdigit():
        words.pop(0)
    plain = "_".join(words) or "x"
    if hasattr(builtins, plain):
        plain = f"{plain}_"
    short = "_".join(words[:-1]) if words and words[-1].isdigit() else ""
    if short and not hasattr(builtins, short):
        yield short
    yield plain
    yield from (f"{plain}_{number}" for number in itertools.count(2))
