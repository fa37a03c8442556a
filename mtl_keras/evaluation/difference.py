"""Whether one model is better than another: a difference, its uncertainty, and a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mtl_keras.evaluation.interval import resampled
from mtl_keras.tasks.groups import numbered
from mtl_keras.tasks.measures import Measure

LEVEL = 0.05
VERDICTS = ("helped", "no difference seen", "hurt")


@dataclass(frozen=True)
class Difference:
    """How much better one model is than another on a task.

    Attributes:
        gain: Difference between the models, averaged over seeds; positive if the first is better.
        low: Lower end of its 95% interval; NaN if a single row or group does not determine it.
        high: Upper end.
        p: Probability of as large a difference between models that are equal. Default NaN: about
            that of a normal distribution with this interval.

    Example:

    >>> Difference(gain=0.02, low=0.005, high=0.035).low > 0  # better beyond chance
    True
    """

    gain: float
    low: float
    high: float
    p: float = np.nan

    @property
    def chance(self) -> float:
        """`p`; 1 if no interval is known."""
        reach = (self.high - self.low) / 2
        if not np.isnan(self.p) or np.isnan(reach):
            return 1.0 if np.isnan(reach) else self.p
        if reach == 0:
            return float(self.gain == 0)
        return float(2 * stats.norm.sf(abs(self.gain) / reach * stats.norm.isf(LEVEL / 2)))

    @property
    def verdict(self) -> str:
        """`"helped"`, `"hurt"`, or `"no difference seen"` if the interval contains 0."""
        if self.low > 0:
            return VERDICTS[0]
        return VERDICTS[2] if self.high < 0 else VERDICTS[1]


def verdicts(differences: Mapping[str, Difference]) -> dict[str, str]:
    """Return the verdicts of several tasks, corrected for their number.

    Of 20 equal tasks, one would otherwise be helped or hurt by chance. By Holm's method, the
    probability that any of them is said to be is at most 5%: the smallest `p` of K must be below 5%
    / K, the next one below 5% / (K - 1), and so on.

    References:
        Holm: "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
        Statistics 6, 1979.

    Example:

    >>> gains = {"churned": Difference(0.02, 0.001, 0.039), "spend": Difference(0.0, -0.1, 0.1)}
    >>> gains["churned"].verdict, verdicts(gains)["churned"]
    ('helped', 'no difference seen')
    """
    beyond = beyond_chance([each.chance for each in differences.values()])
    return {
        name: each.verdict if number in beyond else VERDICTS[1]
        for number, (name, each) in enumerate(differences.items())
    }


def beyond_chance(chances: Sequence[float]) -> list[int]:
    """Return the places of the findings that are significant at 5% together, by Holm's method.

    Example:

    >>> beyond_chance([0.03, 0.5, 0.001])  # 0.001 <= 0.05 / 3, but 0.03 > 0.05 / 2
    [2]
    """
    found: list[int] = []
    for place in np.argsort(chances, kind="stable").tolist():
        if not chances[place] <= LEVEL / (len(chances) - len(found)):
            break
        found.append(place)
    return found


def difference(
    measure: Measure,
    truths: Sequence[np.ndarray],
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    draws: int = 300,
    seed: int = 0,
    groups: Sequence[np.ndarray | None] | None = None,
) -> Difference:
    r"""Return the gain of the first model over the second, with a bootstrap interval.

    Two things make the gain uncertain: the choice of test rows (a bootstrap over the test rows of
    each seed, the same rows for both models; rows of one group are drawn together), and the
    randomness of training (the spread over seeds). With $d_s$ the gain with seed s of S and $v_s$
    its variance over the bootstrap, the variance of the mean gain is estimated as
    $(\mathrm{var}_s(d_s) + \bar v) / S$. This counts the rows twice on purpose: seeds share most of
    their rows, so they contain less information than S independent samples. The interval is a
    Student interval whose degrees of freedom combine those of the two parts by Satterthwaite's
    formula, so that few seeds give a wide interval. If the test rows are the same for all seeds, as
    in a split by time or by a column, more seeds say no more about the choice of rows: the variance
    over the bootstrap is then that of the mean gain, with the same rows drawn for all seeds.

    Args:
        measure: The measure to compare the models by.
        truths: The labels of the test rows for each seed, none missing.
        first: The first model's predictions for these rows, for each seed.
        second: The second model's predictions, likewise.
        draws: Bootstrap samples per seed. Default 300.
        seed: Integer seed of the draws. Default 0.
        groups: The group of each row for each seed. Default None: each row is a group of its own.

    Returns:
        The gain, and its 95% interval.

    Example:

    >>> truth = np.array([0.0, 1.0] * 50)
    >>> good, poor = np.where(truth == 1, 0.9, 0.1), np.linspace(0.0, 1.0, 100)
    >>> from mtl_keras.tasks import Binary
    >>> gain = difference(Binary("churned").measure, [truth] * 2, [good] * 2, [poor] * 2)
    >>> gain.low > 0
    True
    """
    sign = 1.0 if measure.higher_is_better else -1.0
    random = np.random.default_rng(seed)
    same = all(np.array_equal(truth, truths[0], equal_nan=True) for truth in truths)
    gains, samples, units = [], [], []
    for truth, one, other, of_seed in zip(truths, first, second, groups or [None] * len(truths)):
        codes, count = (None, len(truth)) if of_seed is None else numbered(of_seed)
        if same:
            random = np.random.default_rng(seed)
        drawn = [
            measure.weighted(truth, one, weights) - measure.weighted(truth, other, weights)
            for weights in resampled(len(truth), draws, random, codes)
        ]
        gains.append(sign * (measure.value(truth, one) - measure.value(truth, other)))
        samples.append(np.concatenate(drawn))
        units.append(count)
    seeds = len(gains)
    mean = float(np.mean(gains))
    if same:
        of_rows, rows = float(np.nanvar(np.mean(samples, axis=0))), units[0]
    else:
        of_rows, rows = float(np.mean(np.nanvar(samples, axis=1))) / seeds, sum(units)
    of_seeds = float(np.var(gains, ddof=1)) / seeds if seeds > 1 else 0.0
    total = of_rows + of_seeds
    if total == 0:
        alone = mean != 0 and min(units) < 2  # a single row or group shows no spread
        return Difference(mean, np.nan, np.nan) if alone else Difference(mean, mean, mean)
    freedom = total**2 / (
        of_rows**2 / max(1, rows - 1) + (of_seeds**2 / (seeds - 1) if seeds > 1 else 0.0)
    )
    reach = float(stats.t.ppf(0.975, freedom)) * total**0.5
    p = float(2 * stats.t.sf(abs(mean) / total**0.5, freedom))
    return Difference(mean, mean - reach, mean + reach, p)
