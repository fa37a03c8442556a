"""Tables in: what is read, and what is refused by name."""

import bz2
import gzip
import io
import lzma
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mtl_keras import datasets
from mtl_keras.datasets import cells, files
from mtl_keras.datasets.as_written import WORDS
from mtl_keras.datasets.lists import factorized
from mtl_keras.datasets.unfinished import unfinished_prefix
from mtl_keras.errors import ConfigError, DataError


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
        (b"a,b\n\xff\xfe,2\n", 'not UTF-8 text: .* at byte 4. .*encoding = "cp1252".*--encoding'),
        (b"a,b\n1,2\n1,2,3,4\n", "cannot be read as CSV"),
        (b"a,b\n1,2,3\n4,5,6\n", "row 0 .* has more cells than the 2 names"),
        (b'a,"b\nc"\n1,2\n', "line break in a column's name: 'b.nc'"),
        (b'a,b\n1,"x\n2,y\n', "EOF inside string"),
        ("a,b\n1,2\n".encode("utf-16-le"), "not UTF-8 text: it has zero bytes"),
        (b"\n \n", "is empty"),
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


@pytest.mark.parametrize("ending", ["a,b\n1,2,\n3,4,\n", "a,b,\n1,2,\n3,4,\n", "a,b\n1,2,\n3,4\n"])
def test_a_delimiter_at_the_end_of_rows_shifts_nothing(tmp_path, ending):
    (tmp_path / "table.csv").write_text(ending)
    assert datasets.read(tmp_path / "table.csv").to_dict("list") == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b,c\n1,2,3\n4,5\n6\n", r"row 1 \(line 3 of .*, the first of 2 such rows, has 2 cells"),
        ('a,b,c\n1,"2,2",3\n\n4,5\n', r"x.csv: row 1 \(counting .*2 cells, .* 3 names .*'4', '5'"),
        ("a,b,\n1,2\n3\n", "has 1 cell, fewer than the 2 names"),
        ('a,b,c\n1,"2,2",\n4,5,\n', None),
        ("a,b,\n1,2\n3,4,\n", None),
        ('a, "b, c"\n1, "2, 2"\n3,\n', None),
        ('a, b,\n1, "x\ny"\n2,\n', None),
        ('a, b, c\n1, "2, 2"\n', r"has 2 cells, .* 3 names .*'1', '2, 2'"),
        (f"a,b\n{'x' * 2**17},1\n2\n", r"row 1 .* has 1 cell"),
    ],
)
def test_a_row_with_too_few_cells_is_told(tmp_path, recwarn, content, told):
    (tmp_path / "x.csv").write_text(content)
    datasets.read(tmp_path / "x.csv")
    messages = [str(each.message) for each in recwarn]
    assert len(messages) == bool(told) and all(re.search(told, each) for each in messages)


def test_a_space_before_a_name_does_not_hide_the_columns_type():
    """Else codes among the texts of a streamed file are numbers in a piece without other texts."""
    table = files.read_csv(Path("x.csv"), b"a, b\n1, 2.50\n", dtypes={"b": "str"})
    assert table["b"].tolist() == ["2.50"]


def test_a_named_index_is_a_column_of_a_parquet_file(tmp_path):
    """As it is to other programs, and to a stream."""
    table = pd.DataFrame({"age": [31, 40]}, index=pd.Index([7, 9], name="customer"))
    table.to_parquet(tmp_path / "named.parquet")
    for as_texts in (False, True):
        read = datasets.read(tmp_path / "named.parquet", as_texts)
        assert read[["age", "customer"]].to_numpy().tolist() == [[31, 7], [40, 9]]
        assert read.index.tolist() == [0, 1]
    assert set(datasets.Stream(str(tmp_path / "named.parquet")).columns) == {"age", "customer"}
    table.rename_axis(None).to_parquet(tmp_path / "unnamed.parquet")
    assert datasets.read(tmp_path / "unnamed.parquet").columns.tolist() == ["age"]


def test_an_empty_line_is_a_row_of_a_table_with_one_column(tmp_path):
    """Predictions would otherwise belong to other rows than those of the file."""
    (tmp_path / "reviews.csv").write_text("review\ngood\n\nbad\n")
    for as_texts in (False, True):
        read = datasets.read(tmp_path / "reviews.csv", as_texts)["review"]
        assert read.fillna("").tolist() == ["good", "", "bad"]
    stream = datasets.Stream(str(tmp_path / "reviews.csv"))
    assert stream.rows == 3 and stream.read()["review"].isna().tolist() == [False, True, False]
    (tmp_path / "two.csv").write_text("review,n\ngood,1\n\nbad,2\n")
    assert len(datasets.read(tmp_path / "two.csv")) == 2


@pytest.mark.parametrize("names", [",zip,n,plan", "zip,,n,plan"])
def test_an_empty_column_without_a_name_moves_no_cells(tmp_path, names):
    """Cells were read again at another column's place: `n` had the values of `zip`."""
    place = names.split(",").index("")
    rows = [["00123", "5", "None"], ["00456", "6", "pro"]]
    lines = [",".join([*row[:place], "", *row[place:]]) for row in rows]
    (tmp_path / "table.csv").write_text("\n".join([names, *lines]))
    table = datasets.read(tmp_path / "table.csv")
    assert table["zip"].tolist() == ["00123", "00456"] and table["n"].tolist() == [5, 6]
    assert table.columns.tolist() == ["zip", "n", "plan"]
    assert table.attrs[WORDS] == {"plan": {"None": 1}}


def test_a_quote_that_swallows_rows_is_told(tmp_path):
    (tmp_path / "table.csv").write_text('a,b\n1,"x\n2,y\n3,z\n4,w"\n5,u\n')
    with pytest.warns(
        UserWarning, match=r"column 'b' of row 0 .* holds 3 lines that look like rows"
    ):
        datasets.read(tmp_path / "table.csv")


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "a,b\n1,2\n")
    return buffer.getvalue()


ROWS = b"a,b\n" + b"1,2\n" * 500
COMPRESSED = {
    "gz": gzip.compress(ROWS),
    "bz2": bz2.compress(ROWS),
    "xz": lzma.compress(ROWS),
    "zst": pa.compress(ROWS, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_compressed_files_are_read_and_broken_ones_refused(tmp_path, suffix):
    path = tmp_path / f"table.csv.{suffix}"
    path.write_bytes(COMPRESSED[suffix])
    assert datasets.read(path).shape == (500, 2)
    for content in (COMPRESSED[suffix][:-5], ROWS):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"table\.csv.* (cannot be decompressed|is not UTF-8)"):
            datasets.read(path)


def test_an_archive_of_one_file_is_read_and_others_are_refused(tmp_path):
    (tmp_path / "one.zip").write_bytes(zipped("a.csv"))
    assert datasets.read(tmp_path / "one.zip").shape == (1, 2)
    (tmp_path / "two.zip").write_bytes(zipped("a.csv", "b.csv"))
    with pytest.raises(DataError, match=r"expected one file in it, received 2"):
        datasets.read(tmp_path / "two.zip")
    for name, message in (("t.tar.gz", "an archive"), ("t.xlsx", "spreadsheet")):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(DataError, match=message):
            datasets.read(tmp_path / name)


@pytest.mark.parametrize(
    "text", ['{"a": 1, "b": "01"}\n{"a": 2}\n', '[{"a": 1, "b": "01"}, {"a": 2}]']
)
def test_json_keeps_the_types_that_it_has(tmp_path, text):
    for name in ("table.jsonl", "table.json"):
        (tmp_path / name).write_text(text)
        table = datasets.read(tmp_path / name)
        assert table["a"].tolist() == [1, 2] and table["b"].iloc[0] == "01"
    names = ["01", "2021-01", "2021-02"]
    (tmp_path / "names.json").write_text(
        '[{"01": 0.12345678901234568, "2021-01": 1, "2021-02": 2}]'
    )
    table = datasets.read(tmp_path / "names.json")
    assert table.columns.tolist() == names and table["01"].iloc[0] == 0.12345678901234568
    (tmp_path / "table.jsonl").write_text(text[:-5])
    with pytest.raises(DataError, match=r"table\.jsonl cannot be read as JSON"):
        datasets.read(tmp_path / "table.jsonl")


def test_what_is_no_table_is_refused():
    for source in (None, 5, [1, 2], {"a": [1]}):
        with pytest.raises(DataError, match=r"must be a path or a pandas\.DataFrame\. Received: "):
            datasets.read(source)
    with pytest.raises(DataError, match=r"more than once: \['1'\]"):
        datasets.read(pd.DataFrame([[1, 2]], columns=[1, "1"]))


def test_only_files_that_are_written_as_their_name_says_are_written(tmp_path):
    with pytest.raises(ConfigError, match=r"Expected a .csv.*'o.xlsx'"):
        datasets.write(pd.DataFrame({"a": [1]}), "o.xlsx")
    table = pd.DataFrame({"a": ["=1+1", "plain"], "b": [-1, 2]})
    datasets.write(table, tmp_path / "out.csv", escape_formulas=True)
    assert (tmp_path / "out.csv").read_text() == "a,b\n'=1+1,-1\nplain,2\n"


def test_two_that_write_one_file_at_a_time_do_not_mix_their_rows(tmp_path):
    path = tmp_path / "out.csv"
    dead = f"{unfinished_prefix(2**22 + 1)}0"  # above the largest process id
    (tmp_path / dead).write_text("left")
    ours, theirs = (pd.DataFrame({"a": [number]}) for number in (1, 2))
    with datasets.Writer(path) as first:
        first.write(ours)
        with datasets.Writer(path) as second:
            second.write(theirs)
            second.write(theirs)
        assert path.read_text() == "a\n2\n2\n"
        first.write(ours)
    assert path.read_text() == "a\n1\n1\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": ["fine", "\ud800"]}, r"column 'a' contains invalid Unicode in row 1"),
        ({"a": [["fine"], ["\ud800"]]}, r"column 'a' contains invalid Unicode in row 1"),
        ({"\ud800": [1, 2]}, r"a column whose name is not valid Unicode: '\\ud800'"),
    ],
)
def test_texts_that_no_file_takes_are_refused(table, message):
    names = pd.Index(list(table), dtype=object)
    columns = pd.DataFrame({n: pd.Series(v, dtype=object) for n, v in enumerate(table.values())})
    with pytest.raises(DataError, match=message):
        datasets.read(columns.set_axis(names, axis=1))


@pytest.mark.parametrize("name", ["self", "a", "class", "name", "axis"])
def test_columns_of_arrows_types_are_read_whatever_their_name(name):
    numbers = pd.array([1, None], "int64[pyarrow]")
    table = pd.DataFrame({name: numbers, "b": pd.array(["x", "y"], "string[pyarrow]")})
    assert datasets.read(table)[name].tolist()[0] == 1
    assert table[name].dtype == "int64[pyarrow]"  # the caller's table is left as it was


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"a;b\n1;x\n2;y\n", "row 1 (line 3 of {})"),
        (b"a;b\r\n1;x\n2;y\r\n\r\n", "row 1 (line 3 of {})"),  # mixed ends, an empty line below
        (b'a;b\n1;"x\nx"\n2;y\n', "row 1 (counting from 0)"),  # lines are not rows
        (b"a;b\n\n1;x\n2;y\n", "row 1 (counting from 0)"),
        (b"a;b\r1;x\r2;y\r", "row 1 (counting from 0)"),  # of an old Mac
    ],
)
def test_a_row_is_named_by_its_line_where_lines_are_rows(tmp_path, content, place):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    table = datasets.read(path)
    assert table["a"].tolist() == [1, 2]
    assert cells.place(table["b"], 1) == place.format(path)
    assert cells.place(table.iloc[1:], 0) == place.format(path)


def test_a_row_of_a_table_in_memory_is_named_as_it_is_there():
    column = pd.Series(["x", "y"], index=["first", "second"])
    assert cells.place(column, 1) == "row 'second'"


def test_sparse_columns_are_read_as_others():
    sparse = pd.Series(pd.arrays.SparseArray([1.0, 2.0, np.nan]))
    codes, values = factorized(sparse)
    assert codes.tolist() == [0, 1, -1] and values == [1, 2]
