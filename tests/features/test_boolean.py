"""Truth values, and columns that hold none."""

import datetime

import pandas as pd
import pytest

from mtl_keras.errors import DataError
from mtl_keras.features import Boolean

DAYS = [datetime.date(2020, 1, day) for day in (1, 2)]


@pytest.mark.parametrize("values", [DAYS, [1 + 1j, 2j], [0, 2], ["a", "b", "c"]], ids=str)
def test_what_is_no_truth_value_is_named(values):
    with pytest.raises(DataError, match="Feature 'member' is boolean, but has the values"):
        Boolean("member").fit(pd.Series(values))
