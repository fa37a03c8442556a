"""Intervals and sets of several tasks that hold together with a stated probability."""

from collections.abc import Sequence

from mtl_keras.errors import ConfigError, check
from mtl_keras.tasks import Task


def covering_together(tasks: Sequence[Task], coverage: float | None) -> list[Task]:
    r"""Return the tasks with intervals or sets that jointly have a stated coverage.

    By Bonferroni's inequality: each of the K intervals misses its label with a probability of at
    most $(1 - coverage) / K$, so at least one of them misses with at most $1 - coverage$, however
    the tasks depend on each other. If their errors are independent, the level is nearly exact:
    three intervals of 0.9667 contain their labels jointly with 0.9033.

    Args:
        tasks: The tasks.
        coverage: The probability; None: the tasks stay as they are.

    Raises:
        ConfigError: if the coverage is not a probability, if a task has its own level, or if its
            kind has neither intervals nor sets.

    Example:

    >>> from mtl_keras.tasks import Binary, Count
    >>> covering_together([Binary("churned"), Count("orders")], 0.9)
    [Binary('churned', set=0.95), Count('orders', interval=0.95)]
    """
    if coverage is None:
        return list(tasks)
    good = isinstance(coverage, (int, float)) and 0 < coverage < 1
    check(good, "joint_coverage", "be a probability between 0 and 1, such as 0.9", coverage)
    for task in tasks:
        if task.nominal_coverage is not None:
            raise ConfigError(
                f"`joint_coverage` gives every task its interval or set, but task {task.name!r} "
                "declares one of its own. Remove one of the two."
            )
    return [task.with_coverage(1 - (1 - coverage) / len(tasks)) for task in tasks]
