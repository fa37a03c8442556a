"""The rules of inference, one column each; and what features do with odd values."""

import re

import numpy as np
import pandas as pd
import pytest

from mtl_keras import features, tasks
from mtl_keras.datasets.numbers import parsed
from mtl_keras.errors import DataError
from mtl_keras.features.encoder import Encoder, raw_columns

ROWS = 200
RANDOM = np.random.default_rng(0)
COLUMNS = {
    "customerID": ([f"7590-{i:05d}" for i in range(ROWS)], None),
    "row": (range(ROWS), None),
    "order_id": (RANDOM.permutation(10**6)[:ROWS], None),
    "constant": (["x"] * ROWS, None),
    "empty": ([None] * ROWS, None),
    "blank": (["", " "] * (ROWS // 2), None),
    "note": ([f"the {i} quick brown foxes" for i in range(ROWS)], "text"),
    "age": (RANDOM.normal(size=ROWS), "numeric"),
    "amount as text": ([f"{i}.5" if i % 9 else " " for i in range(ROWS)], "numeric"),
    "children": (RANDOM.integers(0, 5, ROWS), "numeric"),
    "flag": (RANDOM.integers(0, 2, ROWS), "boolean"),
    "active": (RANDOM.choice([True, False], ROWS), "boolean"),
    "smoker": (RANDOM.choice(["Yes", "No"], ROWS), "boolean"),
    "raucht": (RANDOM.choice(["Nein", "Ja"], ROWS), "boolean"),
    "since": (pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d"), "date"),
    "seen": (pd.date_range("2020-01-01", periods=ROWS).strftime("%d.%m.%Y"), "date"),
    "called": (
        pd.date_range("2020-01-01", periods=ROWS, freq="7h").strftime("%m/%d/%Y %H:%M"),
        "date",
    ),
    "price": ([f"${i * 37.5 + 900:,.2f}" for i in range(ROWS)], "numeric"),
    "moment": (pd.date_range("2020-01-01", periods=ROWS, freq="h"), "date"),
    "plan": (RANDOM.choice(["basic", "plus", "pro"], ROWS), "categorical"),
    "colour": (pd.Categorical(RANDOM.choice(["red", "blue", "teal"], ROWS)), "categorical"),
    "shop": (pd.Categorical(RANDOM.integers(1, 9, ROWS)), "categorical"),
    "year as category": (pd.Categorical([f"{2000 + i % 9}" for i in range(ROWS)]), "numeric"),
}


def test_an_index_may_repeat():
    """As after `pd.concat` of several tables."""
    table = pd.DataFrame({"v": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}, index=[0, 0, 1])
    assert features.infer(table)[0].feature.kind == "vector"


def test_durations_are_dropped_and_it_is_said_what_to_do():
    (guess,) = features.infer(pd.DataFrame({"x": pd.to_timedelta(range(90), unit="h")}))
    assert guess.feature is None and guess.why.startswith("durations: to use them, make numbers")


def test_dictionaries_without_a_file_are_no_images():
    (guess,) = features.infer(pd.DataFrame({"x": [{"a": 1}, {"a": 2}] * 9}))
    assert guess.feature is None and guess.why.startswith("dictionaries: make a column of each")


def test_texts_that_are_read_as_categories_are_told():
    """A few hundred short texts, most of which occur twice, trained a network that read none."""
    written = [f"good, but {number} too slow" for number in range(60)] * 2
    (guess,) = features.infer(pd.DataFrame({"what they say": written}))
    assert guess.feature.kind == "categorical"
    assert guess.doubt == "to read their words, state --feature 'what they say:text'"


def test_a_declared_column_that_can_be_read_in_two_ways_is_told():
    with pytest.warns(UserWarning, match=r"Feature 'p': '1,234' is read as 1234, not as 1.234"):
        features.Numeric("p").fit(pd.Series(["1,234", "17,500", "12"]))
    with pytest.warns(UserWarning, match=r"Feature 'd': '01/02/2021' is read as 2021-01-02; if"):
        features.Date("d").fit(pd.Series(["01/02/2021", "03/04/2021"]))


@pytest.mark.parametrize(
    ("written", "doubt"),
    [
        ("{:02}.12.99", "they look like dates whose year has two digits: .* '%d.%m.%y'"),
        ("{0}.{0}.2020 - {0}/1/2021", "they look like dates in several formats"),
        ("{},5 °C", "they look like numbers in °C: write the numbers alone"),
        ("{}kg", "numbers in kg"),
        ("{}a{}", "^$"),
        ("flat {}", "^$"),
    ],
)
def test_what_a_column_of_strings_looks_like_is_told(written, doubt):
    """12,5 °C was a category, and dates like 31.12.99 were said to have several formats."""
    column = [written.format(number % 28 + 1, number % 3) for number in range(300)]
    (guess,) = features.infer(pd.DataFrame({"column": column}))
    assert re.search(doubt, guess.doubt)


def test_dates_in_several_formats_are_no_identifier():
    """They were dropped as one, and would have been written beside the predictions."""
    days = pd.Series(pd.date_range("2021-01-01", periods=300))
    mixed = days.dt.strftime("%Y-%m-%d").where(days.index % 2 == 0, days.dt.strftime("%d.%m.%Y"))
    (guess,) = features.infer(mixed.to_frame("since"))
    assert guess.feature is None and not guess.is_identifier
    assert str(guess).startswith("since: dropped, 300 values in 300 rows; they look like dates")
    first = "'02.01.2021', but '2021-01-01' in row 0 (counting from 0), the first of 150 such cells"
    assert first in guess.doubt and guess.doubt.endswith("`format` '%d.%m.%Y', which reads both")
    assert features.Date("since", format="%d.%m.%Y").fit(mixed).center is not None
    other = mixed.where(days.index != 7, "1/9/2021")
    (guess,) = features.infer(other.to_frame("since"))
    assert guess.doubt.endswith("write all of them as 2021-12-31")


def test_a_category_that_has_lost_its_last_digits_is_refused():
    """As the whole numbers of a file are read, if a cell is empty."""
    whole, plan = pd.Series([2**53 + 1, 7]), features.Categorical("plan")
    assert plan.raw(whole).tolist() == ["9007199254740993", "7"]
    with pytest.raises(DataError, match=r"9007199254740992\.0 in row 0.* lost its last digits"):
        plan.raw(whole.astype(float))
    smaller = pd.Series([2**24 + 1, 7])
    assert plan.raw(smaller.astype(float)).tolist() == ["16777217", "7"]
    for kind in ("float32", "Float32"):
        with pytest.raises(DataError, match=r"16777216\.0 in row 0.* lost its last digits"):
            plan.raw(smaller.astype(kind))


def test_categories_are_read_alike_from_all_types():
    exact = pd.Series([1.6, 2.0, np.nan])
    plan = features.Categorical("plan")
    assert plan.raw(exact.astype("float32")).tolist() == plan.raw(exact).tolist()
    genres = features.Categories("genres")
    assert genres.raw(pd.Series([12.0, np.nan])).tolist() == ["12", ""]  # single ones are numbers
    table = pd.DataFrame({"y": [b"no", b"yes"], "z": exact[:2].astype("float32")})
    assert tasks.Binary("y").fit(table).classes == ("no", "yes")
    assert tasks.Multiclass("z").fit(table).classes == (1.6, 2.0)


@pytest.mark.parametrize("name", COLUMNS)
def test_each_rule(name):
    values, kind = COLUMNS[name]
    (guess,) = features.infer(pd.DataFrame({name: values}))
    assert (guess.feature.kind if guess.feature else None) == kind, str(guess)
    assert guess.why


@pytest.mark.parametrize(
    ("values", "kind", "doubt"),
    [
        (
            [*map(str, RANDOM.normal(size=99)), "1.2.3"],
            None,
            "all but 1 are numbers: if '1.2.3' means",
        ),
        (["1.5", "2.5"] * 49 + ["x", "2"], "categorical", "all but 1 are numbers: if 'x'"),
        ([*map(str, range(20)), "k.A."] * 9, "categorical", "all but 9 are numbers: if 'k.A.'"),
        ([*map(str, range(20)), "k.A.", "low"] * 9, "categorical", ""),
        (["1", "2", "3", "M"] * 9, "categorical", ""),
        (["2021-01-05", "5/6/21", "1.2.2021"] * 9, "categorical", "look like dates in several"),
        (["0123", "A12", "0456"] * 9, "categorical", ""),
        (["red", "blue", "teal"] * 9, "categorical", ""),
    ],
)
def test_a_column_that_is_almost_of_another_kind_says_so(values, kind, doubt):
    (guess,) = features.infer(pd.DataFrame({"x": values}))
    assert (guess.feature.kind if guess.feature else None) == kind
    assert doubt in guess.doubt and bool(doubt) == bool(guess.doubt)
    assert guess.doubt in str(guess)


def test_texts_of_one_row_each_are_identifiers_by_their_name():
    codes = [f"{number:05d}" for number in range(30)]
    guesses = features.infer(pd.DataFrame({"Kunden-Nr": codes, "PLZ": codes}))
    assert [guess.is_identifier for guess in guesses] == [True, False]


def test_identifiers_of_copied_rows_are_told():
    """With a row twice, an identifier was read as a number or a category without a word."""
    table = pd.DataFrame({"row": range(100, 140), "order_id": np.arange(40) ** 2})
    table = table.assign(key=[f"k{number % 7}{number}" for number in range(40)], cents=range(40))
    table["cents"] = (table["cents"] * 37) % 1009  # distinct, but neither named nor consecutive
    copied = pd.concat([table, table.head(1)])
    guesses = features.infer(copied)
    assert [guess.decided for guess in guesses] == ["numeric", "numeric", "categorical", "numeric"]
    assert [bool(guess.doubt) for guess in guesses] == [True, True, True, False]
    expected = "40 values in 41 rows: if they identify rows, leave it out: --drop order_id"
    assert guesses[1].doubt == expected and guesses[1].doubt in str(guesses[1])
    (guess,) = features.infer(pd.concat([table[["row"]], table[["row"]].head(20)]))
    assert guess.doubt.startswith("40 values in 60 rows: if they identify rows")
    often = pd.DataFrame({"id": [*range(10)] * 6, "no": ["a", "b", "c"] * 20})
    assert not any(guess.doubt for guess in features.infer(often))


def test_a_declared_column_is_what_the_user_says():
    table = pd.DataFrame({"age": [1.0, 2.0], "zip": [10115, 10117], "x": [1, 2]})
    guesses = features.infer(
        table, skip=["x"], overrides={"zip": features.Categorical("zip"), "age": None}
    )
    assert [(g.column, g.feature and g.feature.kind) for g in guesses] == [
        ("age", None),
        ("zip", "categorical"),
    ]


def test_missing_and_unseen_values_have_a_place():
    table = pd.DataFrame(
        {
            "plan": ["a"] * 5 + ["b"] * 5 + [None],
            "when": ["2021-05-01"] * 10 + [None],
            "on": [1.0, 0.0] * 5 + [np.nan],
            "size": [*np.arange(10.0), np.nan],
        }
    )
    declared = [
        features.Categorical("plan"),
        features.Date("when"),
        features.Boolean("on"),
        features.Numeric("size"),
    ]
    encoder = Encoder([feature.fit(table[feature.name]) for feature in declared])
    odd = pd.DataFrame({"plan": ["zzz", None], "when": [None, "1850-02-28"], "on": [None, 1.0]})
    encoded = encoder.encode(odd.assign(size=[1e30, None]))
    assert encoded["categorical"].tolist() == [[1], [0]]
    assert np.isfinite(encoded["numeric"]).all() and np.abs(encoded["numeric"]).max() <= 10
    assert encoder.category_sizes == [4]


def test_categories_are_kept_by_frequency():
    column = pd.Series(["a"] * 9 + ["b"] * 7 + ["c"] * 6 + ["d"] * 2 + [3.0] * 5)
    assert features.Categorical("x", max_size=3).fit(column).vocabulary == ("a", "b", "c")
    assert features.Categorical("x").fit(column).vocabulary == ("a", "b", "c", "3")
    numbers = pd.Series([3, 3, 3, 3, 3, None, 10.0])
    assert features.Categorical("x").fit(numbers).raw(numbers)[-2:].tolist() == ["", "10"]


@pytest.mark.parametrize(
    ("feature", "value", "message"),
    [
        (features.Numeric("x"), "twelve", "numeric. Received: 'twelve' in row 7"),
        (features.Numeric("x"), np.inf, "finite numbers. Received: inf in row 7"),
        (features.Date("x"), "soon", "is a date. Received: 'soon' in row 7"),
        (features.Boolean("x", values=(0.0, 1.0)), "maybe", "boolean.*'maybe' in row 7"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_row(feature, value, message):
    column = pd.Series([value], index=[7], name="x")
    if isinstance(value, str):
        column = column.astype(object)
    with pytest.raises(DataError, match=message):
        feature.raw(column)


def test_missing_columns_are_named_with_the_nearest():
    with pytest.raises(DataError, match=r"'tenure' \(numeric\)\. Did you mean 'tenur'"):
        raw_columns([features.Numeric("tenure")], pd.DataFrame({"tenur": [1]}))


def test_a_column_without_a_name_is_dropped():
    (guess,) = features.infer(pd.DataFrame({"": [1.5, 2.5]}))
    assert guess.feature is None and guess.why == "it has no name"


def test_numbers_as_people_write_them():
    column = pd.Series(["$1,299.50", "-€5", "5 €", "12 %", " 7 ", 3, None, "", "1e3", "\u22125"])
    values, bad = parsed(column)
    expected = [1299.5, -5, 5, 12, 7, 3, np.nan, np.nan, 1000, -5]
    np.testing.assert_array_equal(values, expected)
    assert not bad.any()
    wrong = pd.Series(["1,5", "12,34,567", "one", "5 - 6", "$", "--5"])
    assert parsed(wrong, "1,234.5")[1].all()
    assert parsed(pd.Series(["1,234", "2"]))[0].tolist() == [1234, 2]
