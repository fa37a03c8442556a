"""What pandas reads otherwise than a CSV file means it."""

import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import datasets
from mtl_keras.datasets import Stream
from mtl_keras.datasets.as_written import WORDS


@pytest.mark.parametrize("opened", [datasets.read, lambda path: Stream(path).read()])
def test_an_empty_cell_does_not_cost_long_numbers_their_last_digits(tmp_path, opened):
    (tmp_path / "x.csv").write_text(f"id,size\n{2**53 + 1},1e16\n,2.5\n")
    table = opened(tmp_path / "x.csv")
    assert table["id"].tolist()[0] == "9007199254740993" and table["size"].tolist() == [1e16, 2.5]


def test_codes_with_leading_zeros_stay_texts_and_numbers_stay_numbers(tmp_path):
    (tmp_path / "table.csv").write_text("zip,n,share\n00123,1,0.5\n10123,2,0.25\n,30,0\n")
    table = datasets.read(tmp_path / "table.csv")
    assert table["zip"].tolist()[:2] == ["00123", "10123"] and pd.isna(table["zip"].iloc[2])
    assert table["n"].tolist() == [1, 2, 30] and table["share"].tolist() == [0.5, 0.25, 0]


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["1.234", "999", "", "12.500"], ["1.234", "999", "", "12.500"]),
        (["1.000", "2.000"], ["1.000", "2.000"]),
        (["1.234", "0.500"], [1.234, 0.5]),
        (["1.234", "1.5"], [1.234, 1.5]),
        (["1.0", "007"], ["1.0", "007"]),
    ],
)
def test_thousands_with_points_in_a_file_with_semicolons_stay_as_written(tmp_path, cells, read):
    """1.234 is 1234 to a model that was trained on 1.234.567; pandas reads it as 1.234."""
    for delimiter in ";,":
        lines = [delimiter.join(("price", "code")), *(f"{cell}{delimiter}a" for cell in cells)]
        (tmp_path / "table.csv").write_text("\n".join(lines))
        table = datasets.read(tmp_path / "table.csv")
        if delimiter == ";" or "007" in cells:
            assert table["price"].fillna("").tolist() == read
        else:
            assert table["price"].dtype == float
    feature = mtl.features.Numeric("price").fit(pd.Series(["1.234.567", "2,5", None]))
    (tmp_path / "table.csv").write_text("price;code\n1.234;a\n999;b\n")
    table = datasets.read(tmp_path / "table.csv")
    assert feature.raw(table["price"]).tolist() == [1234, 999]


def test_cells_stay_as_they_are_where_that_is_asked_for(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n007,1.50\nNA,\n")
    table = datasets.read(tmp_path / "table.csv", as_texts=True)
    assert table.to_dict("list") == {"a": ["007", "NA"], "b": ["1.50", ""]}


def test_a_training_tells_which_words_count_as_missing(tmp_path):
    """`None` may be a plan and `NA` a country; in a column of numbers, they are gaps."""
    plans = ["None,NA,NA", "pro,DE,1.5", ",DE,2.5", "basic,FR,3.5"] * 20
    (tmp_path / "shop.csv").write_text("plan,country,y\n" + "\n".join(plans))
    told = "cells that count as missing: 'None' in 20 rows of plan, 'NA' in 20 rows of country."
    declared = {"tasks": {"plan": "multiclass", "y": "regression"}, "features": ["country"]}
    for streaming in (False, True):
        lines = []
        plan = mtl.Experiment(**declared, streaming=streaming)
        plan.prepare(tmp_path / "shop.csv", show=lines.append)
        assert sum(line.startswith(told) for line in lines) == 1
    several = datasets.Stream(tmp_path / "shop.csv").read()
    assert several.attrs[WORDS] == {"plan": {"None": 20}, "country": {"NA": 20}}
