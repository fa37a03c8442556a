"""Numbers as people write them: one notation per column, and nothing guessed where it matters."""

import warnings

import numpy as np
import pandas as pd
import pytest

from mtl_keras import features, tasks
from mtl_keras.datasets.numbers import NOTATIONS, find_notation, parsed
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.features import infer


@pytest.mark.parametrize(
    ("cells", "notation", "values"),
    [
        (["1,234.50", "-17", "$3"], "1,234.5", [1234.5, -17, 3]),
        (["1.234,50", "-17", "3 €"], "1.234,5", [1234.5, -17, 3]),
        (["0,123", "1,5"], "1.234,5", [0.123, 1.5]),
        (["1.234", "5,5"], "1.234,5", [1234, 5.5]),
        (["1'234.50", "CHF 17"], "1'234.5", [1234.5, 17]),
        (["1\u202f234,5", "17"], "1 234,5", [1234.5, 17]),
        (["1 234.5", "17"], "1 234.5", [1234.5, 17]),
        (["(1,234.50)", "20-", "+3"], "1,234.5", [-1234.5, -20, 3]),
        (["12 %", "1e-3", ".5"], "1,234.5", [12, 0.001, 0.5]),
    ],
)
def test_the_notation_that_fits_all_of_a_column_is_found(cells, notation, values):
    column = pd.Series(cells)
    assert find_notation(column)[:2] == (notation, None)
    read, bad = parsed(column)
    assert not bad.any()
    np.testing.assert_allclose(read, values)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_what_is_written_in_a_notation_is_read_in_it(notation):
    group, decimal = notation[1], notation[5]
    random = np.random.default_rng(0)
    values = np.append(random.normal(0, 1e5, 200).round(2), [0, 0.5, -1234567.25])
    swap = str.maketrans({",": group, ".": decimal})
    texts = pd.Series([f"{value:,.2f}".translate(swap) for value in values])
    assert find_notation(texts).name == notation
    np.testing.assert_allclose(parsed(texts)[0], values)


def test_a_target_that_can_be_read_in_two_ways_is_refused_with_both():
    table = pd.DataFrame({"price": ["1,234", "17,500", "12,100"]})
    with pytest.raises(DataError, match=r"'1,234' is 1234 .*'1,234\.5'.* or 1\.234 .*'1\.234,5'"):
        tasks.Regression("price").fit(table)
    stated = tasks.Regression("price", notation="1.234,5").fit(table)
    np.testing.assert_allclose(stated.truth(table), [1.234, 17.5, 12.1])
    german = tasks.Regression("price").fit(pd.DataFrame({"price": ["1.234,5", "2"]}))
    assert german.notation == "1.234,5"
    np.testing.assert_allclose(german.truth(table), [1.234, 17.5, 12.1])  # as it was learned


def test_a_quantity_with_zeros_is_refused_as_any_other():
    table = pd.DataFrame({"price": ["1,234", "17,500", "0"]})
    with pytest.raises(DataError, match=r"'1,234' is 1234 .* or 1\.234"):
        tasks.ZeroInflatedLogNormal("price").fit(table)
    german = tasks.ZeroInflatedLogNormal("price").fit(table.replace("0", "0,5"))
    assert german.encode(table[:1]).tolist() == [np.float32(1.234)]


@pytest.mark.parametrize("declared", [features.Numeric("x"), tasks.Regression("x")], ids=str)
def test_a_cell_is_read_the_same_whatever_the_other_rows_are(declared):
    if isinstance(declared, features.Numeric):
        read = declared.fit(pd.Series([1.5, 2.5])).raw
    else:
        task = declared.fit(pd.DataFrame({"x": [1.5, 2.5]}))
        read = lambda column: task.truth(column.to_frame("x"))  # noqa: E731
    assert read(pd.Series(["1,234"])).tolist() == [1234]
    with pytest.raises(DataError, match="'0,5' in row 1"):
        read(pd.Series(["1,234", "0,5"]))


def test_numbers_that_hardly_differ_in_float32_are_told():
    seconds = 1.7e9 + np.arange(60.0)
    with pytest.raises(
        DataError, match=r"vary by only 17\.3 .* multiples of 128\. Subtract a const"
    ):
        tasks.Regression("x").fit(pd.DataFrame({"x": seconds}))
    with pytest.warns(UserWarning, match=r"vary by only 17\.3 .*sees multiples of 128\. Subtract"):
        features.Numeric("x").fit(pd.Series(seconds))
    features.Numeric("x").fit(pd.Series(1.7e9 + 86_400 * np.arange(60.0)))


def test_a_feature_says_how_its_texts_are_read():
    table = pd.DataFrame(
        {
            "german": ["1.234,50", "7", "8"] * 9,
            "either": ["1,234", "2,345", "3,456"] * 9,
            "gaps": ["1.5", "?", "2.5"] * 9,
            "zip": ["00123", "10123", "20123"] * 9,
            "mostly": ["1", "two", "3"] * 9,
        }
    )
    guesses = {guess.column: guess for guess in infer(table)}
    assert str(guesses["german"]) == "german: numeric, strings that are numbers, such as 1.234,50"
    assert guesses["either"].doubt.startswith("'1,234' is read as 1234, not as 1.234: if that is")
    assert guesses["gaps"].why.endswith("; ? as missing")
    assert guesses["zip"].feature.kind == guesses["mostly"].feature.kind == "categorical"
    fitted = guesses["german"].feature.fit(table["german"])
    np.testing.assert_allclose(
        fitted.raw(pd.Series(["2,5", "1.000", "unknown"])), [2.5, 1000, np.nan]
    )
    with pytest.raises(ConfigError, match="notation"):
        features.Numeric("x", notation="german")


@pytest.mark.parametrize(
    "values",
    [
        pd.date_range("2020-01-01", periods=3),
        pd.timedelta_range("1D", periods=3),
        np.array([1 + 2j, 3, 4]),
    ],
    ids=["dates", "durations", "complex"],
)
def test_what_is_no_number_is_refused(values):
    column = pd.Series(values)
    with pytest.raises(DataError, match="Received"):
        features.Numeric("x").raw(column)
    with pytest.raises(DataError, match="must contain numbers"):
        tasks.Regression("x").fit(pd.DataFrame({"x": column}))


def test_labels_of_a_size_that_overflows_are_refused():
    with pytest.raises(DataError, match=r"must contain numbers.*1e\+300"):
        tasks.Regression("x").fit(pd.DataFrame({"x": [1.0, 2.0, 1e300]}))


def test_codes_with_an_underscore_are_no_numbers():
    """Python reads both `1_12` and `11_2` as 112."""
    codes = pd.Series([f"{n}_{n % 7}" for n in range(40)] * 3, name="code")
    (guess,) = infer(codes.to_frame())
    assert guess.feature.kind == "categorical"
    with pytest.raises(DataError, match=r"must contain numbers.*0_0"):
        tasks.Regression("code").fit(codes.to_frame())


def test_numbers_of_different_units_are_told():
    mixed = pd.DataFrame({"price": ["$1000", "900 €", "$80", None] * 5})
    with pytest.warns(UserWarning, match=r"Feature 'price'.*'\$1000' and '900 €'.*one unit"):
        features.Numeric("price").fit(mixed["price"])
    with pytest.warns(UserWarning, match=r"Task 'price'.*'\$1000' and '900 €'"):
        tasks.Regression("price").fit(mixed)
    shares = pd.Series(["12 %", "0.12", "?", "7%"] * 5)
    with pytest.warns(UserWarning, match="'12 %' and '0.12'"):
        features.Numeric("share").fit(shares)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for same in (["12 %", "7%", None], ["$5", "6", "USD 7"], ["1", "2", "?"]):
            features.Numeric("x").fit(pd.Series(same * 5))
