"""What a model's predictions depend on, measured by changing the raw columns."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.categories import category_texts
from mtl_keras.evaluation.predicted import Predicted, by_task
from mtl_keras.features import Feature
from mtl_keras.tasks import Task

Predict = Callable[[pd.DataFrame], Mapping[str, np.ndarray]]

SHUFFLED_ROWS, SHUFFLES = 2000, 3  # of each feature, for its importance
CURVE_POINTS, CURVE_ROWS = 12, 300  # values of a curve, and rows that each is a mean over
MOST_SLICES = 12


def explanation(
    tasks: Sequence[Task],
    predict: Predict,
    table: pd.DataFrame,
    features: Sequence[Feature],
    seconds: float = 2.0,
) -> dict[str, Any]:
    """Return the features' importance, the dependence on the most important, and missing cells.

    Args:
        tasks: Fitted tasks.
        predict: A function from a table of raw columns to predictions by task.
        table: Held-out rows with labels.
        features: The features.
        seconds: Approximate time limit for measuring the importance. Default 2.0.

    Returns:
        JSON-serialisable values: `importance`, `dependence`, and the share of `missing` cells.
    """
    columns = list(map(str, table.columns))
    read = {feature.source: feature.reads(columns) for feature in features}
    importances = importance(tasks, predict, table, read, seconds=seconds)
    plain = {f.source: f for f in reversed(features) if f.shows_dependence}
    curves = []
    for task in tasks:
        top = importances[(importances["task"] == task.name) & importances["feature"].isin(plain)]
        for feature in top.loc[top["drop"] > 0, "feature"].head(2):
            curve = dependence(tasks, predict, table, plain[feature])
            curve[feature] = curve[feature].map(_plain)
            curves.append({"task": task.name, "curve": curve.to_dict("list")})
    return {
        "importance": importances.to_dict("records"),
        "dependence": curves,
        "missing": table.isna().mean().to_dict(),
    }


def importance(
    tasks: Sequence[Task],
    predict: Predict,
    table: pd.DataFrame,
    columns: Mapping[str, Sequence[str]],
    seconds: float,
) -> pd.DataFrame:
    """Return how much worse predictions get when a feature's values are shuffled among rows.

    Of a larger table, 2,000 rows are used. Each feature is shuffled three times.

    Args:
        tasks: Fitted tasks.
        predict: A function from a table of raw columns to predictions by task.
        table: Held-out rows with labels.
        columns: For each feature, the columns that it reads.
        seconds: Time after which no new shuffle is started; each feature gets at least one.

    Returns:
        A row per task and feature: `task`, `feature`, `measure`, `drop` (mean over the shuffles; in
        the unit of the measure, positive if the feature helps) and `sd`, sorted by `drop`.

    References:
        Breiman: "Random Forests", Machine Learning 45, 2001. Features with the same information
            share their importance, so that each may seem unimportant.
    """
    random, start = np.random.default_rng(0), time.perf_counter()
    if len(table) > SHUFFLED_ROWS:
        table = table.iloc[np.sort(random.permutation(len(table))[:SHUFFLED_ROWS])]
    truths = {task.name: task.truth(table) for task in tasks}
    base = _values(tasks, truths, predict(table))
    drops: dict[str, list[dict[str, float]]] = {feature: [] for feature in columns}
    for repeat in range(SHUFFLES):
        for feature, read in columns.items():
            if repeat and time.perf_counter() - start > seconds:
                break
            order = random.permutation(len(table))
            shuffled = table.copy()
            for column in read:
                shuffled[column] = table[column].to_numpy(copy=True)[order]
            shuffled.attrs = dict(table.attrs)
            values = _values(tasks, truths, predict(shuffled))
            drops[feature].append({t: base[t] - values[t] for t in base})
    rows = [
        {
            "task": task.name,
            "feature": feature,
            "measure": task.measure.name,
            "drop": float(np.mean([d[task.name] for d in each])),
            "sd": float(np.std([d[task.name] for d in each])),
        }
        for task in tasks
        for feature, each in drops.items()
    ]
    frame = pd.DataFrame(rows, columns=["task", "feature", "measure", "drop", "sd"])
    of_task = [frame[frame["task"] == task.name] for task in tasks]
    ranked = [part.sort_values("drop", ascending=False, kind="stable") for part in of_task]
    return pd.concat(ranked, ignore_index=True)


def dependence(
    tasks: Sequence[Task], predict: Predict, table: pd.DataFrame, feature: Feature
) -> pd.DataFrame:
    """Return the mean prediction if all rows have the same value of a feature.

    Up to 12 values are tried, each on the same 300 rows.

    Args:
        tasks: Fitted tasks.
        predict: A function from a table of raw columns to predictions by task.
        table: Rows to average over.
        feature: The feature whose column to vary: to quantiles of the numbers that it reads, or to
            the most frequent other values.

    Returns:
        A row per value, with the value in a column named like that of the feature, and the means of
        each task's `named_predictions`.

    References:
        Friedman: "Greedy Function Approximation", Annals of Statistics 29, 2001 (section 8.2).
    """
    random = np.random.default_rng(0)
    chosen = table.iloc[np.sort(random.permutation(len(table))[:CURVE_ROWS])]
    column, raw = table[feature.source], feature.raw(feature.select(table))
    present = np.flatnonzero(raw != "" if raw.dtype == object else ~np.isnan(raw))
    values, first, counts = np.unique(raw[present], return_index=True, return_counts=True)
    if raw.dtype == object or pd.api.types.is_bool_dtype(column):
        places = np.argsort(-counts, kind="stable")[:CURVE_POINTS]
    else:  # actual values, so that none is between two classes
        ranks = np.linspace(0.02, 0.98, CURVE_POINTS) * (len(present) - 1)
        places = np.unique(np.searchsorted(np.cumsum(counts), ranks.round(), side="right"))
        values = values.astype(str).astype(float)  # 1.6, not 1.600000023841858
    grid = list(column.iloc[present[first[places]]])
    shown = grid if pd.api.types.is_bool_dtype(column) else list(values[places])
    together = pd.concat([chosen] * len(grid))
    together[feature.source] = np.repeat(np.array(grid, object), len(chosen))
    together = together.infer_objects()
    together.attrs = dict(table.attrs)
    with warnings.catch_warnings():  # a value may be too rare for the vocabulary
        warnings.filterwarnings("ignore", ".*is known from the training rows")
        answers = predict(together)
    curves: dict[str, Any] = {feature.source: shown}
    for task in tasks:
        for name, values in task.named_predictions(np.asarray(answers[task.name])).items():
            curves[name] = values.reshape(len(grid), len(chosen)).mean(axis=1)
    return pd.DataFrame(curves)


def slices(tested: Sequence[Predicted], column: pd.Series) -> pd.DataFrame:
    """Return a model's scores on the rows with each of the 12 most frequent values of a column.

    Args:
        tested: Labels and predictions of each task, for all rows.
        column: The column; numbers are cut at their quartiles.

    Returns:
        A row per value and task: `value`, `task`, `rows`, `measure`, `score` with its 95%
        interval, `low` and `high`, and the score on `all` rows. Further rows have the mean residual
        of a quantity, and the scores of intervals or sets.
    """
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > MOST_SLICES:
        column = pd.qcut(column, 4, duplicates="drop")
    texts = category_texts(column)
    texts[texts == ""] = "missing"
    parts = []
    for value in pd.Series(texts).value_counts().index[:MOST_SLICES]:
        inside = texts == value
        for each in tested:
            task, regions = each.task, each.of_region
            residual = [task.mean_residual] if task.is_quantity else []
            judged = [(each, [task.measure, *residual])]
            if regions is not None:
                judged.append((regions, [*task.region_measures]))
            for rows, measures in judged:
                part, whole = rows.at(inside).labelled, rows.labelled
                for measure in measures if len(part) else ():
                    (found,) = part.measured([measure])
                    low, high = found.interval or (np.nan, np.nan)
                    parts.append(
                        {
                            "value": value,
                            "task": task.name,
                            "rows": found.rows,
                            "measure": measure.name,
                            "score": found.value,
                            "low": low,
                            "high": high,
                            "all": measure.value(whole.truth, whole.predicted),
                        }
                    )
    return pd.DataFrame(parts)


def _values(
    tasks: Sequence[Task], truths: Mapping[str, np.ndarray], predictions: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Return each task's measure, negated if lower is better."""
    values = {}
    for each in by_task(tasks, truths, predictions):
        rows, measure = each.labelled, each.task.measure
        value = measure.value(rows.truth, rows.predicted) if len(rows) else np.nan
        values[each.task.name] = value if measure.higher_is_better else -value
    return values


def _plain(value: Any) -> Any:
    """Return a cell for JSON: numbers and booleans unchanged, everything else as a string.

    Example:

    >>> [_plain(value) for value in (np.int64(3), None, pd.Interval(0, 1), "a")]
    [3, None, '(0, 1]', 'a']
    """
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
