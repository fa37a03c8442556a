"""Splits: disjoint, complete, repeatable, and as declared."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import Split
from mtl_keras.datasets.categories import category_texts
from mtl_keras.datasets.keys import group_keys
from mtl_keras.errors import ConfigError, DataError

TABLE = pd.DataFrame(
    {
        "label": ["a"] * 150 + ["b"] * 48 + ["c"] * 1 + [None],
        "household": np.arange(200) // 4,
        "day": np.random.default_rng(0).permutation(200),
    }
)


@pytest.mark.parametrize(
    "split",
    [Split(stratify="label"), Split("group", column="household"), Split("time", column="day")],
    ids=lambda split: split.strategy,
)
def test_parts_are_disjoint_complete_and_repeatable(split):
    parts, again = split.parts(TABLE, seed=1), split.parts(TABLE, seed=1)
    rows = np.concatenate(list(parts.values()))
    assert sorted(rows) == list(range(200))
    assert all((parts[name] == again[name]).all() for name in parts)
    assert 35 <= len(parts["test"]) <= 45 and 25 <= len(parts["validation"]) <= 35


def test_stratified_shares_are_equal_and_a_class_of_one_row_is_told():
    parts = Split(stratify="label").parts(TABLE, seed=0)
    shares = [(TABLE["label"].iloc[rows] == "b").mean() for rows in parts.values()]
    assert max(shares) - min(shares) < 0.04
    told: list[str] = []
    declared = {"tasks": {"day": "regression"}, "split": {"stratify": "label"}}
    mtl.Experiment(**declared).prepare(TABLE, show=told.append)
    assert told[0] == (
        "2 of 200 rows have a value of 'label' that fewer than 4 rows have: they are split at "
        "random, not stratified"
    )


@pytest.mark.parametrize(
    ("values", "shares", "message"),
    [
        (np.arange(200) * 0.5, (0.15, 0.2), "'y': each of its values is in fewer than 4 of 200"),
        (np.arange(200) // 5, (0.15, 0.1), "'y': it has 40 values, and a part of 200 rows would"),
        (np.arange(200) // 5, (0.05, 0.3), "'y': it has .* values, and a part of 140 rows"),
        (np.arange(200) // 5, (0.05, 0.85), "would have 30. Choose a column of fewer values"),
    ],
)
def test_a_split_that_cannot_stratify_says_so(values, shares, message):
    """It was split at random without a word, or ended with an error of scikit-learn."""
    with pytest.raises(DataError, match=message):
        Split("random", *shares, stratify="y").parts(pd.DataFrame({"y": values}), 0)


def test_groups_stay_together_and_time_goes_forward():
    parts = Split("group", column="household").parts(TABLE, seed=0)
    groups = [set(TABLE["household"].iloc[rows]) for rows in parts.values()]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    mixed = pd.Series([[1, 1.0, "1", "1 "][row % 4] for row in range(200)], dtype=object)
    table = TABLE.assign(household=mixed.where(TABLE["household"] == 1, TABLE["household"]))
    again = Split("group", column="household").parts(table, seed=0)
    assert all(
        len({*map(float, table["household"].iloc[rows])}) * 4 == len(rows)
        for rows in again.values()
    )  # 1, 1.0 and "1" are one group
    padded = TABLE.assign(
        household=[f"{h}{' ' * (row % 2)}" for row, h in enumerate(TABLE["household"])]
    )
    again = Split("group", column="household").parts(padded, seed=0)
    assert all(
        len({*padded["household"].iloc[rows].str.strip()}) * 4 == len(rows)
        for rows in again.values()
    )
    parts = Split("time", column="day").parts(TABLE, seed=0)
    train, validation, test = (TABLE["day"].iloc[rows] for rows in parts.values())
    assert train.max() < validation.min() and validation.max() < test.min()


def test_rows_of_one_time_stay_together():
    table = pd.DataFrame({"year": np.random.default_rng(0).permutation(np.arange(100) // 20)})
    parts = Split("time", column="year").parts(table, seed=0)
    years = [sorted(table["year"].iloc[rows].unique()) for rows in parts.values()]
    assert years == [[0, 1, 2], [3], [4]]
    with pytest.raises(DataError, match="'year' has too few times to split into parts"):
        Split("time", column="year").parts(table // 3, seed=0)


def test_errors_say_what_to_do():
    with pytest.raises(ConfigError, match="Did you mean 'random'"):
        Split("randm")
    with pytest.raises(ConfigError, match=r"needs `split\.column`"):
        Split("time")
    with pytest.raises(ConfigError, match=r"'random' does not read.*'group'.*column='household'"):
        Split(column="household")  # whose rows would not be kept together
    with pytest.raises(ConfigError, match="leave rows to train on"):
        Split(validation=0.5, test=0.5)
    with pytest.raises(DataError, match="Did you mean 'label'"):
        Split(stratify="labl").parts(TABLE, 0)
    with pytest.raises(DataError, match="too few to split"):
        Split().parts(TABLE.head(2), 0)


DAYS = pd.date_range("2020-11-20", periods=60, freq="D")


@pytest.mark.parametrize(
    "written",
    [
        DAYS.strftime("%d.%m.%Y"),
        DAYS.strftime("%m/%d/%Y %H:%M"),
        DAYS.strftime("%Y-%m-%d"),
        DAYS.tz_localize("Europe/Paris"),
        [day.date() for day in DAYS],
        [str(number) for number in range(60)],
        [f"{number},000" for number in range(1, 61)],
    ],
    ids=["german", "american", "iso", "zoned", "objects", "numbers", "thousands"],
)
def test_time_goes_forward_however_it_is_written(written):
    order = np.random.default_rng(0).permutation(60)
    table = pd.DataFrame({"when": pd.Series(written).iloc[order].to_numpy(), "place": order})
    parts = Split("time", column="when").parts(table, seed=0)
    train, validation, test = (table["place"].iloc[rows] for rows in parts.values())
    assert train.max() < validation.min() and validation.max() < test.min()


def test_times_are_read_in_the_format_that_is_stated_for_the_feature():
    """All days are at most the twelfth, so that each could be the month."""
    days = [day for day in pd.date_range("2021-01-01", "2021-12-31") if day.day <= 12]
    table = pd.DataFrame({"day": [f"{day:%d/%m/%Y}" for day in days]})
    with_format = {"day": {"kind": "date", "format": "%d/%m/%Y"}}
    listed = [mtl.features.Date("moment", column="day", format="%d/%m/%Y")]
    for features in (with_format, listed):
        plan = mtl.Experiment({"y": "binary"}, features, split=Split("time", column="day"))
        for split in (plan.split, mtl.Experiment.from_dict(plan.to_dict()).split):
            assert split == Split("time", column="day", format="%d/%m/%Y")
            assert split.doubt(table) is None
            train, validation, test = split.parts(table, 0).values()
            assert train.max() < validation.min() and validation.max() < test.min()
    doubt = Split("time", column="day").doubt(table)
    assert doubt == (
        "split by time: '02/01/2021' is read as 2021-02-01; if it is 2021-01-02, state the "
        "`format` '%d/%m/%Y'"
    )
    with pytest.raises(ConfigError, match=r"`split.format` is the format of times, which strategy"):
        Split(format="%d/%m/%Y")


@pytest.mark.parametrize(
    ("strategy", "column", "message"),
    [
        ("time", ["2020-01-01"] * 19 + ["soon"], "must contain times.*'soon' in row 19"),
        ("time", ["2020-01-01"] * 19 + [3], "must contain times.*3 in row 19"),
        ("time", [1.0] * 19 + [None], "has no time in row 19"),
        ("group", ["a", "b"] * 9 + ["a", None], "has no group in row 19"),
        ("group", ["a", "b"] * 9 + [" ", "a"], "has no group in row 18"),
        ("stratify", [["a"]] * 20, "contains lists"),
    ],
)
def test_a_column_that_the_split_cannot_go_by_is_refused(strategy, column, message):
    table = pd.DataFrame({"by": pd.Series(column, dtype=object)})
    stratified = strategy == "stratify"
    split = Split(stratify="by") if stratified else Split(strategy, column="by")
    with pytest.raises(DataError, match=message):
        split.parts(table, 0)


def test_rows_without_a_group_are_one_group_when_new_data_are_scored():
    """Names and NaN could not be sorted, so that scores of such a table ended with a traceback."""
    groups = category_texts(pd.Series(["a", None, "b ", np.nan, "b"]))
    assert groups.tolist() == ["a", "", "b", "", "b"]
    assert np.unique(groups).tolist() == ["", "a", "b"]


def test_a_group_has_one_key_however_its_number_is_stored():
    """A chunk of a stream with 1 and another with 1.0 would part the rows of a group."""
    cells = [Decimal("1.0"), 1, 1.0, "1", b"1"]  # the first three are equal
    assert category_texts(pd.Series(cells, dtype=object)).tolist() == ["1"] * 5
    keys = group_keys(pd.Series(cells, dtype=object))
    assert len({*keys, *group_keys(pd.Series([1])), *group_keys(pd.Series([1.0]))}) == 1


def test_who_asks_for_a_stratified_split_is_told_how():
    with pytest.raises(ConfigError, match=r"Name the column of the classes in `split\.stratify`"):
        Split("stratified")
