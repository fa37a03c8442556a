"""The command line: the whole road, mistakes told in one message, help at once."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from mtl_keras.cli import main
from mtl_keras.jobs.ray_cluster import Cluster
from tests import cases


@pytest.fixture()
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases.table().to_csv("shop.csv", index=False)
    return "shop.csv"


def test_train_inspect_predict_evaluate(table, capsys):
    targets = ["--target", "left:binary", "--target", "account balance (£):regression"]
    others = {column for task in cases.TASKS for column in task.columns}
    others -= {"left", "account balance (£)"}
    drops = [flag for name in sorted(others) for flag in ("--drop", name)]
    train = ["train", table, *targets, *drops, "--epochs", "2", "--seed", "3"]
    assert main([*train, "--balancer", "uncertainty", "--stratify", "left"]) == 0
    printed = capsys.readouterr().out
    assert "2/2" in printed and "left_auc" in printed and "roc_auc" in printed
    assert "column id: dropped" in printed
    assert main(["inspect", "saved_models/shop"]) == 0
    assert "town: categorical, string" in capsys.readouterr().out
    for name in ("out.csv", "out.parquet"):
        assert main(["predict", "saved_models/shop", table, "-o", name]) == 0
    answers = pd.read_csv("out.csv")
    assert len(answers) == 400
    assert list(answers) == ["left", "left_probability", "account balance (£)"]
    with pytest.warns(UserWarning, match="of these rows were trained on"):
        assert main(["evaluate", "saved_models/shop", table, "-o", "scores.csv"]) == 0
    assert "r2" in capsys.readouterr().out
    assert main(["inspect", table]) == 0
    assert "member: boolean, no and yes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nothing.csv", "--target", "a:binary"], "There is no file nothing.csv"),
        (["train", "shop.csv"], "Name the columns of shop.csv to predict"),
        (["train", "shop.csv", "--target", "left"], "must be COLUMN:KIND"),
        (["train", "shop.csv", "--target", "left:binry"], "Did you mean 'binary'"),
        (["train", "shop.csv", "--target", "lft:binary"], "Did you mean 'left'"),
        (["train", "nothing.toml"], "There is no experiment file"),
        (["predict", "nowhere", "shop.csv"], "no trained model in nowhere"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_1(table, capsys, arguments, message):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert main([*arguments, "--verbose"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    heavy = "tensorflow keras pandas sklearn matplotlib pydantic"
    script = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from mtl_keras.cli import main; main()\n"
        f"assert not set('{heavy}'.split()) & set(sys.modules)"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert time.perf_counter() - start < 5  # far under one second where the machine is not busy


def test_flags_say_what_they_say_and_nothing_else(monkeypatch):
    calls = []
    monkeypatch.setattr("mtl_keras.cli.training._train", lambda *arguments: calls.append(arguments))
    flags = ["--seed", "0", "--drop", "b", "--feature", "c:date", "--target", "t:own.kinds:Mine"]
    flags += ["--stream", "--split", "time", "--split-column", "at"]
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
    (source, overrides, models, resume, trusted, cluster), (_, none, *_, here) = calls
    assert (source, models, resume) == ("s3://shop/*.parquet", Path("there"), False)
    assert not trusted
    assert overrides == {
        "seed": 0,
        "features": {"c": "date", "b": "drop"},
        "tasks": {"t": "own.kinds:Mine"},
        "data": {"streaming": True},
        "split": {"strategy": "time", "column": "at"},
    }
    assert Cluster(**cluster) == Cluster(3, "auto", 2, "s3://x")
    assert none == {} and Cluster(**here) == Cluster()
    for flag, value in (("--seeds", "0"), ("--workers", "0"), ("--tries", "-1"), ("--tune", "-1")):
        assert main(["compare", flag, value]) == 2


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "--resume"),
        (OSError(errno.ENOSPC, "No space left on device", "out.csv"), 1, "out.csv: No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "models"), 1, "models: Permission"),
    ],
)
def test_what_is_no_mistake_of_the_user_is_one_message_too(
    monkeypatch, capsys, error, code, message
):
    def stop(*_):
        raise error

    monkeypatch.setattr("mtl_keras.cli.training._train", stop)
    assert main(["train"]) == code
    printed = capsys.readouterr().err
    assert message in printed and "Traceback" not in printed


def test_columns_that_are_kept_are_as_they_were_read(monkeypatch, tmp_path):
    class Model:
        def predict(self, table):
            return pd.DataFrame({"code": [1.0, 2.0]}, index=table.index)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mtl_keras.load", lambda *_, **__: Model(), raising=False)
    Path("rows.csv").write_text("code,note\n00001,=1+1\n2,\n")
    arguments = ["predict", "model", "rows.csv", "--keep", "-o"]
    assert main([*arguments, "out.csv"]) == 0
    assert Path("out.csv").read_text() == ("code,note,code_predicted\n00001,=1+1,1.0\n2,,2.0\n")
    assert main([*arguments, "safe.csv", "--escape-formulas"]) == 0
    assert ",'=1+1," in Path("safe.csv").read_text()
    assert main([*arguments, "out.xlsx"]) == 1 and not Path("out.xlsx").exists()


def test_tensorflows_notices_are_not_printed(tmp_path):
    pd.DataFrame({"x": range(40), "y": [0, 1] * 20}).to_csv(tmp_path / "t.csv", index=False)
    command = [sys.executable, "-m", "mtl_keras", "train", "t.csv", "--target", "z:binary"]
    paths = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: The table has no column 'z'")
