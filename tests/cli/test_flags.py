"""What flags say of an experiment."""

from pathlib import Path

import pytest
import typer

from mtl_keras.cli import main
from mtl_keras.cli.experiments import declared
from mtl_keras.cli.flags import Flags
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.jobs.ray_cluster import Cluster
from tests import cases


@pytest.fixture()
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases.table().to_csv("shop.csv", index=False)
    return "shop.csv"


class Asked:
    """An experiment whose training ends at once; `runs` are the arguments of each."""

    name = "shop"

    def __init__(self):
        self.runs = []

    def run(self, table, **arguments):
        self.runs.append(arguments)
        raise typer.Exit


def test_flags_say_what_they_say_and_nothing_else(monkeypatch, tmp_path):
    calls, asked = [], Asked()

    def declared(source, flags, trusted, show, **training):
        calls.append((source, flags, trusted, training))
        return asked, None

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mtl_keras.cli.training.declared", declared)
    flags = ["--seed", "0", "--drop", "b", "--feature", "c:date", "--target", "t:own.kinds:Mine"]
    flags += ["--target", "a:b", "--target", "a=b:binary", "--target", "c:d:count"]
    flags += ["--positive", "a=b=<=50K", "--threshold", "a=b=0.3", "--order", "g=1,2"]
    flags += ["--missing-value", "age=999", "--missing-value", "age=?"]
    flags += [
        "--target",
        "u",
        "--stream",
        "--encoding",
        "cp1252",
        "--split",
        "time",
        "--split-column",
        "at",
    ]
    flags += [
        "--workers",
        "3",
        "--address",
        "auto",
        "--gpus-per-worker",
        "2",
        "--storage",
        "s3://x",
    ]
    assert main(["train", "s3://shop/*.parquet", *flags, "--models", "there"]) == 0
    assert main(["train"]) == 0
    (source, given, trusted, recorded), (_, none, *_) = calls
    there, here = asked.runs
    assert source == "s3://shop/*.parquet" and not trusted and not any(recorded.values())
    assert (there["checkpoint"], there["resume"]) == (Path("there/shop/.training"), False)
    assert given.overrides() == {
        "seed": 0,
        "features": {"c": "date", "b": "drop"},
        "tasks": {
            "t": "own.kinds:Mine",
            "a:b": None,
            "a=b": {"kind": "binary", "positive": "<=50K", "threshold": 0.3},
            "c:d": "count",
            "u": None,
            "g": {"classes": ["1", "2"]},
        },
        "data": {
            "streaming": True,
            "missing_values": {"age": ["999", "?"]},
            "encoding": "cp1252",
        },
        "split": {"strategy": "time", "column": "at"},
    }
    assert there["workers"] == Cluster(3, "auto", 2, "s3://x")
    assert none.overrides() == {} and here["workers"] == Cluster()
    for flag, value in (("--seeds", "0"), ("--workers", "0"), ("--tries", "-1"), ("--tune", "-1")):
        assert main(["compare", flag, value]) == 2


def test_what_is_stated_of_a_target_goes_into_the_experiment_that_is_there(table):
    shop = Flags(positive=["left=no"], order=["class=1st,2nd"])
    experiment, _ = declared(table, shop, (), print)
    left, grade = sorted(experiment.tasks, key=lambda task: task.kind)
    assert (left.kind, left.positive) == ("binary", "no")
    assert (grade.kind, grade.classes) == ("ordinal", ("1st", "2nd"))
    toml = '[tasks]\nleft = {kind = "binary", weight = 2.0}\n[data]\npath = "shop.csv"\n'
    Path("shop.toml").write_text(toml)
    (task,) = declared("shop.toml", Flags(threshold=["left=0.3"]), (), print)[0].tasks
    assert (task.weight, task.threshold) == (2.0, 0.3)


def test_a_column_with_a_colon_is_a_target(table):
    cases.table().rename(columns={"left": "a:b"}).to_csv(table, index=False)
    told = []
    experiment, _ = declared(table, Flags(target=["a:b"]), (), told.append)
    assert [(task.name, task.kind) for task in experiment.tasks] == [("a:b", "binary")]
    with pytest.raises(ConfigError, match=r"Unknown kind of a target 'binry'. Did you mean 'bin"):
        declared(table, Flags(target=["a:b:binry"]), (), told.append)


def test_a_label_that_means_missing_is_no_class(table):
    rows = cases.table().astype({"left": object})
    rows.loc[:20, "left"] = "k.A."
    rows.to_csv(table, index=False)
    told = []
    flags = Flags(target=["left"], missing_value=["left=k.A."])
    experiment, _ = declared(table, flags, (), told.append)
    assert experiment.tasks[0].kind == "binary" and "2 classes" in told[0]
    assert experiment.missing_values == {"left": ["k.A."]}


def test_the_table_is_read_in_the_encoding_that_is_declared(table):
    rows = cases.table(60)[["age", "left"]].rename(columns={"age": "größe", "left": "gekündigt"})
    rows.to_csv(table, index=False, encoding="cp1252")
    flags = Flags(target=["gekündigt"], encoding="cp1252")
    experiment, read = declared(table, flags, (), print)
    assert experiment.encoding == "cp1252" and list(read) == ["größe", "gekündigt"]
    assert experiment.prepare().encoder.features[0].name == "größe"
    with pytest.raises(ConfigError, match="Unknown architecture 'mmo'"):  # after it is read
        experiment.compare(also=["mmo"], show=None)
    with pytest.raises(DataError, match="is not UTF-8 text"):
        experiment.but(encoding="utf-8").compare(also=["mmo"], show=None)
