"""Categories, in whatever type a table has them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from mtl_keras import datasets
from mtl_keras.features import Categorical, Text
from mtl_keras.tasks import Multiclass


def test_true_is_known_in_a_file_of_nothing_but_booleans(tmp_path):
    """As strings beside MAYBE, and as booleans without it."""
    trained = Categorical("sure", min_frequency=1).fit(pd.Series(["TRUE", "FALSE", "MAYBE"]))
    (tmp_path / "new.csv").write_text("sure\nTRUE\nFALSE\nTRUE\n")
    new = datasets.read(tmp_path / "new.csv")["sure"]
    assert new.dtype == bool and trained.raw(new).tolist() == ["TRUE", "FALSE", "TRUE"]
    assert not trained.unknown(trained.raw(new)).any()
    other = Categorical("sure", min_frequency=1).fit(new)
    assert other.raw(pd.Series(["TRUE", "false", "MAYBE"])).tolist() == ["True", "False", "MAYBE"]
    other = Categorical("sure", vocabulary=("True", "true"))
    assert other.raw(new).tolist() == ["True", "False", "True"]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_a_boolean_beside_the_number_that_equals_it_keeps_its_name(order):
    cells = pd.Series([True, 1, "1"], dtype=object).iloc[order]
    read = Categorical("x").raw(cells)
    assert read.tolist() == np.array(["True", "1", "1"])[order].tolist()
    decimals = pd.Series([Decimal(1), True, 0.0, False], dtype=object).iloc[[*order, 3]]
    assert Categorical("x").raw(decimals).tolist() == (
        np.array(["1", "True", "0", "False"])[[*order, 3]].tolist()
    )


def test_decimal_numbers_are_read_as_other_numbers():
    decimals = pd.Series([Decimal("1.00"), Decimal("2.50"), Decimal("1E+2"), None])
    assert Categorical("x").raw(decimals).tolist() == ["1", "2.5", "100", ""]
    table = pd.DataFrame({"y": [Decimal("2.00"), Decimal("10"), None]})
    assert Multiclass("y").fit(table).classes == (2, 10)


def test_a_number_as_a_text_is_the_same_beside_an_empty_cell():
    assert Text("title").raw(pd.Series([1984, 2001])).tolist() == ["1984", "2001"]
    assert Text("title").raw(pd.Series([1984.0, None])).tolist() == ["1984", ""]
