"""Columns, periods, metrics and files in words, and how figures fill their rows."""

import re

import numpy as np
import pandas as pd
import pytest

from mtl_keras import datasets, features
from mtl_keras.drawing import digits
from mtl_keras.evaluation.distribution import Distribution, missing
from mtl_keras.report import about, columns, glossary, wording
from mtl_keras.report.about import periods
from mtl_keras.report.section import ENVIRONMENT


def test_only_columns_of_dates_have_a_period():
    kept = {"low": 1.0, "high": 9.0}
    read = [features.Text("note"), features.Numeric("age"), features.Date("seen")]
    found = periods(read, dict.fromkeys(("note", "age", "seen"), kept))
    assert found == ["1970-01-02 to 1970-01-10 (seen)"]


@pytest.mark.parametrize(
    ("values", "words", "bars"),
    [
        (np.array(["a"] * 6 + ["b"] * 9 + [""], object), ("b: 60%", "a: 40%"), 2),
        (np.r_[np.zeros(60), np.geomspace(1, 1e6, 40)], ("min 0", "median 0", "max 1,000,000"), 6),
        (np.r_[np.zeros(30), np.ones(60), np.nan], ("0: 33%", "1: 67%"), 2),
        (np.full(9, np.nan), (), 0),
        (np.array(["", ""], object), (), 0),
        (np.array([1.0] * 9 + [np.nan]), (), 0),
    ],
)
def test_a_column_in_a_chart_and_a_few_words(values, words, bars):
    found = columns.summary(Distribution.of(values), digits.apart)
    assert (found.words, found.chart.count("<rect")) == (words, bars)
    assert found.missing == pytest.approx(missing(values).mean())
    for width, height in re.findall(r'width="([\d.]+)" height="([\d.]+)"', found.chart):
        assert 0 < float(width) <= columns.WIDTH and 0 <= float(height) <= columns.HEIGHT


def test_a_page_names_files_without_their_folders():
    plan = 'path = ["/home/ann/a.csv", "../b.csv", "C:\\\\data\\\\c.csv"]\nunit = "km/h"\n'
    assert wording.without_folders(plan) == 'path = ["a.csv", "b.csv", "c.csv"]\nunit = "km/h"\n'


@pytest.mark.parametrize("count", range(1, 14))
def test_the_last_row_of_figures_is_filled(count):
    figures = ENVIRONMENT.get_template("macros.html").module.figures
    made = str(figures([{"caption": "one", "svg": "<svg/>"}] * count))
    halves = made.count('<figure class="half">')
    thirds = count - halves
    assert thirds % 3 == 0 and (halves % 2 == 0 or count == 1)


def test_every_metric_of_a_task_is_explained(run):
    names = {name for task in run.evaluation.tasks for name in task.scores}
    assert names <= glossary.MEANINGS.keys()


def test_a_table_read_from_a_file_has_its_name(tmp_path):
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "shop.csv", index=False)
    assert about.table(datasets.read(tmp_path / "shop.csv")) == "shop.csv"
    assert about.table(pd.DataFrame({"a": [1, 2]})) == "a DataFrame"
