"""What the predictions of a run depend on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.evaluation import explain
from mtl_keras.features import Feature
from mtl_keras.tasks import Task


def explanation(
    tasks: Sequence[Task],
    features: Sequence[Feature],
    predict: explain.Predict,
    rows: pd.DataFrame,
    seconds: float,
) -> dict[str, Any]:
    """Importance of the features, how the mean answer depends on the first, and the gaps.

    Args:
        tasks: Fitted tasks.
        features: Fitted features.
        predict: From a table of raw columns to predictions by task.
        rows: The test rows.
        seconds: About how long the shuffles of the importance may take.
    """
    columns = list(map(str, rows.columns))
    read = {feature.source: feature.reads(columns) for feature in features}
    importances = explain.importance(tasks, predict, rows, read, seconds=seconds)
    plain = {f.source for f in features if f.shows_dependence}
    curves = []
    for task in tasks:
        top = importances[(importances["task"] == task.name) & importances["feature"].isin(plain)]
        for feature in top.loc[top["drop"] > 0, "feature"].head(2):
            curve = explain.dependence(tasks, predict, rows, feature)
            curve[feature] = curve[feature].map(_plain)
            curves.append({"task": task.name, "curve": curve.to_dict("list")})
    return {
        "importance": importances.to_dict("records"),
        "dependence": curves,
        "missing": rows.isna().mean().to_dict(),
    }


def _plain(value: Any) -> Any:
    """A cell as JSON has it: numbers and booleans as they are, all else as a text.

    Example:

    >>> [_plain(value) for value in (np.int64(3), None, pd.Interval(0, 1), "a")]
    [3, None, '(0, 1]', 'a']
    """
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
