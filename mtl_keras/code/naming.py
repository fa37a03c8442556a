"""Names for the variables of generated code."""

import builtins
import keyword
from collections.abc import Collection, Iterator, Mapping, Sequence

from mtl_keras.code.expressions import Parameter, Statement, Variable, variables


def names(
    statements: Sequence[Statement],
    taken: Collection[str],
    parameters: Sequence[Parameter] = (),
    results: Mapping[Variable, str] | None = None,
) -> dict[Variable, str]:
    """A name for each variable; one that is not read any more gives its name away.

    Args:
        statements: The statements, in their order.
        taken: Names that stand for something else.
        parameters: The parameters of the function that the statements are in. Default none.
        results: Variables that are read in the end. Default none.
    """
    last: dict[Variable, int] = {}
    for number, statement in enumerate(statements):
        for variable in variables(statement.value):
            last[variable] = number
    last |= dict.fromkeys(results or {}, len(statements))
    found: dict[Variable, str] = {}
    holders: dict[str, Variable] = {}

    def give(variable: Variable, number: int) -> None:
        for name in _candidates(variable.hint):
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


def _candidates(hint: str) -> Iterator[str]:
    """Names for a variable, the best first.

    Example:

    >>> import itertools
    >>> list(itertools.islice(_candidates("shared_2"), 3))
    ['shared', 'shared_2', 'shared_2_b']
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
    for letter in "bcdefghijklmnopqrstuvwxyz":
        yield f"{plain}_{letter}"
    for number in range(1, 100_000):
        yield f"{plain}_{number}x"
