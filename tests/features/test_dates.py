"""Dates as a table and an exported model read them."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtl_keras import features
from mtl_keras.errors import DataError
from mtl_keras.export import encoding_reader
from mtl_keras.features.encoder import Encoder


def test_days_are_those_of_their_time_zone():
    """Midnight in Berlin is another day in UTC."""
    days = pd.Series(pd.date_range("2021-01-01", periods=3, tz="Europe/Berlin"))
    written = ["2021-01-01", "2021-01-02", "2021-01-03"]
    forms = [days, days.astype(str), days.astype(object), days.map(lambda day: day.isoformat())]
    for trained in (*forms, pd.Series(written)):
        fitted = features.Date("day").fit(trained)
        for form in forms:
            assert fitted.raw(form).tolist() == written
    moments = days + pd.Timedelta(hours=12)
    for form in (moments, moments.astype(str)):
        assert features.Date("day").fit(moments).raw(form)[0] == "2021-01-01 11:00:00"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("2021-01-31", True),
        ("2021-01-31T23:59:59.5Z", True),
        ("2021-01-31 10:00+00:00", True),
        ("2021-01-31 10:00+02:00", False),
        ("2021-13-01", False),
        ("2021-02-29", False),
        ("2020-02-29", True),
        ("2021-04-31", False),
        ("2021-12-31", True),
        ("2021-01-31 25:00", False),
    ],
)
def test_a_time_of_another_zone_or_none_at_all_is_no_date_to_an_exported_model(text, known):
    encoded = features.Date("day", time=True).layer()(tf.constant([text]))["plain"].numpy()
    assert encoded[0, -1] == float(not known)
    of = {"center": 0.0, "scale": 1.0, "time": True}
    assert encoding_reader.date([text], of)["plain"][0, -1] == float(not known)


@pytest.mark.parametrize("written", ["%d.%m.%Y", "%m/%d/%Y %H:%M", "%Y/%m/%d", "%d-%m-%Y %H:%M:%S"])
def test_an_exported_model_reads_dates_as_the_table_writes_them(written):
    """They were encoded as missing, without a word."""
    days = pd.Series(pd.date_range("1999-01-30 08:05", "2021-03-02", freq="83h"))
    feature = features.Date("day", format=written).fit(days.dt.strftime(written))
    layer = feature.layer()
    iso, texts = feature.raw(days), days.dt.strftime(written)
    short = texts.str.replace(r"\b0([1-9])\b", r"\1", regex=True)  # 1.2.2021
    for each in (iso, texts, " " + short + " "):
        read, expected = layer(tf.constant(list(each))), layer(tf.constant(list(iso)))
        again = encoding_reader.date(list(each), layer.get_config())
        for group, values in expected.items():
            np.testing.assert_array_equal(read[group], values)
            np.testing.assert_allclose(again[group], values, atol=1e-6)
    wrong = layer(tf.constant(["31.31.2020", "1.2.21", "soon", ""]))["plain"].numpy()
    assert (wrong[:, -1] == 1).all()


@pytest.mark.parametrize("written", ["%d %B %Y", "%d.%m.%y", "%Y-%d-%m", "%d.%m.%Y %H"])
def test_other_formats_of_dates_are_read_by_the_table_alone(written):
    assert features.Date("day", format=written, center=0.0, scale=1.0).layer().pattern is None


def test_days_that_may_be_months_are_told():
    """The first of each month, written in Europe, is also twelve days of an American January."""
    written = pd.Series([f"01/{month:02}/2021" for month in range(1, 13)] * 9)
    (guess,) = features.infer(written.to_frame("day"))
    assert guess.doubt.startswith("'01/02/2021' is read as 2021-01-02; if it is 2021-02-01, state")
    (sure,) = features.infer(written.replace("01/12/2021", "31/12/2021").to_frame("day"))
    assert sure.feature.format == "%d/%m/%Y" and not sure.doubt


def test_dates_in_the_graph_equal_pandas():
    days = pd.date_range("1899-12-25", "2101-03-05", freq="13D").to_series().reset_index(drop=True)
    feature = features.Date("d", center=0.0, scale=1e9, time=False)
    encoded = Encoder([feature]).encode(pd.DataFrame({"d": days.dt.strftime("%Y-%m-%d")}))
    elapsed = (days - pd.Timestamp("1970-01-01")).dt.days
    np.testing.assert_allclose(encoded["numeric"][:, 0] * 1e9, elapsed, rtol=1e-6, atol=1e-3)
    angle = np.arctan2(encoded["plain"][:, 0], encoded["plain"][:, 1])
    np.testing.assert_array_equal(np.round(angle / (2 * np.pi) * 7) % 7, days.dt.day_of_week)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["31.12.2020", "01.02.2021"], ["2020-12-31", "2021-02-01"]),  # day first, everywhere
        (["01/02/2021", "12/31/2020"], ["2021-01-02", "2020-12-31"]),
        (["01/02/2021", "31/12/2020"], ["2021-02-01", "2020-12-31"]),
        (["01/02/2021", "03/04/2021"], ["2021-01-02", "2021-03-04"]),  # either; as the rule says
        (["2021/02/01", "2020/12/31"], ["2021-02-01", "2020-12-31"]),
        (["2021-02-01T10:00:00Z", "2020-12-31"], ["2021-02-01 10:00:00", "2020-12-31 00:00:00"]),
    ],
)
def test_a_column_of_dates_has_one_format(texts, expected):
    (guess,) = features.infer(pd.DataFrame({"when": texts * 20}))
    fitted = guess.feature.fit(pd.Series(texts * 20))
    assert fitted.raw(pd.Series(texts)).tolist() == expected
    later = ["2022-05-06", None]  # what the exported model takes is taken too
    assert fitted.raw(pd.Series(later, dtype=object))[0].startswith("2022-05-06")
    with pytest.raises(DataError, match="Received: 'soon' in row 1"):
        fitted.raw(pd.Series([texts[0], "soon"]))


def test_a_date_that_is_a_whole_number_is_the_same_beside_an_empty_cell():
    """Other floats are no dates: 2020.1 was January, though it may be October."""
    feature = features.Date("day").fit(pd.Series([20210301, 20220301]))
    assert feature.raw(pd.Series([20210301.0, None])).tolist() == ["2021-03-01", ""]
    assert features.Date("day").fit(pd.Series([20210301.0, None])).center == 18687
    with pytest.raises(DataError, match=r"is a date\. Received: 2020\.1 in row 0"):
        feature.raw(pd.Series([2020.1]))


def test_a_stated_format_of_a_date_comes_before_the_usual_one():
    written = pd.Series(["2021-01-02", "2021-31-12", "20210102", None])
    read = features.Date("day", format="%Y-%d-%m").raw(written).tolist()
    assert read == ["2021-02-01", "2021-12-31", "2021-01-02", ""]
