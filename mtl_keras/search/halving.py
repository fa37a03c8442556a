"""A search with a fixed budget: many candidates trained briefly, the better ones longer."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd


def successive_halving(
    candidates: Mapping[str, Callable[[int], Mapping[str, float]]],
    rungs: Sequence[int] = (4, 12),
    keep: float = 1 / 3,
    show: Callable[[str], None] = print,
) -> tuple[str, pd.DataFrame]:
    """The candidate with the lowest validation losses; bad candidates are dropped early.

    On each rung, every remaining candidate is trained from scratch for a number of epochs, and the
    better ones advance. A candidate's score is the mean over the tasks of its loss relative to the
    lowest loss of any candidate, minus 1, which makes losses of different tasks comparable.

    Args:
        candidates: By name, a function from a number of epochs to the validation loss of each task.
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

    >>> tried = {"a": lambda epochs: {"x": 1.0}, "b": lambda epochs: {"x": 0.5}}
    >>> successive_halving(tried, rungs=(1,), show=lambda line: None)[0]
    'b'
    """
    left = list(candidates)
    rows = []
    for rung, epochs in enumerate(rungs):
        losses = {}
        for name in left:
            losses[name] = candidates[name](epochs)
            listed = ", ".join(f"{task} {value:.4g}" for task, value in losses[name].items())
            show(f"  {epochs} epochs, {name}: {listed}")
        table = pd.DataFrame(losses).T
        lowest = table.min()
        score = ((table - lowest) / lowest.abs().clip(lower=1e-9)).mean(axis=1).fillna(np.inf)
        for name in left:
            rows.append({"epochs": epochs, "candidate": name, "score": score[name], **losses[name]})
        count = 1 if rung == len(rungs) - 1 else max(1, round(len(left) * keep))
        left = list(score.sort_values(kind="stable").index[:count])
        if len(left) == 1:
            break
    return left[0], pd.DataFrame(rows)
