"""The page of a check: what has changed, and what its few rows cannot show."""

import re

import numpy as np
import pytest

from mtl_keras.evaluation.check import Check, column_change
from mtl_keras.evaluation.distribution import Distribution
from mtl_keras.report import check_page

BEFORE = np.arange(1000.0, 2000.0)


def checked(values):
    change = column_change("price", "numeric", Distribution.of(BEFORE), values)
    result = Check(len(values), [change], [], [])
    return result, check_page(result, result.alarms(), "shop", "new.csv")


@pytest.mark.parametrize(("rows", "few"), [(10, True), (1000, False)])
def test_a_page_says_what_few_rows_cannot_show(rows, few):
    result, page = checked(BEFORE[:: 1000 // rows])
    assert bool(result.limits) == few == ("Few rows." in page)
    assert result.limits in page and not result.alarms()


@pytest.mark.usefixtures("rendered")
def test_what_has_changed_is_drawn_with_numbers_that_can_be_read():
    result, page = checked(BEFORE + 900)
    assert result.alarms() == ["column price: major change"]
    assert "90% outside 1,000 to 1,999, now 1,900 to 2,899" in page
    labels = re.findall(r"<text[^>]*>([^<]+)</text>", page)
    assert "above 1,899" in labels and "e+03" not in page
