"""Experiments on streams: the same words, the same quality, and what is wrong found before."""

import datetime
import decimal
import itertools
import re
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import mtl_keras as mtl
from mtl_keras import datasets
from mtl_keras.comparison import procedure
from mtl_keras.datasets import divided
from mtl_keras.datasets.row_groups import ParquetFiles
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.export.prediction_files import kept
from mtl_keras.runs import streamed
from mtl_keras.search import settled
from tests import without
from tests.datasets.test_stream import parquet

pytestmark = pytest.mark.xdist_group("streams")

ROWS = 3000
TASKS = {"left": "binary", "spend": "regression", "segment": "multiclass"}


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    age = random.normal(40, 10, ROWS)
    town = random.choice(["Ulm", "Bath", "Nice"], ROWS)
    rows = pd.DataFrame({"id": [f"{i:05d}" for i in range(ROWS)], "age": age, "town": town})
    rows["left"] = (age + 5 * (town == "Ulm") + random.normal(0, 5, ROWS) > 42).astype(int)
    rows["spend"] = 2 * age + random.normal(0, 3, ROWS)
    rows["segment"] = np.where(age > 45, "old", "young")
    rows.loc[ROWS - 12 :, "segment"] = "late"  # a class in the last file only
    rows.loc[::50, ["left", "spend", "segment"]] = None
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    for number, start in enumerate(range(0, ROWS, 750)):
        part = table().iloc[start : start + 750]
        parquet(folder / f"{number}.parquet", part, row_group_size=300)
    return folder


def experiment(**options) -> mtl.Experiment:
    training = {"epochs": 8, "batch_size": 64, "learning_rate": 0.01}
    network = {"layers": [16], "members": 1, "number_embedding": "none"}
    default = {"tasks": TASKS, "architecture": network, "training": training, "streaming": True}
    return mtl.Experiment(**default | options)


@pytest.fixture(scope="module")
def trained(folder):
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "SAMPLE_ROWS", {"train": 500, "validation": 300, "test": 90})
        patch.setattr(divided, "MOST_VALUES", 50)
        made = experiment(slices="town").run(folder, show=said.append)
    made.said = said
    return made


@pytest.fixture(scope="module")
def model(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    with without.report():
        trained.export(folder)
    return mtl.load(folder)


def test_a_streamed_run_is_as_good_as_one_in_memory(trained, folder):
    in_memory = experiment(streaming=False).run(folder, show=None)
    for task, score in (("left", "roc_auc"), ("spend", "r2"), ("segment", "accuracy")):
        both = trained.evaluation[task][score], in_memory.evaluation[task][score]
        assert both[0] > both[1] - 0.03 and both[0] > 0.8, (task, both)


def test_all_rows_count_and_samples_are_stated(trained):
    assert sum(trained.rows.values()) == ROWS - ROWS // 50
    assert len(trained.truths["test"]["left"]) == trained.rows["test"] > len(trained.test) > 40
    assert "4 files: read as a stream" in trained.said[0]
    assert trained.said[1] == "60 rows have no label for any task and are left out"
    assert f"of {trained.rows['train']:,} training rows" in trained.said[2]
    assert trained.metrics()["rows"] == trained.rows
    assert set(trained.slices("town")["value"]) == {"Ulm", "Bath", "Nice"}


def test_the_worst_rows_of_a_sample_are_named(trained):
    worst = trained.diagnostics.worst_rows
    assert len(trained.test) < len(trained.truths["test"]["spend"])
    assert set(worst["name"].str.removeprefix("id ")) <= set(trained.test["id"])


@pytest.mark.parametrize(("strategy", "column"), [("file", None), ("group", "age")])
def test_rows_that_a_split_keeps_together_are_judged_together(folder, strategy, column):
    class Zeros:
        def predict(self, x, verbose):
            return {"spend": np.zeros((len(next(iter(x.values()))), 1))}

    split = mtl.Split(strategy, column=column)
    plan = experiment(tasks={"spend": "regression"}, split=split, features={"age": "drop"})
    rows = plan.prepare(folder)
    truths, _, groups = rows.tested(Zeros(), split)
    assert len(groups) == len(truths["test"]["spend"]) == rows.counts["test"]
    if strategy == "file":
        assert {str(group)[-9:] for group in groups} < {f"{n}.parquet" for n in range(9)}
    else:
        assert set(groups) == set(rows.rows["test"]["age"].astype(str))


def test_a_class_of_the_last_file_alone_is_known(trained):
    segment = next(task for task in trained.tasks if task.name == "segment")
    assert segment.classes == ("late", "old", "young")


def test_answers_come_file_by_file_and_finished_files_are_kept(model, folder, tmp_path):
    output, said = tmp_path / "answers", []
    model.predict_files(folder, output, show=said.append)
    assert [path.name for path in sorted(output.glob("*.parquet"))] == [
        f"{number}.parquet" for number in range(4)
    ]
    third = pd.read_parquet(folder / "2.parquet").reset_index(drop=True)
    whole = model.predict(third)
    pd.testing.assert_frame_equal(pd.read_parquet(output / "2.parquet"), whole, check_dtype=False)
    (output / "1.parquet").unlink()
    before = (output / "2.parquet").stat().st_mtime_ns
    model.predict_files(folder, output, show=said.append)
    assert said[-2:] == [
        "3 of 4 files were finished before and are kept",
        f"2/4  {output / '1.parquet'}: 750 rows",
    ]
    assert (output / "2.parquet").stat().st_mtime_ns == before
    with pytest.raises(
        ConfigError, match="contains predictions of another model, or with other options"
    ):
        model.predict_files(folder, output, keep=True)
    model.predict_files(folder, tmp_path / "all.csv", keep=True)
    together = pd.read_csv(tmp_path / "all.csv", dtype={"id": str})
    assert together["id"].tolist() == table()["id"].tolist()
    assert together["spend_predicted"].iloc[1500:2250].tolist() == pytest.approx(
        whole["spend"].tolist(), rel=1e-4
    )
    with pytest.warns(UserWarning, match="% of these rows were trained on"):
        scores = model.evaluate(folder).to_dict()
    assert scores["left"]["rows"] == ROWS - ROWS // 50


def test_what_is_judged_and_answered_reads_no_column_in_vain(model, folder, tmp_path, monkeypatch):
    read, said = set(), []

    def tables(files, group, columns, *rest):
        read.update(files.columns if columns is None else columns)
        return own(files, group, columns, *rest)

    own = ParquetFiles.tables
    monkeypatch.setattr(ParquetFiles, "tables", tables)
    monkeypatch.setattr("mtl_keras.datasets.source.available_memory", lambda: 1000.0)
    monkeypatch.setattr("mtl_keras.export.scoring.EVALUATED_ROWS", 1000)
    with pytest.warns(UserWarning, match="% of these rows were trained on"):
        evaluation = model.evaluate(folder, show=said.append)
    assert read == {"age", "town", "left", "spend", "segment"}
    count = re.fullmatch(r"evaluated on ([\d,]+) of 3,000 rows", said[-1])[1]
    assert 900 < int(count.replace(",", "")) < 1100
    assert abs(evaluation.to_dict()["left"]["rows"] / 0.98 - 1000) < 100
    read.clear()
    model.predict_files(folder, tmp_path / "answers")
    assert read == {"age", "town"}


def test_a_file_that_was_replaced_is_answered_again(model, tmp_path):
    """Of another file with as many rows, the predictions of the old one were kept."""
    (tmp_path / "rows").mkdir()
    for first in (0, 20):
        rows = table()[first : first + 20]
        rows.to_parquet(tmp_path / "rows" / "1.parquet", index=False)
        model.predict_files(tmp_path / "rows", tmp_path / "answers")
        found = pd.read_parquet(tmp_path / "answers" / "1.parquet")
        assert found["spend"].tolist() == pytest.approx(model.predict(rows)["spend"], rel=1e-4)


def test_a_long_csv_is_answered_as_a_short_one_to_the_byte(model, tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_keras.datasets.pieces.PIECE", 10_000)
    monkeypatch.setattr("mtl_keras.export.predictor.rows_per_call", lambda features: 64)
    rows = table()
    rows["town"] = rows["town"].astype(object)
    rows.loc[2000::2, "town"] = 7  # numbers among texts
    rows.to_csv(tmp_path / "long.csv", index=False)
    model.predict_files(tmp_path / "long.csv", tmp_path / "chunks.csv", keep=True)
    own = datasets.read(tmp_path / "long.csv", as_texts=True)
    datasets.write(kept(own, model.predict(tmp_path / "long.csv")), tmp_path / "whole.csv")
    assert (tmp_path / "chunks.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert pd.read_csv(tmp_path / "chunks.csv", dtype=str)["id"].iloc[7] == "00007"


def refused(folder, tmp_path, change) -> str:
    """The error of preparing with a change to the last rows of the last file."""
    for path in folder.glob("*.parquet"):
        part = pd.read_parquet(path)
        parquet(tmp_path / path.name, change(part) if path.name == "3.parquet" else part)
    with pytest.raises(DataError) as error:
        experiment(features={"price": "numeric"}, sample_weight={"left": "weight"}).prepare(
            tmp_path
        )
    return str(error.value)


def test_a_bad_row_of_the_last_file_is_found_before_the_training(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(streamed, "SAMPLE_ROWS", dict.fromkeys(("train", "validation", "test"), 99))
    monkeypatch.setattr(divided, "MOST_VALUES", 50)
    plain = table().assign(price="1.50", weight=1.0)
    for number, start in enumerate(range(0, ROWS, 750)):
        parquet(tmp_path / "in" / f"{number}.parquet", plain.iloc[start : start + 750])

    def with_last(column, value):
        def change(part):
            values = part[column].tolist()
            return part.assign(**{column: [*values[:-1], value]})

        return change

    message = refused(tmp_path / "in", tmp_path / "a", with_last("price", "dear"))
    assert f"{tmp_path}/a/3.parquet: Feature 'price' is numeric" in message
    assert "'dear' in row 749" in message
    message = refused(tmp_path / "in", tmp_path / "b", with_last("weight", -1.0))
    assert "b/3.parquet: Column 'weight' must contain weights from 0" in message


def test_of_two_workers_each_reads_half_and_meets_what_is_wrong_there(
    folder, tmp_path, monkeypatch
):
    files = shutil.copytree(folder, tmp_path / "events")
    feed = experiment().prepare(files).data.feed
    read, tables = [], ParquetFiles.tables

    def counted(self, group, columns, rows):
        read.append((group.file, group.number))
        return tables(self, group, columns, rows)

    monkeypatch.setattr(ParquetFiles, "tables", counted)
    of_both, rows = [], 0
    for worker in range(2):
        for block in feed._epoch(0, worker, 2, 100):
            if not len(block[0]):
                break
            rows += len(block[0])
        of_both.append(read.copy())
        read.clear()
    assert rows == feed.total
    assert sorted(map(len, of_both)) in ([6, 6], [6, 7])  # 12 groups, of which one may be cut
    gone = of_both[0][0][0]
    (files / gone).unlink()  # between two epochs
    with pytest.raises(DataError, match=rf"Row group \d of {files / gone} cannot be read"):
        list(itertools.islice(feed._epoch(0, 0, 2, 100), 99))


def test_what_is_open_is_tried_on_the_sample_and_a_comparison_too(folder, monkeypatch):
    monkeypatch.setattr(procedure, "MOST_ROWS", 400)
    said = []
    table = procedure._in_memory(experiment(), folder, said.append)
    assert 300 < len(table) < 500 and table["segment"].nunique() == 3
    assert said[-1] == f"compared on a sample of {len(table):,} of 3,000 rows"
    prepared = experiment(balancer="auto").prepare(folder)
    assert prepared.sampled().data.training_rows == len(prepared.rows["train"])
    losses = pd.DataFrame({f"val_{task}_loss": [1.0] for task in TASKS})
    settled(experiment(balancer="auto"), prepared.data, lambda *_: losses, said.append)
    rows = prepared.rows["train"]
    assert f"candidates are trained on {len(rows):,} rows in memory" in said


def test_a_column_that_begins_with_missing_cells_is_kept(model, tmp_path, monkeypatch):
    """Its type was taken from the first rows, where a column without a value has none."""
    monkeypatch.setattr("mtl_keras.export.predictor.rows_per_call", lambda features: 64)
    rows = table()[:200]
    late = {"member": True, "since": datetime.date(2021, 5, 6), "price": decimal.Decimal("1.10")}
    late |= {"number": 2**60 + 1}
    for name, value in late.items():
        rows[name] = pd.Series([None] * 100 + [value] * 100, dtype=object)
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=50)
    model.predict_files(tmp_path / "rows.parquet", tmp_path / "answers.parquet", keep=list(late))
    written = pq.read_table(tmp_path / "answers.parquet").select(list(late))
    assert written.equals(pq.read_table(tmp_path / "rows.parquet").select(list(late)))
