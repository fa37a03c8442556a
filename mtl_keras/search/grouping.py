"""Which tasks should share a trunk, by how a step for each affects the others."""

from collections.abc import Iterator, Sequence

import numpy as np

EXHAUSTIVE = 9  # tasks: 21,147 partitions


def grouping(affinity: np.ndarray, names: Sequence[str]) -> list[list[str]]:
    """Return the partition of the tasks in which they help each other most.

    A task's score is the mean affinity of its group's other tasks onto it, 0 if it is alone; the
    partition with the highest sum of scores is taken. Up to 9 tasks, all partitions are tried; with
    more, the two groups whose union gains most are merged until no merger gains.

    Args:
        affinity: `(tasks, tasks)`, row i: how much each task gains from a step for i.
        names: Names of the tasks.

    Returns:
        Groups of names.

    Example:

    >>> together = np.array([[1.0, 0.4, -0.2], [0.3, 1.0, 0.0], [-0.3, -0.1, 1.0]])
    >>> grouping(together, ["a", "b", "c"])
    [['a', 'b'], ['c']]
    """
    count = len(names)
    if count <= EXHAUSTIVE:
        best = max(_partitions(list(range(count))), key=lambda groups: _score(affinity, groups))
    else:
        best = [[task] for task in range(count)]
        while len(best) > 1:
            joined = [
                [*(g for k, g in enumerate(best) if k not in (i, j)), sorted(best[i] + best[j])]
                for i in range(len(best))
                for j in range(i)
            ]
            candidate = max(joined, key=lambda groups: _score(affinity, groups))
            if _score(affinity, candidate) <= _score(affinity, best):
                break
            best = candidate
    return [[names[task] for task in group] for group in sorted(best)]


def _score(affinity: np.ndarray, groups: Sequence[Sequence[int]]) -> float:
    total = -1e-9 * len(groups)  # among equals, prefer the one that shares more
    for group in groups:
        for task in group:
            others = [other for other in group if other != task]
            if others:
                total += float(affinity[others, task].mean())
    return total


def _partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, *rest = items
    for groups in _partitions(rest):
        yield [[first], *groups]
        for number, group in enumerate(groups):
            yield [*groups[:number], [first, *group], *groups[number + 1 :]]
