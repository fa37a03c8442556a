"""Values of a category or group: when two are the same one."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtl_keras import features
from mtl_keras.datasets.categories import category_texts
from mtl_keras.datasets.lists import factorized
from mtl_keras.evaluation.explain import slices
from mtl_keras.evaluation.predicted import Predicted
from mtl_keras.tasks import Regression


@pytest.mark.parametrize("cells", [[True, 1, 1.0, False, 0], [1.0, True, 1, 0, False]])
def test_true_is_not_one_whatever_comes_first(cells):
    column = pd.Series([*cells, None], dtype=object)
    texts = category_texts(column)
    one_by_one = [category_texts(column[row : row + 1])[0] for row in column.index]
    assert texts.tolist() == one_by_one
    assert sorted({*texts}) == ["", "0", "1", "False", "True"]


def test_lists_and_decimals_remain_what_they_are():
    codes, values = factorized(pd.Series([1, [2, 3], True, [2, 3]], dtype=object))
    assert codes.tolist() == [0, 1, 2, 1] and values == [1, "[2, 3]", True]
    decimals = pd.Series([Decimal("3.00"), Decimal("12.5"), Decimal("NaN")], dtype=object)
    assert category_texts(decimals[:2]).tolist() == ["3", "12.5"]


SAME = [
    pd.Series([1, 2, None]),  # floats, as of a CSV file with an empty cell
    pd.Series([1, 2], dtype="int64"),
    pd.Series(["1.0", "2.0"]),
    pd.Series(["1", 2.0], dtype=object),
    pd.Series(["1.0", "2.0", "A"]),
]


@pytest.mark.parametrize("column", SAME, ids=lambda column: str(column.tolist()))
@pytest.mark.parametrize("known", [pd.Series([1, 2] * 9), pd.Series(["1.0", "2.0"] * 9)])
@pytest.mark.parametrize("kind", [features.Categorical, features.Boolean])
def test_a_whole_number_is_the_same_category_however_it_is_written(kind, known, column):
    if kind is features.Boolean:
        known = known.astype(str)
    fitted = kind("code").fit(known)
    read = fitted.layer()(tf.constant(fitted.raw(column)[:2]))
    usual = fitted.layer()(tf.constant(fitted.raw(known)[:2]))
    assert all(np.array_equal(read[group], usual[group]) for group in usual)


def test_strings_that_are_both_known_are_two_categories():
    fitted = features.Categorical("version").fit(pd.Series(["1", "1.0"] * 9))
    assert fitted.raw(pd.Series(["1", "1.0", "01.0"])).tolist() == ["1", "1.0", "01.0"]


def test_slices_are_of_categories():
    column = pd.Series([1.0, 1, "1", None, True], dtype=object)
    labels = np.arange(5.0)
    found = slices([Predicted(Regression("spend"), labels, labels + 1)], column)
    rows = found.drop_duplicates("value").set_index("value")["rows"]
    assert rows.to_dict() == {"1": 3, "missing": 1, "True": 1}
