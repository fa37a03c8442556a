"""Streams: files are checked when they are opened, cells are the same in every piece."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtl_keras import datasets
from mtl_keras.datasets import pieces
from mtl_keras.datasets.location import locate
from mtl_keras.datasets.stream import Stream
from mtl_keras.errors import ConfigError, DataError


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({"x": random.normal(size=rows), "town": random.choice(["a", "b"], rows)})


def parquet(path, data, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(data), path, **options)
    return path


def test_a_folder_a_pattern_and_a_list_are_the_same_rows(tmp_path):
    whole = table(70)
    for number, start in enumerate((0, 30)):
        parquet(tmp_path / "d" / f"{number}.parquet", whole.iloc[start : start + 40 - 10 * number])
    (tmp_path / "d" / "_SUCCESS").write_text("")
    names = [tmp_path / "d" / "1.parquet", tmp_path / "d" / "0.parquet"]
    for source in (tmp_path / "d", f"{tmp_path}/d/*.parquet", f"{tmp_path}/**/*.parquet", names):
        stream = Stream(source)
        assert stream.rows == len(stream.read()) >= 60
        assert stream.read()["x"].tolist() == Stream(tmp_path / "d").read()["x"].tolist()
        assert Stream(f"file://{tmp_path}/d").columns == stream.columns


def test_row_groups_are_read_in_chunks_that_know_their_rows(tmp_path):
    parquet(tmp_path / "a.parquet", table(100), row_group_size=30)
    stream = Stream(tmp_path)
    chunks = list(stream.chunks(["x"], rows=20))
    assert [len(chunk.table) for chunk in chunks] == [20, 10, 20, 10, 20, 10, 10]
    assert np.concatenate([chunk.table.index for chunk in chunks]).tolist() == list(range(100))
    assert len(np.unique(np.concatenate([chunk.keys for chunk in chunks]))) == 100
    again = np.concatenate([chunk.keys for chunk in stream.chunks(rows=7)])
    assert (np.concatenate([chunk.keys for chunk in chunks]) == again).all()
    assert [len(part) for part in stream.batches(45)] == [45, 45, 10]


def test_a_bad_row_of_a_piece_is_told_by_its_row_and_line_in_the_file(tmp_path, monkeypatch):
    """Blank lines of earlier pieces were not counted, nor earlier rows where cells are too many."""
    monkeypatch.setattr(pieces, "PIECE", 20)
    lines = ["a,b", *["1,2"] * 4, "", "", "", *["1,2"] * 20, "3", *["1,2"] * 9]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    with pytest.warns(UserWarning, match=r"row 24 \(line 29 of .*x.csv\) has 1 cell"):
        Stream(tmp_path / "x.csv")
    lines[lines.index("3")] = "1,2,3"
    for length, told in ((20, "in line 29, saw 3"), (21, "row 24 .* has more cells")):
        monkeypatch.setattr(pieces, "PIECE", length)
        (tmp_path / "x.csv").write_text("\n".join(lines))
        with pytest.raises(DataError, match=told):
            Stream(tmp_path / "x.csv")


def test_partitions_are_columns(tmp_path):
    for year, town in ((2023, "Ulm"), (2024, "Bath")):
        parquet(tmp_path / f"year={year}" / f"town={town}" / "x.parquet", {"x": [1.0, 2.0]})
    rows = Stream(tmp_path).read()
    assert rows["year"].tolist() == [2023, 2023, 2024, 2024] and rows["town"].iloc[3] == "Bath"
    assert next(Stream(tmp_path).chunks(["town"])).table.columns.tolist() == ["town"]


DISAGREEING = {
    "columns": (
        {"x": [1.0], "y": [1]},
        {"x": [1.0], "z": [1]},
        r"a\.parquet and .*b\.parquet have",
    ),
    "types": ({"x": [1.0]}, {"x": ["one"]}, r"'x' is double in .*a\.parquet, and string in .*b\.p"),
}


@pytest.mark.parametrize("one, other, message", DISAGREEING.values(), ids=DISAGREEING)
def test_files_that_disagree_are_both_named(tmp_path, one, other, message):
    parquet(tmp_path / "a.parquet", one)
    parquet(tmp_path / "b.parquet", other)
    with pytest.raises(DataError, match=message):
        Stream(tmp_path)


def test_a_column_that_is_empty_in_one_file_has_the_type_of_the_others(tmp_path):
    parquet(tmp_path / "a.parquet", {"x": pa.nulls(2)})
    parquet(tmp_path / "b.parquet", {"x": pa.array(["u", "v"]).dictionary_encode()})
    parquet(tmp_path / "c.parquet", {"x": pa.array([], pa.string())})
    stream = Stream(tmp_path)
    assert stream.read()["x"].dropna().tolist() == ["u", "v"] and stream.empty == ["c.parquet"]


def test_damage_is_named_with_its_file_and_row_group(tmp_path):
    path = parquet(tmp_path / "a.parquet", table(3000), row_group_size=1000, compression="none")
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(DataError, match=r"a\.parquet cannot be read as Parquet"):
        Stream(tmp_path)
    footer = int.from_bytes(good[-8:-4], "little") + 8
    path.write_bytes(good[:9000] + good[-footer:])  # the end of the last groups is missing
    with pytest.raises(DataError, match=r"Row group [12] of .*a\.parquet is damaged: column"):
        Stream(tmp_path)
    path.write_bytes(good)
    stream = Stream(tmp_path)
    path.write_bytes(good[:4] + bytes(40) + good[44:])  # which no footer shows
    with pytest.raises(DataError, match=r"Row group 0 of .*a\.parquet cannot be read"):
        list(stream.chunks())
    path.unlink()
    with pytest.raises(DataError, match=r"Row group 0 of .*a\.parquet cannot be read.*moved"):
        list(stream.chunks())


def test_what_is_not_there_or_of_several_kinds_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"There is no table in .*Expected Parquet, CSV or JSON"):
        locate(tmp_path)
    with pytest.raises(DataError, match="There is no folder"):
        locate(tmp_path / "nothing" / "*.parquet")
    table(3).to_csv(tmp_path / "a.csv", index=False)
    parquet(tmp_path / "b.parquet", table(3))
    with pytest.raises(DataError, match=r"of one kind\. Received: .*a\.csv and .*b\.parquet"):
        Stream(tmp_path)
    with pytest.raises(ConfigError, match="in memory already"):
        datasets.opened(table(3), streaming=True)


def ragged_cells(rows: int = 400) -> pd.DataFrame:
    """Columns whose cells look different in different parts of a file."""
    late = rows // 2
    columns = {
        "code": [*range(late), *(f"{i:05d}" for i in range(late))],
        "gap": [*range(late), *[None] * late],
        "mixed": [*([1.5] * late), *(["n/a!"] * late)],
        "flag": [*([True] * late), None, *([False] * (late - 1))],
        "text": [f'a "q", \n {i}' for i in range(rows)],
        "none": [None] * rows,
        "whole": range(rows),
        "long": [*range(2**53, 2**53 + late), None, *range(2**60, 2**60 + late - 1)],
        "money": [*(f"{i},5" for i in range(late)), *range(late)],
        "word": [*("NA", "?", "null", "-") * (late // 4), *[7] * late],
        "science": [*(f"{i}e-3" for i in range(late)), *(i / 7 for i in range(late))],
        "late": [*[None] * late, *(f" {i} x" for i in range(late))],
        "yes": [*["TRUE"] * late, *["false"] * late],
    }
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_a_cell_is_the_same_in_whatever_piece_it_is_read(tmp_path, name, monkeypatch):
    """In a table of all columns, and beside one that is the same in all pieces."""
    cells = ragged_cells()
    beside = (cells[["whole", c]] for c in cells if c != "whole")
    tables = [cells, *beside] if name == "a.csv" else [cells]
    for table in tables:
        if name == "a.jsonl":
            table.to_json(tmp_path / name, orient="records", lines=True)
        else:
            delimiter = "\t" if name == "a.tsv" else ","
            table.to_csv(tmp_path / name, index=False, sep=delimiter)
        monkeypatch.setattr(pieces, "PIECE", (tmp_path / name).stat().st_size // 6)
        stream = Stream(tmp_path / name)
        assert len(stream.groups) > 5
        whole, read = datasets.read(tmp_path / name), stream.read()
        for column in whole:
            one, other = (t[column].astype(object) for t in (read, whole))
            assert (one.isna() == other.isna()).all(), column
            assert one.dropna().tolist() == other.dropna().tolist(), column
            assert list(map(type, one.dropna())) == list(map(type, other.dropna())), column


def test_text_files_without_rows_are_left_out_and_columns_may_come_in_any_order(tmp_path):
    for name, text in {"a": "x,y\n1,2\n", "b": "", "c": "x,y\n", "d": "y,x\n3,4.5\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    stream = Stream(tmp_path)
    assert stream.empty == ["b.csv", "c.csv"]
    assert stream.read().to_dict("list") == {"x": [1.0, 4.5], "y": [2, 3]}
    assert stream.columns == ["x", "y"]


BROKEN_TEXTS = {
    "columns": (".csv", "x,z\n1,2\n", r"a\.csv and .*b\.csv have different columns: 'y', 'z'"),
    "keys": (".jsonl", '{"x": 2}\n', r"a\.jsonl and .*b\.jsonl have different columns: 'y' only"),
    "an object that is cut off": (".jsonl", '{"x": 2,\n', r"b\.jsonl cannot be read as JSON"),
    "zero bytes": (".csv", "x,y\n1,\0\n", r"b\.csv is not UTF-8 text: it has zero bytes"),
}


@pytest.mark.parametrize("suffix, text, message", BROKEN_TEXTS.values(), ids=BROKEN_TEXTS)
def test_a_text_file_that_does_not_suit_the_others_is_named(tmp_path, suffix, text, message):
    good = "x,y\n1,2\n" if suffix == ".csv" else '{"x": 1, "y": 2}\n'
    (tmp_path / f"a{suffix}").write_text(good)
    (tmp_path / f"b{suffix}").write_text(text)
    with pytest.raises(DataError, match=message):
        Stream(tmp_path)


def test_data_that_fit_are_read_and_others_are_streamed(tmp_path, monkeypatch):
    parquet(tmp_path / "a.parquet", table(100))
    said = []
    assert isinstance(datasets.opened(tmp_path, show=said.append), pd.DataFrame)
    monkeypatch.setattr("mtl_keras.datasets.source.available_memory", lambda: 1000.0)
    assert isinstance(datasets.opened(tmp_path, show=said.append), Stream)
    assert isinstance(datasets.opened(tmp_path / "a.parquet"), Stream)
    assert isinstance(datasets.opened(tmp_path / "a.parquet", streaming=False), pd.DataFrame)
    assert "into memory" in said[0] and "100 rows in 1 files, about" in said[1]
    assert said[1].endswith("read as a stream") and len(said) == 2
