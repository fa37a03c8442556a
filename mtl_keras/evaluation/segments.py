"""Residuals by the size of the prediction: where predictions are too low or too high."""

import numpy as np
import pandas as pd

from mtl_keras.drawing.digits import apart, ranges
from mtl_keras.evaluation.predicted import Predicted

SEGMENTS = 10


def by_prediction(tested: Predicted) -> pd.DataFrame:
    """Return the residuals of a quantity by tenths of the rows, ordered by the prediction.

    Args:
        tested: Labels and predictions of a quantity, no label missing.

    Returns:
        A row per segment, fewer than ten if predictions are equal: `predicted` (their range, in
        words), `rows`, `mean_predicted`, `mean_actual`, `residual` (the mean of the label minus the
        prediction; positive if predictions are too low), `low` and `high` (its 95% interval; NaN
        if the rows do not determine one) and `mae`.

    Example:

    >>> from mtl_keras.tasks import Regression
    >>> predicted = np.arange(100.0)
    >>> by_prediction(Predicted(Regression("spend"), predicted + 2, predicted))["residual"].unique()
    array([2.])
    """
    (values,) = tested.task.named_predictions(tested.predicted).values()
    edges = np.unique(np.quantile(values, np.arange(1, SEGMENTS) / SEGMENTS))
    places = np.searchsorted(edges, values)
    rows = []
    for place, words in enumerate(ranges(apart(edges.tolist()))):
        inside = places == place
        if not inside.any():
            continue
        part = tested.at(inside)
        (residual,) = part.measured([tested.task.mean_residual])
        actual, answers = part.truth, np.asarray(values, float)[inside]
        low, high = residual.interval or (np.nan, np.nan)
        rows.append(
            {
                "predicted": words,
                "rows": int(inside.sum()),
                "mean_predicted": float(answers.mean()),
                "mean_actual": float(actual.mean()),
                "residual": residual.value,
                "low": low,
                "high": high,
                "mae": float(np.abs(actual - answers).mean()),
            }
        )
    return pd.DataFrame(rows)
