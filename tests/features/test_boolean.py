"""Truth values, and columns that hold none."""

import datetime

import pandas as pd
import pytest

from mtl_keras.errors import DataError
from mtl_keras.features import Boolean


@pytest.mark.parametrize(
    ("trained", "cells", "read"),
    [
        (["No", "Yes"], ["yes", " NO ", True, False, 1.0, None], ["Yes", "No", "Yes", "No", "Yes"]),
        (["0", "1"], [1.0, 0, True, b"1", None], ["1", "0", "1", "1"]),
        (["false", "true"], [True, "FALSE", None], ["true", "false"]),
        (["a", "A"], ["a", "A", 1.0, None], ["a", "A", "1"]),
    ],
    ids=str,
)
def test_an_answer_is_read_however_it_is_written(trained, cells, read):
    fitted = Boolean("member").fit(pd.Series(trained * 3, dtype=object))
    found = fitted.raw(pd.Series(cells, dtype=object))
    assert found.tolist() == [*read, ""]
    assert fitted.unknown(found).tolist() == [text not in trained for text in read] + [False]


DAYS = [datetime.date(2020, 1, day) for day in (1, 2)]


@pytest.mark.parametrize("values", [DAYS, [1 + 1j, 2j], [0, 2], ["a", "b", "c"]], ids=str)
def test_what_is_no_truth_value_is_named(values):
    with pytest.raises(DataError, match="Feature 'member' is boolean, but has the values"):
        Boolean("member").fit(pd.Series(values))
