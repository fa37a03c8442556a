"""Files that are not local: found, read and answered as local ones are, and named in errors."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtl_keras.datasets.stream import Stream
from mtl_keras.errors import DataError
from tests.datasets.test_stream import table

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def shop():
    """A file system that has no folder on this machine, with Parquet and CSV files."""
    files = fsspec.filesystem("memory")
    for year in (2023, 2024):
        for number in range(2):
            with files.open(f"/shop/year={year}/{number}.parquet", "wb") as file:
                pq.write_table(pa.table(table(30, number)), file, row_group_size=20)
    with files.open("/csv/one.csv", "wb") as file:
        file.write(table(50).to_csv(index=False).encode())
    yield files
    for folder in ("/shop", "/csv"):
        files.rm(folder, recursive=True)


def test_folders_patterns_and_lists_of_another_file_system_are_read(shop):
    stream = Stream("memory://shop")
    assert stream.rows == len(stream.read()) == 120 and len(stream.groups) == 8
    assert stream.columns == ["x", "town", "year"]
    rows = Stream("memory://shop/year=2024/*.parquet").read()
    np.testing.assert_array_equal(rows["x"], [*table(30, 0)["x"], *table(30, 1)["x"]])
    names = [f"memory://shop/year={year}/1.parquet" for year in (2023, 2024)]
    assert Stream(names).rows == 60
    pd.testing.assert_frame_equal(Stream("memory://csv/one.csv").read(), table(50))


def test_what_is_wrong_there_is_named(shop):
    with pytest.raises(DataError, match=r"There is no table in memory://shop/\*\.csv"):
        Stream("memory://shop/*.csv")
    stream = Stream("memory://shop")
    shop.rm("/shop/year=2024/0.parquet")
    with pytest.raises(DataError, match=r"Row group 0 of /?shop/year=2024/0\.parquet cannot be"):
        stream.read()
    with pytest.raises(DataError, match=r"no file or folder /?nothing, or it cannot be reached"):
        Stream("memory://nothing")
    with pytest.raises(DataError, match="nosuch://shop cannot be opened"):
        Stream("nosuch://shop")
