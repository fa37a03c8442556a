"""A bounded search: many candidates a short way, the better ones further."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd


def successive_halving(
    candidates: Mapping[str, Callable[[int], Mapping[str, float]]],
    rungs: Sequence[int] = (4, 12),
    keep: float = 1 / 3,
    show: Callable[[str], None] = print,
) -> tuple[str, pd.DataFrame]:
    """The candidate with the lowest validation losses, the worse ones given up early.

    On each rung every candidate left is trained anew for so many epochs; the better share goes on.
    Losses of different tasks are made comparable by the best candidate's: a candidate's score is
    the mean over the tasks of its loss above that, relative to it.

    Args:
        candidates: By name, a function from a number of epochs to the validation loss of each task.
        rungs: Epochs of each rung. Default (4, 12).
        keep: Share that goes on from one rung to the next, at least one. Default a third.
        show: A function that prints a line.

    Returns:
        The name of the best, and all that was tried: a row per rung and candidate, with `epochs`,
        `candidate`, `score` (0 is best) and the loss of each task.

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
            said = ", ".join(f"{task} {value:.4g}" for task, value in losses[name].items())
            show(f"  {epochs} epochs, {name}: {said}")
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
