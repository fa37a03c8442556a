"""Splits of a stream: each row has one part, whatever else is read and in whatever order."""

import numpy as np
import pandas as pd
import pytest

from mtl_keras.datasets import Split, Stream
from mtl_keras.datasets.assignment import Assignment
from mtl_keras.datasets.divided import Divided
from mtl_keras.errors import DataError
from tests.datasets.test_stream import parquet

ROWS = 4000


def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "user": random.integers(0, 300, ROWS),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.permutation(ROWS), unit="h"),
            "day": pd.Series(random.permutation(ROWS)).map(lambda d: f"{1 + d % 28:02d}.02.2024"),
            "part": random.choice(["train", "validation", "test"], ROWS, p=[0.6, 0.2, 0.2]),
            "y": random.choice([0.0, 1.0, np.nan], ROWS),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty files, in two row groups each."""
    folder = tmp_path_factory.mktemp("split")
    for number, start in enumerate(range(0, ROWS, 200)):
        part = rows().iloc[start : start + 200]
        parquet(folder / f"{number:02d}.parquet", part, row_group_size=130)
    return folder


SPLITS = {
    "random": Split(),
    "group": Split("group", column="user"),
    "time": Split("time", column="at"),
    "days": Split("time", column="day"),
    "column": Split("column", column="part"),
    "file": Split("file"),
}


def assigned(source, split, seed=0, chunk_rows=50) -> pd.DataFrame:
    """The part of each row, and the rows, sorted as in the table."""
    stream = Stream(source)
    assignment = Assignment(split, stream, seed)
    tables = [
        chunk.table.assign(number=assignment.of(chunk), file=chunk.group.file)
        for chunk in stream.chunks(rows=chunk_rows)
    ]
    return pd.concat(tables).rename_axis("row").sort_values(["file", "row"])


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_a_row_is_in_the_same_part_whatever_is_read_how(folder, split):
    first = assigned(folder, split)
    backwards = [str(path) for path in sorted(folder.glob("*"), reverse=True)]
    again = assigned(backwards, split, chunk_rows=999)
    assert (first["number"].to_numpy() == again["number"].to_numpy()).all()
    shares = first["number"].value_counts(normalize=True)
    assert shares[[0, 1, 2]].tolist() == pytest.approx([0.65, 0.15, 0.2], abs=0.06)


def test_each_way_to_split_keeps_together_what_it_says(folder):
    groups = assigned(folder, SPLITS["group"])
    assert (groups.groupby("user")["number"].nunique() == 1).all()
    times = assigned(folder, SPLITS["time"]).groupby("number")["at"].agg(["min", "max"])
    assert times.loc[0, "max"] < times.loc[1, "min"] < times.loc[1, "max"] < times.loc[2, "min"]
    days = assigned(folder, SPLITS["days"]).groupby("number")["day"].agg(["min", "max"])
    assert days.loc[0, "max"] < days.loc[1, "min"] and days.loc[1, "max"] < days.loc[2, "min"]
    files = assigned(folder, SPLITS["file"])
    assert (files.groupby("file")["number"].nunique() == 1).all()
    stated = assigned(folder, SPLITS["column"])
    assert (stated["part"].map(["train", "validation", "test"].index) == stated["number"]).all()


def test_the_seed_decides_and_a_new_file_moves_no_row(folder, tmp_path):
    first = assigned(folder, Split())
    assert (first["number"].to_numpy() != assigned(folder, Split(), seed=1)["number"]).any()
    fewer = [str(path) for path in sorted(folder.glob("*"))[:7]]
    some = first[first["file"] < "07.parquet"]
    assert (assigned(fewer, Split())["number"].to_numpy() == some["number"].to_numpy()).all()


def test_rows_are_counted_and_sampled_by_part(folder):
    divided = Divided(Stream(folder), Split(), 0, ["y"])
    assert divided.unlabelled == rows()["y"].isna().sum()
    assert divided.counts.sum() == rows()["y"].notna().sum()
    read = {part: sum(len(c.table) for c in divided.chunks(part, ["y"])) for part in divided.totals}
    assert read == divided.totals
    samples = divided.samples({"train": 500, "validation": 10**6, "test": 100})
    assert len(samples["validation"]) == divided.totals["validation"]
    assert 400 < len(samples["train"]) < 600 and 60 < len(samples["test"]) < 140
    assert samples["train"]["user"].nunique() > 200  # from everywhere, not from the first files
    again = Divided(Stream(folder), Split(), 0, ["y"]).samples(
        {"train": 500} | dict.fromkeys(("validation", "test"), 100)
    )
    pd.testing.assert_frame_equal(samples["train"], again["train"])


def test_a_label_in_one_row_of_the_last_file_is_in_the_sample(tmp_path):
    common = pd.DataFrame({"y": ["a", "b"] * 500})
    for name in "abc":
        parquet(tmp_path / f"{name}.parquet", common)
    parquet(tmp_path / "z.parquet", pd.DataFrame({"y": ["a"] * 9 + ["rare"] * 30}))
    samples = Divided(Stream(tmp_path), Split(), 0, ["y"]).samples(
        {"train": 20, "validation": 20, "test": 20}
    )
    assert set(samples["train"]["y"]) == {"a", "b", "rare"} and len(samples["train"]) < 60


def test_what_cannot_be_split_is_refused(tmp_path):
    parquet(tmp_path / "a.parquet", {"y": [1, 0] * 50, "g": ["one"] * 100, "t": [None] * 100})
    stream = Stream(tmp_path)
    for split, message in (
        (Split("group", column="g"), "The split leaves no .* rows of 100 of"),
        (Split("file"), "has 1 files with rows. Expected at least three"),
        (Split("group", column="h"), "no column 'h', which the split needs"),
        (Split("group", column="t"), r"a\.parquet: Column 't' has no group in row 0"),
    ):
        with pytest.raises(DataError, match=message):
            Divided(stream, split, 0, ["y"])
    with pytest.raises(DataError, match=r"No row has a label: the columns \['t'\] are empty"):
        Divided(stream, Split(), 0, ["t"])
