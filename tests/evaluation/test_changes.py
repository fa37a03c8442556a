"""The changes of columns, in words."""

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
