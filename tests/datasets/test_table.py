"""Tables in: what is read, and what is refused by name."""

import pandas as pd
import pytest

from mtl_keras import datasets
from mtl_keras.errors import DataError


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_and_byte_order_mark_are_found(tmp_path, delimiter):
    path = tmp_path / "table.csv"
    text = f'age{delimiter}"to{delimiter}wn"\n1{delimiter}Bath\n{delimiter}Ely\n'
    path.write_text(text, encoding="utf-8-sig")
    table = datasets.read(path)
    assert list(table.columns) == ["age", f"to{delimiter}wn"]
    assert table["age"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has no rows"),
        (b"a,b,a\n1,2,3\n", r"more than once: \['a'\]"),
        (b"a,b\n\xff\xfe,2\n", "is not UTF-8 text"),
        (b"a,b\n1,2\n1,2,3,4\n", "cannot be read as CSV"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        datasets.read(path)
    assert "broken.csv" in str(caught.value)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "customers.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"Did you mean '.*customers\.csv'"):
        datasets.read(tmp_path / "custmers.csv")


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_written_tables_are_read_again(tmp_path, name):
    table = pd.DataFrame({"a": [1.5, None], "b": ["x", "y"]})
    datasets.write(table, tmp_path / name)
    again = datasets.read(tmp_path / name)
    assert again["a"].iloc[0] == 1.5 and again["b"].tolist() == ["x", "y"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_duplicated_columns_of_a_frame_are_refused():
    table = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="more than once"):
        datasets.read(table)
