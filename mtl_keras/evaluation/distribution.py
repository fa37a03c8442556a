"""The distribution of a column's values, and how much that of other rows differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import stats

from mtl_keras.tasks.groups import error_of_sum

BINS = 10  # bins of numbers
MOST_VALUES = 20  # categories; all others are counted together
MIN_ROWS = 5  # rows that a value needs to be stored by name
MODERATE, MAJOR = 0.1, 0.25
CHANCE = 0.999  # share of unchanged columns that are not reported as changed


@dataclass(frozen=True)
class Distribution:
    """Counts of a column's values: deciles of numbers, or the most frequent strings.

    A number that a tenth of the rows have is a bin of its own. Numbers between the one below it and
    itself were never seen, and have a bin together.

    It reveals nothing about single rows except for the smallest and the largest number.

    Attributes:
        counts: Number of rows: first without a value, then in each bin. For strings, the last bin
            is for all others; if there are `single` numbers, for those never seen.
        edges: For numbers: the edges between bins, ascending.
        values: For strings: the value of each bin but the last.
        low: The smallest number.
        high: The largest number.
        clustering: How many times more the counts vary by chance than those of independent rows,
            because rows of one group are alike. Default 1.0: they are independent.
        single: The edges that are the only number in the bin below them. Default: none.

    Example:

    >>> before = Distribution.of(np.arange(1000.0))
    >>> before.counts[:3], before.edges[:2]
    ((0, 100, 100), (99.9, 199.8))
    >>> round(before.stability_index(np.arange(1000.0)), 3)
    0.0
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...] | None = None
    values: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    clustering: float = 1.0
    single: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: np.ndarray, groups: np.ndarray | None = None) -> Self:
        """Return the distribution of numbers (NaN: missing) or strings (empty: missing).

        Args:
            values: The values, `(rows,)`.
            groups: The group of each row. Default None: no groups.
        """
        present = values[~missing(values)]
        if values.dtype == object:
            ranked = pd.Series(present, dtype=object).value_counts()
            ranked = sorted(ranked.items(), key=lambda item: (-item[1], str(item[0])))
            frequent = [str(value) for value, count in ranked[:MOST_VALUES] if count >= MIN_ROWS]
            empty = cls((), values=tuple(frequent))
        elif len(present):
            deciles = np.quantile(present, np.arange(1, BINS) / BINS)
            below, often = _frequent(present)
            edges = np.unique([*deciles, *below, *often])
            low, high = float(present.min()), float(present.max())
            single = tuple(often.astype(float).tolist())
            empty = cls((), tuple(edges.tolist()), low=low, high=high, single=single)
        else:
            empty = cls((), ())
        counts, clustering = empty.counted(values), empty.clustering_of(values, groups)
        return replace(empty, counts=counts, clustering=clustering)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> Self:
        """Return the inverse of `dataclasses.asdict`, with lists for tuples; ignore other keys."""
        own = {field.name: config[field.name] for field in fields(cls) if field.name in config}
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in own.items()
        }
        return cls(**plain)

    def counted(self, values: np.ndarray) -> tuple[int, ...]:
        """Return the counts of other values in the same bins."""
        number = 2 + len((self.edges if self.values is None else self.values) or ())
        number += bool(self.single)
        return tuple(np.bincount(self._bins(values), minlength=number).tolist())

    def _bins(self, values: np.ndarray) -> np.ndarray:
        """Return the bin of each value; 0 if it is missing."""
        without = missing(values)
        bins, present = np.zeros(len(values), int), values[~without]
        if self.values is None:
            edges, numbers = np.asarray(self.edges, float), present.astype(float)
            places = np.searchsorted(edges, numbers)
            above = np.append(edges, np.inf)[places]
            # Predictions of equal rows may differ by rounding.
            new = np.isin(above, self.single) & ~np.isclose(numbers, above, rtol=1e-6, atol=0)
            bins[~without] = 1 + np.where(new, len(edges) + 1, places)
        else:
            known = {value: place for place, value in enumerate(self.values, start=1)}
            others = len(self.values) + 1
            bins[~without] = pd.Series(present, dtype=object).map(known).fillna(others).to_numpy()
        return bins

    def clustering_of(self, values: np.ndarray, groups: np.ndarray | None) -> float:
        r"""Return the `clustering` of other values in the same bins: their mean design effect.

        With p the share of a bin among n rows, and $d_g$ the number of its rows in group g less p
        times all rows of g, the share varies by $\frac{G}{G - 1} \sum_g d_g^2 / n^2$ in place of
        $p (1 - p) / n$.

        References:
            Rao, Scott: "The Analysis of Categorical Data from Complex Sample Surveys", JASA 76,
            1981.

        Example:

        >>> before = Distribution.of(np.arange(100.0))
        >>> round(before.clustering_of(np.repeat(np.arange(100.0), 5), np.arange(500) // 5), 1)
        5.1
        """
        if groups is None:
            return 1.0
        bins, (codes, found) = self._bins(values), pd.factorize(groups)
        used = np.unique(bins)
        if min(len(found), len(used)) < 2:
            return 1.0
        insides = [bins == each for each in used]
        variances = [
            error_of_sum(inside - inside.mean(), codes, len(found)) ** 2 / inside.mean()
            for inside in insides
        ]
        return max(1.0, float(np.sum(variances) / len(bins) / (len(used) - 1)))

    def drawn(self, rows: int, random: np.random.Generator) -> np.ndarray:
        """Return random values of such a column; a tenth is missing and a tenth was never seen.

        Numbers are edges of bins or between them. Those never seen are far outside.

        Example:

        >>> column = Distribution.of(np.array(["a"] * 6 + ["b"] * 5, object))
        >>> sorted(set(column.drawn(100, np.random.default_rng(0))))
        ['', 'a', 'b', 'never seen']
        """
        odd = random.random(rows)
        shares = np.array(self.within, float) + 1e-9
        bins = random.choice(len(shares), rows, p=shares / shares.sum())
        if self.values is not None:
            texts = np.array([*self.values, "never seen"], object)[bins]
            texts[odd < 0.2] = "never seen"
            texts[odd < 0.1] = ""
            return texts
        low, high = self.low or 0.0, self.high or 0.0
        edges = np.array([low, *(self.edges or ()), high])
        within = np.where(random.random(rows) < 0.5, 0.0, random.random(rows))
        numbers = edges[bins] + within * (edges[bins + 1] - edges[bins])
        numbers[odd < 0.2] += random.choice([-10.0, 10.0], rows)[odd < 0.2] * (high - low + 1)
        numbers[odd < 0.1] = np.nan
        return numbers

    @property
    def within(self) -> tuple[int, ...]:
        """The counts of the bins between the edges, or of the values and all others."""
        return self.counts[1 : len(self.counts) - bool(self.single)]

    @property
    def missing(self) -> float:
        """Share of the rows without a value."""
        return self.counts[0] / max(1, sum(self.counts))

    def outside(self, values: np.ndarray) -> float:
        """Return the share of numbers below the smallest or above the largest; 0 for strings."""
        present = values[~missing(values)]
        if self.low is None or self.high is None or len(present) == 0:
            return 0.0
        return float(((present < self.low) | (present > self.high)).mean())

    def stability_index(self, values: np.ndarray) -> float:
        r"""Return the population stability index of values, $\sum_b (q_b - p_b) \ln(q_b / p_b)$.

        p and q are the shares of the bins here and in the other values, with half a row added to
        each bin, so that an empty one does not make the sum infinite. *Missing* is a bin.

        References:
            Siddiqi: "Credit Risk Scorecards", Wiley 2006: below 0.1 the population is stable, above
            0.25 it has changed.
        """
        return stability_index(self.counts, self.counted(values))

    def chance(self, rows: int, clustering: float = 1.0) -> float:
        r"""Return the index that one in 1,000 unchanged columns exceeds, for a number of rows.

        If n and m rows have the same distribution, the index in B bins is distributed as $(1/n +
        1/m) \chi^2_{B - 1}$. For few rows, it is large by chance alone. Rows of one group count as
        fewer: n and m are divided by their `clustering`. Of columns that are the same in all rows
        of a group, about one in 100 then exceeds it.

        Args:
            rows: Number of other rows.
            clustering: Their `clustering_of`. Default 1.0: they are independent.

        References:
            Yurdakul, Naranjo: "Statistical Properties of the Population Stability Index", Journal
            of Risk Model Validation 2020.
        """
        return self._quantile * (self.clustering / max(1, sum(self.counts)) + clustering / rows)

    def rows_to_see(self, index: float) -> float:
        """Return the number of rows, as alike as these, from which `chance` is at most an index.

        It is infinite if this distribution itself has too few rows.

        Example:

        >>> before = Distribution.of(np.arange(1000.0))
        >>> rows = before.rows_to_see(0.25)
        >>> round(rows), round(before.chance(rows), 3)
        (126, 0.25)
        """
        quantile = self._quantile * self.clustering
        left = index - quantile / max(1, sum(self.counts))
        return quantile / left if left > 0 else np.inf

    @property
    def _quantile(self) -> float:
        used = max(1, sum(count > 0 for count in self.counts) - 1)
        return float(stats.chi2.ppf(CHANCE, used))


def missing(values: np.ndarray) -> np.ndarray:
    """Return which values are missing: NaN or empty; with several numbers per row, any."""
    if values.dtype == object:
        return pd.Series(values).isin(["", b""]).to_numpy()
    return np.isnan(values.reshape(len(values), -1)).any(axis=1)


def _frequent(present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers that a tenth of the rows have, and before them those just below, if any.

    Such a number is a bin of its own. Otherwise, an edge that is one would have smaller ones in the
    same bin: if 95% of the rows were 1, nothing would change if all of them became 0.
    """
    numbers, counts = np.unique(present, return_counts=True)
    frequent = np.flatnonzero(counts >= len(present) / BINS)
    return numbers[frequent[frequent > 0] - 1], numbers[frequent]


def level(index: float, chance: float) -> str:
    """Return what an index means: `"major"`, `"moderate"`, or `"none"` if it may be chance.

    Example:

    >>> level(0.3, chance=0.05), level(0.3, chance=0.4)
    ('major', 'none')
    """
    if index <= max(MODERATE, chance):
        return "none"
    return "major" if index > MAJOR else "moderate"


def stability_index(then: Sequence[float], now: Sequence[float]) -> float:
    """Return the index of two counts of the same bins: see `Distribution.stability_index`.

    Example:

    >>> round(stability_index((90, 10), (900, 100)), 3), round(stability_index((90, 10), (1, 1)), 1)
    (0.0, 0.9)
    """
    p, q = (some / some.sum() for some in (np.asarray(then, float) + 0.5, np.asarray(now) + 0.5))
    return float(((q - p) * np.log(q / p)).sum())
