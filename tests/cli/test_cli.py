"""The command line: the whole road, mistakes told in one message, help at once."""

import contextlib
import errno
import gc
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
import tomli_w
import typer

from mtl_keras.cli import application, main
from mtl_keras.declaring.error_stream import silenced
from tests import cases


@pytest.fixture()
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases.table().to_csv("shop.csv", index=False)
    return "shop.csv"


def test_train_inspect_predict_evaluate(small_presets, without_report, table, capsys):
    targets = ["--target", "left", "--target", "account balance (£):regression"]
    others = {column for task in cases.TASKS for column in task.columns}
    others -= {"left", "account balance (£)"}
    drops = [flag for name in sorted(others) for flag in ("--drop", name)]
    train = ["train", table, *targets, *drops, "--epochs", "2", "--seed", "3"]
    assert main([*train, "--balancer", "uncertainty", "--stratify", "left"]) == 0
    printed = capsys.readouterr().out
    assert "2/2" in printed and "left_auc" in printed and "roc_auc" in printed
    assert "column id: dropped" in printed and "left: assumed to be binary, 2 classes" in printed
    assert "left: the positive class is 'yes' (" in printed
    assert main(["inspect", "saved_models/shop"]) == 0
    inspected = capsys.readouterr().out
    assert "town: categorical, string" in inspected
    words = re.search(r"  left: (the positive .* least [\d.]+); to change it, train", inspected)
    assert f"left: {words[1]} (the highest F1 on the validation rows)" in printed
    for name in ("out.csv", "out.parquet"):
        assert main(["predict", "saved_models/shop", table, "-o", name]) == 0
    answers = pd.read_csv("out.csv")
    assert len(answers) == 400
    assert list(answers) == ["id", "left", "left_probability", "account balance (£)"]
    assert answers["id"].tolist() == cases.table()["id"].tolist()
    with pytest.warns(UserWarning, match="of these rows were trained on"):
        assert main(["evaluate", "saved_models/shop", table, "-o", "scores.csv"]) == 0
    assert "r2" in capsys.readouterr().out
    assert main(["inspect", table]) == 0
    assert "member: boolean, no and yes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nothing.csv", "--target", "a:binary"], "There is no file nothing.csv"),
        (["inspect", "nothing"], "neither a trained model nor a table"),
        (["train", "shop.csv"], "Name the columns of shop.csv to predict"),
        (
            ["train", "shop.csv", "--target", "left", "--feature", "left:categorical"],
            "it is left out of them anyway",
        ),
        (["predict", "nowhere", "shop.csv", "-o", "shop.csv/out.csv"], "shop.csv: File exists"),
        (["train", "shop.csv", "--feature", "left"], "must be COLUMN:KIND"),
        (["train", "shop.csv", "--feature", "left:boolan"], "Did you mean 'boolean'"),
        (["train", "shop.csv", "--target", "town:ordinal"], "--order 'town=Bath,Ely,\"Wells, "),
        (["compare", "shop.csv", "--target", "town:ordinal", "--workers", "2"], "--order 'town="),
        (["train", "shop.csv", "--order", "town=a,b"], "has none of the task's `classes`"),
        (["train", "shop.csv", "--order", "town"], "--order must be COLUMN=LOW,MID,HIGH"),
        (["train", "shop.csv", "--threshold", "left=x"], "--threshold must be COLUMN=NUMBER"),
        (["train", "shop.csv", "--positive", "left=maybe"], "'maybe' is not in column 'left'"),
        (["train", "shop.csv", "--target", "lft"], "Did you mean 'left'"),
        (["train", "shop.csv", "--target", "id"], "look like an identifier"),
        (["train", "shop.csv", "--target", "visits"], "visits:count for numbers of events"),
        (["compare", "shop.csv"], "Name the columns of shop.csv to predict"),
        (["tune", "shop.csv", "--target", "left:binry"], "Did you mean 'binary'"),
        (
            ["train", "shop.csv", "--target", "left", "--balancer", "fixd"],
            ", auto. Name your own class",
        ),
        (
            ["train", "shop.csv", "--target", "left", "--architecture", "x"],
            ", auto. Name your own class",
        ),
        (["leaderboard", "shop.csv", "--data", "shop.csv"], "no trained model in shop.csv. Name"),
        (["train", "shop.csv", "--target", "left:binry"], "Did you mean 'binary'"),
        (["train", "shop.csv", "--target", "lft:binary"], "Did you mean 'left'"),
        (["compare", "shp.csv"], "no trained model shp.csv. Did you mean 'shop.csv'?"),
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
    heavy = "tensorflow keras pandas sklearn matplotlib"
    script = (
        "import sys\n"
        "from mtl_keras.cli import main; main(['--help'])\n"
        "assert 'pydantic' not in sys.modules; main(['train', '--help'])\n"
        f"assert not set('{heavy}'.split()) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted."),
        (OSError(errno.ENOSPC, "No space left on device", "out.csv"), 1, "out.csv: No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "models"), 1, "models: Permission"),
    ],
)
def test_what_is_no_mistake_of_the_user_is_one_message_too(
    monkeypatch, capsys, error, code, message
):
    def stop(*_, **__):
        raise error

    monkeypatch.setattr("mtl_keras.cli.training.declared", stop)
    assert main(["train"]) == code
    printed = capsys.readouterr().err
    assert message in printed and "Traceback" not in printed


@pytest.mark.parametrize(
    ("epochs", "told"),
    [
        (7, "The training up to epoch 7 is kept in saved_models/shop/.training. To continue, run"),
        (0, "No epoch was finished, so nothing is kept"),
    ],
)
def test_ctrl_c_tells_what_is_kept_and_how_to_go_on(table, monkeypatch, capsys, epochs, told):
    def interrupted(experiment, data, checkpoint, **_):
        checkpoint.mkdir()
        (checkpoint / "training.npz").write_bytes(b"")
        raise KeyboardInterrupt

    monkeypatch.setattr("mtl_keras.experiment.Experiment.run", interrupted)
    monkeypatch.setattr("mtl_keras.training.checkpoint.saved_epochs", lambda path: epochs)
    assert main(["train", table, "--target", "left:binary"]) == 130
    error = capsys.readouterr().err
    assert error.startswith(f"interrupted. {told}") and "Traceback" not in error


@pytest.mark.parametrize(
    ("command", "kept"), [("compare", "comparison/trials"), ("tune", "tuning")]
)
def test_a_table_and_a_model_are_compared_and_tuned_as_they_are_trained(
    table, monkeypatch, capsys, command, kept
):
    def interrupted(experiment, data, **options):
        calls.append((experiment, data, options))
        raise KeyboardInterrupt

    calls = []
    monkeypatch.setattr(f"mtl_keras.experiment.Experiment.{command}", interrupted)
    flags = ["--target", "left", "--drop", "id", "--preset", "fast", "--seed", "4"]
    assert main([command, table, *flags]) == 130
    assert f"are kept in saved_models/shop/{kept}. To continue, run the" in capsys.readouterr().err
    ((experiment, rows, _),) = calls
    assert len(rows) == 400 and experiment.data == Path(table)
    assert experiment.name == "shop" and experiment.seed == 4
    assert [task.name for task in experiment.tasks] == ["left"]
    assert experiment.features == {"id": "drop"} and experiment.training.epochs == 12

    extra = Path("saved_models/shop/2/assets.extra")  # as a training would leave it
    extra.mkdir(parents=True)
    (extra / "schema.json").write_text("{}")
    toml = tomli_w.dumps(experiment.to_dict(Path("saved_models/shop")))
    (extra / "experiment.toml").write_text(toml)
    assert main([command, "saved_models/shop", "--epochs", "3"]) == 130
    of_model = calls[-1][0]
    assert Path(of_model.data).resolve() == Path(table).resolve() and of_model.training.epochs == 3
    assert of_model.tasks == experiment.tasks
    Path(table).rename("moved.csv")
    assert main([command, "saved_models/shop"]) == 1
    assert "which is not there. Name the table: --data TABLE" in capsys.readouterr().err
    assert main([command, "saved_models/shop", "--data", "moved.csv"]) == 130
    assert calls[-1][0].data == "moved.csv"


def test_a_training_starts_tensorflow_in_the_way_that_prints_no_notices(table, monkeypatch, capsys):
    """That it prints none, in a process of its own, is in `tests/export/test_served.py`."""
    starts = []

    def counted():
        starts.append(1)
        return silenced()

    monkeypatch.setattr("mtl_keras.cli.application.silenced", counted)
    assert main(["train", table, "--target", "z:binary"]) == 1
    assert len(starts) == 1
    assert capsys.readouterr().err.startswith("error: The table has no column 'z'")


def test_what_starts_tensorflow_is_not_searched_for_garbage(monkeypatch):
    tensorflow, searched, exempted = sys.modules["tensorflow"], [], []

    @contextlib.contextmanager
    def importing():
        searched.append(gc.isenabled())
        sys.modules["tensorflow"] = tensorflow
        yield

    monkeypatch.delitem(sys.modules, "tensorflow")
    monkeypatch.setattr(application, "silenced", importing)
    monkeypatch.setattr(gc, "freeze", lambda: exempted.append(gc.isenabled()))
    for _ in range(2):  # the second time, in a process of others, it exempts nothing of theirs
        with application.started():
            pass
    assert (searched, exempted) == ([False, True], [True]) and gc.isenabled()


def test_a_warning_is_printed_once(monkeypatch, capsys):
    def warn(*_, **__):
        for line in ("one", "two", "one"):
            print(warnings.formatwarning(line, UserWarning, "", 0), end="", file=sys.stderr)
        raise typer.Exit

    monkeypatch.setattr("mtl_keras.cli.training.declared", warn)
    assert main(["train"]) == 0
    assert capsys.readouterr().err == "warning: one\nwarning: two\n"
