"""The changes of columns, in words."""

from functools import partial

import numpy as np
import pandas as pd

from mtl_keras.evaluation.check import column_change
from mtl_keras.evaluation.distribution import Distribution
from mtl_keras.features import Date


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
