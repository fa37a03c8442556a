"""The changes of columns, in words."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from mtl_keras.evaluation.check import column_change, score_change
from mtl_keras.evaluation.distribution import Distribution
from mtl_keras.evaluation.predicted import Predicted
from mtl_keras.features import Date
from mtl_keras.tasks import Multilabel


def test_the_range_of_a_column_of_dates_is_told_as_dates():
    days = pd.Series(pd.date_range("2024-01-01", "2024-03-31"))
    feature = Date("joined").fit(days)
    before = feature.observed(feature.raw(days))
    change = column_change(
        "joined", "date", Distribution.of(before), before + 60, shown=feature.format_observed
    )
    assert change.range == ("2024-01-01", "2024-03-31")
    assert "outside 2024-01-01 to 2024-03-31, now 2024-03-01 to 2024-05-30" in change.notes


def test_unknown_texts_in_the_place_of_rare_ones_are_an_alarm():
    """Both are in the bin of all others, whose share is as before."""
    rare = np.array([f"street {number}" for number in range(1000)], object)
    change = partial(column_change, "street", "categorical", Distribution.of(rare), rare)
    assert change(unknown=(0.2, 0.22)).level == "none"
    assert change(unknown=(0.2, 0.6)).level == "major"


def test_the_score_of_a_label_is_compared_with_that_of_the_same_label():
    """Without labels of the one that is hard to predict, a model seemed to have become better."""
    task = Multilabel("tags", labels=("easy", "hard"))
    truth = np.tile([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], (20, 1))
    predicted = np.column_stack([truth[:, 0] * 0.4 + np.arange(80) % 3 * 0.3, np.full(80, 0.5)])
    now = truth * [1.0, np.nan]
    change = score_change(Predicted(task, truth, predicted), Predicted(task, now, predicted))
    assert change is not None and change.then == pytest.approx(change.now)
    nothing = Predicted(task, np.full_like(truth, np.nan), predicted)
    assert score_change(Predicted(task, truth, predicted), nothing) is None
