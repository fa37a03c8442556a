"""Files in other encodings than UTF-8: declared, never guessed."""

import contextlib
import gzip
import warnings

import pandas as pd
import pytest

from mtl_keras import datasets
from mtl_keras.cli import main
from mtl_keras.datasets import Stream, pieces
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.plans import Plan

TEXT = "Straße;Größe\nMüllerweg;1,5 €\nÖlgasse;„Ä“\nCafé;ß\n"
ROWS = {"Straße": ["Müllerweg", "Ölgasse", "Café"], "Größe": ["1,5 €", "„Ä“", "ß"]}


@pytest.fixture
def windows(tmp_path):
    path = tmp_path / "windows.csv"
    path.write_bytes(TEXT.encode("cp1252"))
    return path


@pytest.mark.parametrize("encoding", ["cp1252", "Windows-1252", "utf-16", "utf-16-be", "utf-8-sig"])
def test_a_declared_encoding_is_read_like_utf_8(tmp_path, encoding):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode(encoding)))
    for as_texts in (False, True):
        table = datasets.read(path, as_texts, encoding)
        assert table.to_dict("list") == ROWS
    json = tmp_path / "table.jsonl"
    lines = pd.DataFrame(ROWS).to_json(orient="records", lines=True, force_ascii=False)
    json.write_bytes(lines.encode(encoding))
    assert datasets.opened(json, encoding=encoding).to_dict("list") == ROWS


def test_without_a_declaration_it_is_refused_and_the_message_says_how_to_declare_it(windows):
    with pytest.raises(DataError, match=r"windows\.csv is not UTF-8 text.* at byte 4.*cp1252"):
        datasets.read(windows)
    with pytest.raises(DataError, match=r"is not ascii text.* at byte 4\. Declare another enc"):
        datasets.read(windows, encoding="ascii")


@pytest.mark.parametrize(
    "encoding", ["cp125", "hex", "rot13", "idna", "", None, 1252, "\0", "utf 8 or so"]
)
def test_an_unknown_encoding_is_refused_before_anything_is_read(encoding):
    with pytest.raises(ConfigError, match="`encoding` must be the name of a text encoding"):
        datasets.read("there_is_no_such_file.csv", encoding=encoding)
    with pytest.raises(ConfigError, match="`encoding` must be"):
        datasets.opened("there_is_no_such_folder/*.csv", encoding=encoding)
    with pytest.raises(ConfigError, match="`encoding` must be"):
        Plan(tasks={"a": "binary"}, encoding=encoding)


@pytest.mark.parametrize("opened", [datasets.read, Stream])
def test_a_declaration_for_parquet_is_told_to_have_no_effect(tmp_path, opened):
    pd.DataFrame(ROWS).to_parquet(tmp_path / "x.parquet")
    opened(tmp_path / "x.parquet")
    with pytest.warns(UserWarning, match=r"x\.parquet: the declared encoding cp1252 has no effect"):
        opened(tmp_path / "x.parquet", encoding="cp1252")


def test_a_wrong_declaration_is_told(tmp_path):
    path = tmp_path / "utf8.csv"
    even = TEXT + "\n" * (len(TEXT.encode()) % 2)
    path.write_text(even, encoding="utf-8")
    for encoding in ("cp1252", "utf-16"):
        told = pytest.warns(UserWarning, match=r"utf8\.csv is read as .* but is valid UTF-8")
        with told, contextlib.suppress(DataError):  # as UTF-16, it has no rows
            datasets.read(path, encoding=encoding)
    for mark, encoding in (("utf-8-sig", "cp1252"), ("utf-16", "latin-1"), ("utf-8-sig", "utf-16")):
        path.write_text(TEXT, encoding=mark)
        with pytest.raises(DataError, match="and begins with the byte-order mark of UTF-"):
            datasets.read(path, encoding=encoding)
    path.write_text("a,b\n1,2\n", encoding="ascii")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert datasets.read(path, encoding="cp1252").shape == (1, 2)


def test_streams_are_cut_at_line_ends_of_encodings_that_allow_it(windows, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", 20)
    stream = Stream(windows, "cp1252")
    assert len(stream.groups) > 1 and stream.read().to_dict("list") == ROWS
    assert [table["Straße"].tolist() for table in stream.batches(2)] == [
        ["Müllerweg", "Ölgasse"],
        ["Café"],
    ]
    utf8 = windows.with_name("utf8.csv")
    utf8.write_bytes(TEXT.encode())
    assert Stream(utf8).identity()[-1] == Stream(utf8).size
    assert stream.identity()[-1] == "cp1252"
    for encoding in ("utf-16", "shift_jis", "gbk", "utf-7", "cp037", "iso2022_jp"):
        with pytest.raises(DataError, match=f"cannot be read in pieces as {encoding}"):
            Stream(windows, encoding)
    whole = TEXT.encode("cp1252")
    windows.write_bytes(whole.replace("ß\n".encode("cp1252"), b"\x81\n"))  # undefined
    with pytest.raises(DataError, match=f"is not cp1252 text: .* at byte {len(whole) - 2}\\."):
        Stream(windows, "cp1252")


def test_an_experiment_file_and_commands_declare_it(windows, capsys):
    config = {"tasks": {"Größe": "binary"}, "data": {"path": "a.csv", "encoding": "windows-1252"}}
    plan = Plan.from_dict(config)
    assert plan.encoding == "cp1252" and plan.to_dict()["data"]["encoding"] == "cp1252"
    assert "encoding" not in plan.but(encoding="utf-8").to_dict()["data"]
    assert main(["inspect", str(windows), "--encoding", "cp1252"]) == 0
    assert "Größe" in capsys.readouterr().out
    assert main(["train", str(windows), "--target", "Größe", "--encoding", "cp125"]) == 1
    assert "`encoding` must be" in capsys.readouterr().err
