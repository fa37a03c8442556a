"""The correlation between tasks' residuals: what labels have in common beyond the features."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from mtl_keras.evaluation.predicted import Predicted
from mtl_keras.tasks.groups import error_of_sum, numbered

MOST_PER_TASK = 3
MOST = 12
MOST_ROWS = 20_000
FEWEST_ROWS = 20


def residual_correlation(tested: Sequence[Predicted]) -> pd.DataFrame:
    r"""Return the correlation of each pair of tasks' residuals, over the rows with both labels.

    If both predictions are right on average for all values of the features, residuals are
    uncorrelated unless the labels have more in common than the features explain. Chance explains a
    correlation up to $1.96 \sqrt{\mathrm{mean}(a^2 b^2) / n}$, with a and b the standardised
    residuals. This is more than $1.96 / \sqrt n$ if their sizes vary together. Rows of one group
    are alike in what the features do not tell, so that chance explains more: with $s_g$ the sum of
    a b in group g of G, up to $t_{G - 1} \sqrt{\frac{G}{G - 1} \sum_g s_g^2} / n$.

    Args:
        tested: Labels and predictions of each task, for the same rows.

    Returns:
        A row for each pair of at most 12 residuals: their names `first` and `second`, `rows`,
        `correlation`, and `chance`, the largest correlation that chance explains. Classes and
        labels have residuals of their own; if a task has more than three, those that vary most are
        used. Pairs within one task and pairs with fewer than 20 rows, or of one group, are left
        out;
        `attrs["left_out"]` says by task what is missing, and why.
    """
    left_out: dict[str, str] = {}
    ranked: list[tuple[int, int, str, np.ndarray]] = []
    tested = [each.at(slice(MOST_ROWS)) for each in tested]
    tasks = [each.task for each in tested]
    for place, (task, each) in enumerate(zip(tasks, tested)):
        named = task.residuals(each.truth, each.predicted)
        of_task = sorted(named.items(), key=lambda item: -_variance(item[1]))[:MOST_PER_TASK]
        if len(named) > MOST_PER_TASK:
            more = len(named) - MOST_PER_TASK
            left_out[task.name] = f"{more} of its {len(named)} residuals, which vary least"
        ranked += [(rank, place, *item) for rank, item in enumerate(of_task)]
    ranked = sorted(ranked, key=lambda each: each[:2])[:MOST]  # first the first of all tasks
    ranked = sorted(ranked, key=lambda each: each[1])
    groups = tested[0].groups if tested else None
    codes = None if groups is None else pd.factorize(groups)[0]
    pairs = [
        _pair(name, other, values, others, codes)
        for number, (_, place, name, values) in enumerate(ranked)
        for _, other_place, other, others in ranked[number + 1 :]
        if place != other_place
    ]
    columns = ["first", "second", "rows", "correlation", "chance"]
    found = pd.DataFrame([pair for pair in pairs if pair is not None], columns=columns)
    for place, task in enumerate(tasks if len(tasks) > 1 else ()):
        names = {name for _, at, name, _ in ranked if at == place}
        if not names & {*found["first"], *found["second"]}:
            few = f"fewer than {FEWEST_ROWS} rows have its label and another task's"
            why = f"residuals that are all the same, or {few}"
            left_out[task.name] = why if names else f"of many residuals, only {MOST} are shown"
    found.attrs["left_out"] = left_out
    return found


def _variance(values: np.ndarray) -> float:
    present = values[np.isfinite(values)]
    return float(present.var()) if len(present) else 0.0


def _pair(
    first: str, second: str, a: np.ndarray, b: np.ndarray, codes: np.ndarray | None
) -> tuple[str, str, int, float, float] | None:
    a, b = np.asarray(a, float), np.asarray(b, float)
    both = np.isfinite(a) & np.isfinite(b)
    rows = int(both.sum())
    if rows < FEWEST_ROWS or not np.ptp(a[both]) or not np.ptp(b[both]):
        return None
    a, b = ((values - values.mean()) / values.std() for values in (a[both], b[both]))
    chance = 1.96 * np.sqrt(np.mean(a**2 * b**2) / rows)
    if codes is not None:
        codes, number = numbered(codes[both])
        if number < 2:
            return None
        chance = stats.t.ppf(0.975, number - 1) * error_of_sum(a * b, codes, number) / rows
    return first, second, rows, float(np.mean(a * b)), float(chance)
