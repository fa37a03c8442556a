"""A search with a fixed budget: many candidates trained briefly, the better ones longer."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from mtl_keras.drawing.digits import number

Losses = Mapping[str, float]


def successive_halving(
    candidates: Sequence[str],
    train: Callable[[Sequence[str], int], Iterable[tuple[str, Losses]]],
    rungs: Sequence[int] = (4, 12),
    keep: float = 1 / 3,
    show: Callable[[str], None] = print,
) -> tuple[str, pd.DataFrame]:
    """Return the candidate with the lowest validation losses; poor ones are dropped early.

    On each rung, every remaining candidate is trained from scratch for a number of epochs, and the
    better ones advance. A candidate's score is the mean over the tasks of its loss relative to the
    lowest loss of any candidate, minus 1, which makes losses of different tasks comparable.

    Args:
        candidates: Their names.
        train: Trains some of them for a number of epochs; yields the name of each and the
            validation loss of each task, in any order.
        rungs: Number of epochs on each rung. Default (4, 12).
        keep: Share of candidates that advance to the next rung, at least one. Default a third.
        show: A function that prints a line.

    Returns:
        The name of the best candidate, and a row for each trial (rung and candidate), with
        `epochs`, `candidate`, `score` (0 is best) and the loss of each task.

    References:
        Jamieson, Talwalkar: "Non-stochastic Best Arm Identification and Hyperparameter
        Optimization", AISTATS 2016.

    Example:

    >>> def train(names, epochs):
    ...     return [(name, {"x": {"a": 1.0, "b": 0.5}[name]}) for name in names]
    >>> successive_halving(["a", "b"], train, rungs=(1,), show=lambda line: None)[0]
    'b'
    """
    left = list(candidates)
    rows = []
    for rung, epochs in enumerate(rungs):
        losses = {}
        for name, found in train(left, epochs):
            losses[name] = found
            listed = ", ".join(f"{task} {number(value)}" for task, value in found.items())
            show(f"  {epochs} epoch{'s' * (epochs != 1)}, {name}: {listed}")
        table = pd.DataFrame({name: losses[name] for name in left}).T
        lowest = table.min()
        score = ((table - lowest) / lowest.abs().clip(lower=1e-9)).mean(axis=1).fillna(np.inf)
        for name in left:
            rows.append({"epochs": epochs, "candidate": name, "score": score[name], **losses[name]})
        count = 1 if rung == len(rungs) - 1 else max(1, round(len(left) * keep))
        left = list(score.sort_values(kind="stable").index[:count])
        if len(left) == 1:
            break
    return left[0], pd.DataFrame(rows)
