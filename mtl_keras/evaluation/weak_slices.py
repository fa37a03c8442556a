"""Slices of the rows, found in the data, that a model predicts worse than the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from mtl_keras.evaluation.difference import beyond_chance
from mtl_keras.evaluation.interval import measured
from mtl_keras.evaluation.predicted import Predicted
from mtl_keras.features import Feature
from mtl_keras.features.encoder import input_features, raw_columns
from mtl_keras.tasks.measures import Measure, labelled

BINS = 10  # cells of numbers
MOST_VALUES = 50  # cells of strings
MOST_ROWS = 20_000
FEWEST_ROWS = 30  # rows of a slice, in each half
FEWEST_GROUPS = 10  # of these rows, if rows of one group are not independent
LARGEST = 0.5  # a slice is at most this share of the rows
SUGGESTIVE = 2.0  # standard errors
MOST = 5  # slices to confirm for each task
COLUMNS = ("task", "feature", "value", "rows", "measure", "score", "low", "high", "elsewhere")


@dataclass(frozen=True)
class Cells:
    """A feature's values, grouped into cells.

    Attributes:
        feature: Its name.
        codes: The cell of each row. If there are missing values, the last cell is for them.
        ordered: Number of cells that have an order, so that adjacent ones form a range.
        words: A function from the first and last cell of a range to its name.
    """

    feature: str
    codes: np.ndarray
    ordered: int
    words: Callable[[int, int], str]


@dataclass(frozen=True)
class _Candidate:
    cells: Cells
    first: int
    last: int
    strength: float

    @property
    def inside(self) -> np.ndarray:
        return (self.cells.codes >= self.first) & (self.cells.codes <= self.last)


def _difference(inside: np.ndarray, losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean loss inside a slice minus that outside, for each row of weights."""
    columns = np.stack([inside * losses, inside, (1 - inside) * losses, 1 - inside], axis=1)
    total, rows, others, rest = (weights @ columns).T
    return total / rows - others / rest


DIFFERENCE = Measure("difference", False, _difference)


def feature_cells(features: Sequence[Feature], table: pd.DataFrame) -> list[Cells]:
    """Return the cells of all features with one number or string per row.

    Numbers are divided into tenths of the rows. For strings, the 50 most frequent values are cells.

    Args:
        features: Fitted features.
        table: The rows.

    Returns:
        The cells of each such feature, in the order of the features.

    Example:

    >>> from mtl_keras.features import Numeric
    >>> table = pd.DataFrame({"age": np.arange(20.0)})
    >>> (found,) = feature_cells([Numeric("age").fit(table["age"])], table)
    >>> found.feature
    'age'
    """
    raw, first = raw_columns(features, table), input_features(features)
    observed = {f.name: f.observed(raw[f.name]) for f in features if first[f.name] == f.name}
    return [
        _numbers(feature, values) if values.dtype.kind == "f" else _texts(feature.name, values)
        for feature in features
        if (values := observed.get(feature.name)) is not None
    ]


def weak_slices(
    tested: Sequence[Predicted],
    constants: Mapping[str, Mapping[str, np.ndarray]],
    cells: Sequence[Cells],
    seed: int = 0,
) -> pd.DataFrame:
    """Return values and ranges of features where predictions are worse, beyond chance.

    One half of the rows suggests slices: for each feature, the value or range of values where the
    mean loss is most standard errors above that of the other rows; of these, the five strongest
    that do not overlap much. The other half confirms those where the mean loss is larger as well,
    at a significance level of 5% for all slices of all tasks together (Holm 1979). If a model is
    equally good everywhere, the chance that any slice is returned is therefore 5%.

    Args:
        tested: Labels and predictions of each task. Those without a `Task.row_loss` have no slices.
        constants: For each task, its `Task.constants`.
        cells: The features' values in these rows.
        seed: Integer seed of the halves. Default 0.

    Returns:
        A row per slice, measured on the half of the rows that confirms: `task`, `feature`, `value`,
            `rows`, `measure` (`Task.row_loss`), `score` in the slice with its 95% interval, `low`
            and `high`, the score `elsewhere`, and that of the best `constant` in the slice, which
            shows whether its rows are harder for any model.

    References:
        Chung et al.: "Slice Finder: Automated Data Slicing for Model Validation", ICDE 2019. Holm:
        "A Simple Sequentially Rejective Multiple Test Procedure", Scand. J. Statistics 6, 1979.
    """
    random = np.random.default_rng(seed)
    found: list[dict[str, object]] = []
    chances: list[float] = []
    for of_task in tested:
        task, loss = of_task.task, of_task.task.row_loss
        if loss is None or loss.per_row is None:
            continue
        rows = np.flatnonzero(labelled(of_task.truth))
        rows = rows[np.sort(random.permutation(len(rows))[:MOST_ROWS])]
        if len(rows) < 4 * FEWEST_ROWS:
            continue
        some = of_task.at(rows)
        units = np.arange(len(rows)) if some.groups is None else pd.factorize(some.groups)[0]
        half = random.permutation(units.max(initial=-1) + 1)[units] % 2
        suggesting, confirming = rows[half == 0], rows[half == 1]
        losses, confirmed = np.full(len(of_task), np.nan), of_task.at(confirming)
        losses[rows] = loss.per_row(some.truth, some.predicted)
        for each in _suggested(cells, losses, suggesting):
            inside = each.inside[confirming].astype(float)
            if min(inside.sum(), len(inside) - inside.sum()) < FEWEST_ROWS:
                continue
            fewest = _fewest_units(inside == 1, confirmed.groups)
            if fewest < FEWEST_GROUPS:
                continue
            (gap,) = measured([DIFFERENCE], inside, losses[confirming], confirmed.groups)
            if gap.error:
                chances.append(float(stats.t.sf(gap.value / gap.error, fewest - 1)))
                row = _row(confirmed.at(inside == 1), loss, constants[task.name][loss.name])
                elsewhere = losses[confirming[inside == 0]].mean()
                words = each.cells.words(each.first, each.last)
                named = {"task": task.name, "feature": each.cells.feature, "value": words}
                found.append({**named, **row, "elsewhere": float(elsewhere)})
    kept = [found[place] for place in sorted(beyond_chance(chances))]
    return pd.DataFrame(kept, columns=[*COLUMNS, "constant"])


def _fewest_units(inside: np.ndarray, groups: np.ndarray | None) -> int:
    """Return the number of rows, or of their groups, inside or outside a slice, whichever is less.

    A standard error is only as well known as that of so few units.
    """
    if groups is None:
        return int(min(inside.sum(), (~inside).sum()))
    return min(pd.Series(groups[rows]).nunique() for rows in (inside, ~inside))


def _row(inside: Predicted, loss: Measure, constant: np.ndarray) -> dict[str, object]:
    (found,) = inside.measured([loss])
    low, high = found.interval or (np.nan, np.nan)
    return {
        "rows": len(inside),
        "measure": loss.name,
        "score": found.value,
        "low": low,
        "high": high,
        "constant": loss.constant_value(inside.truth, constant),
    }


def _suggested(
    cells: Sequence[Cells], losses: np.ndarray, rows: np.ndarray
) -> Iterator[_Candidate]:
    """Return the strongest candidates, at most one per feature, that do not overlap much."""
    strongest = [found for each in cells if (found := _strongest(each, losses, rows)) is not None]
    chosen: list[np.ndarray] = []
    for candidate in sorted(strongest, key=lambda each: -each.strength):
        inside = candidate.inside[rows]
        if all((inside & other).sum() < 0.5 * (inside | other).sum() for other in chosen):
            chosen.append(inside)
            yield candidate
        if len(chosen) == MOST:
            return


def _strongest(cells: Cells, losses: np.ndarray, rows: np.ndarray) -> _Candidate | None:
    """Return the cell or range whose mean loss is most standard errors above the others'.

    Sums over ranges are differences of cumulative sums; the standard error is Welch's.
    """
    codes, values = cells.codes[rows], losses[rows]
    number = int(cells.codes.max(initial=0)) + 1
    columns = (np.ones(len(rows)), values, values**2)
    sums = np.cumsum([np.bincount(codes, column, number) for column in columns], axis=1)
    sums = np.concatenate([np.zeros((3, 1)), sums], axis=1)
    first, last = np.triu_indices(number)
    possible = (first == last) | (last < cells.ordered)
    first, last = first[possible], last[possible]
    inside = sums[:, last + 1] - sums[:, first]
    means, errors = [], []
    for count, total, squares in (inside, sums[:, -1:] - inside):
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count
            means.append(mean)
            errors.append(np.maximum(squares / count - mean**2, 0.0) / count)
    with np.errstate(invalid="ignore", divide="ignore"):
        strength = (means[0] - means[1]) / np.sqrt(errors[0] + errors[1])
    good = (inside[0] >= FEWEST_ROWS) & (inside[0] <= LARGEST * len(rows)) & np.isfinite(strength)
    strength = np.where(good, strength, -np.inf)
    best = int(np.argmax(strength))
    if strength[best] < SUGGESTIVE:
        return None
    return _Candidate(cells, int(first[best]), int(last[best]), float(strength[best]))


def _numbers(feature: Feature, values: np.ndarray) -> Cells:
    present = ~np.isnan(values)
    edges = np.unique(np.quantile(values[present], np.arange(1, BINS) / BINS, method="lower"))
    codes = np.where(present, np.searchsorted(edges, values), len(edges) + 1)
    ordered = len(edges) + 1
    lowest = np.array([values[codes == n].min(initial=np.inf) for n in range(ordered)])
    highest = np.array([values[codes == n].max(initial=-np.inf) for n in range(ordered)])

    def words(first: int, last: int) -> str:
        if first == ordered:
            return "missing"
        ends = lowest[first : last + 1].min(), highest[first : last + 1].max()
        low, high = feature.format_observed([float(end) for end in ends])
        if low == high:
            return low
        if first == 0:
            return f"up to {high}"
        return f"{low} or more" if last == ordered - 1 else f"{low} to {high}"

    return Cells(feature.name, codes, ordered, words)


def _texts(feature: str, values: np.ndarray) -> Cells:
    codes, texts = pd.factorize(values)
    frequent = np.argsort(-np.bincount(codes, minlength=1), kind="stable")[:MOST_VALUES]
    places = np.full(len(texts), len(frequent))
    places[frequent] = np.arange(len(frequent))
    names = [*(str(texts[place]) or "missing" for place in frequent), "any other"]
    return Cells(feature, places[codes], 0, lambda first, last: names[first])
