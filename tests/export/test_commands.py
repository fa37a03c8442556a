"""What commands do with trained models: which columns they write, which models are better."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtl_keras.cli import main
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.export.leaderboard import leaderboard
from mtl_keras.export.prediction_files import answer_names
from mtl_keras.export.scoring import Scored
from tests import cases
from tests.export.conftest import small_table

LARGE = 2**53 + 1  # is another number as a float


@pytest.fixture()
def models(small_artifact, tmp_path, monkeypatch):
    """Two models of the same rows, one of which dropped an identifier and lacks a task."""
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        shutil.copytree(small_artifact, Path("models", name))
    changed("first", dropped={"customer no": "looks like an identifier: its name"})
    (spend,) = (t for t in schema("second")["tasks"] if t["name"] == "spend")
    changed("second", tasks=[spend])
    rows = small_table(30)
    rows.insert(0, "customer no", [f"{n:05d}" for n in range(30)])
    rows.insert(1, "Größe", np.arange(30) + LARGE)
    rows.to_csv("rows.csv", index=False)
    return rows


def schema_path(name):
    return next(Path("models", name).glob("*/assets.extra/schema.json"))


def schema(name):
    return json.loads(schema_path(name).read_text())


def changed(name, **entries):
    path = schema_path(name)
    path.write_text(json.dumps({**schema(name), **entries}))


ANSWERS = ["left", "left_probability", "spend"]


@pytest.mark.parametrize(
    ("flags", "columns"),
    [
        ([], ["customer no", *ANSWERS]),
        (["--no-id"], ANSWERS),
        (["--id", "Größe", "--id", "customer no"], ["Größe", "customer no", *ANSWERS]),
        (["--no-probabilities"], ["customer no", "left", "spend"]),
        (["--columns", "spend,left_probability"], ["customer no", "spend", "left_probability"]),
        (["--columns", "spend", "--columns", "left", "--no-id"], ["spend", "left"]),
    ],
)
def test_the_columns_that_are_asked_for_are_written(models, flags, columns):
    assert main(["predict", "models/first", "rows.csv", *flags, "-o", "out.parquet"]) == 0
    written = pd.read_parquet("out.parquet")
    assert list(written) == columns and len(written) == 30
    for name in {"customer no", "Größe"} & {*columns}:
        assert written[name].tolist() == models[name].astype(str).tolist()


def test_the_same_columns_come_from_streams_and_are_printed(models, capsys):
    Path("folder").mkdir()
    shutil.copy("rows.csv", "folder/rows.csv")
    flags = ["--id", "Größe", "--id", "customer no", "--no-probabilities"]
    for output in ("all.csv", "each"):
        assert main(["predict", "models/first", "folder", *flags, "-o", output]) == 0
    capsys.readouterr()
    assert main(["predict", "models/first", "rows.csv", *flags]) == 0
    Path("printed.csv").write_text(capsys.readouterr().out)
    for name in ("all.csv", "each/rows.csv", "printed.csv"):
        written = pd.read_csv(name, dtype=str)
        assert list(written) == ["Größe", "customer no", "left", "spend"]
        assert written["customer no"].tolist() == models["customer no"].tolist()
        assert written["Größe"].tolist() == [str(LARGE + n) for n in range(30)]


def test_files_in_a_declared_encoding_have_the_predictions_of_utf_8(models, capsys):
    models["customer no"] = [f"Ä{n} €" for n in range(30)]
    models["town"] = models["town"].replace({"Ely": "Köln"})  # an unseen category
    models.to_csv("rows.csv", index=False)
    Path("folder").mkdir()
    models.to_csv("folder/rows.csv", index=False, encoding="cp1252")
    flags = ["--id", "customer no", "--id", "Größe"]
    assert main(["predict", "models/first", "rows.csv", *flags, "-o", "expected.csv"]) == 0
    expected = Path("expected.csv").read_bytes()
    assert "Ä7 €" in expected.decode()
    for source, output in (("folder/rows.csv", "one.csv"), ("folder", "each")):
        flags = [source, "--encoding", "cp1252", *flags[-4:]]
        assert main(["predict", "models/first", *flags, "-o", output]) == 0
    assert Path("one.csv").read_bytes() == Path("each/rows.csv").read_bytes() == expected
    flags = ["folder", "--encoding", "cp1250", *flags[-4:]]
    assert main(["predict", "models/first", *flags, "-o", "each"]) == 1  # not kept as they are
    assert "or with other options" in capsys.readouterr().err
    with pytest.raises(DataError, match="None of 0 models"):  # after the table is read
        leaderboard([], "folder/rows.csv", encoding="cp1252")


def test_large_integers_beside_missing_ones_stay_as_they_are(models):
    numbers = pa.array([LARGE + n if n else None for n in range(30)], pa.int64())
    rows = pa.Table.from_pandas(models.drop(columns="Größe")).append_column("no", numbers)
    Path("folder").mkdir()
    for name in ("rows.parquet", "folder/rows.parquet"):
        pq.write_table(rows, name)
    for source, output in (("rows.parquet", "one.csv"), ("folder", "all.parquet")):
        assert main(["predict", "models/first", source, "--id", "no", "-o", output]) == 0
    assert pd.read_csv("one.csv", dtype=str)["no"].fillna("").tolist() == [
        "" if n is None else str(n) for n in numbers.to_pylist()
    ]
    assert pq.read_table("all.parquet")["no"].to_pylist() == numbers.to_pylist()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--id", "customer"], "no column 'customer', which is named by --id. Did you mean"),
        (["--id", "town", "--no-id"], "--no-id keeps no column of the table"),
        (["--columns", "spent"], "Unknown column of predictions 'spent'. Did you mean 'spend'?"),
        (["--columns", "left_probability", "--no-probabilities"], "No column of predictions is"),
    ],
)
def test_columns_that_there_are_not_are_refused(models, flags, message, capsys):
    assert main(["predict", "models/first", "rows.csv", *flags, "-o", "out.csv"]) == 1
    assert message in capsys.readouterr().err and not Path("out.csv").exists()


def test_probabilities_are_told_from_what_is_named_like_one():
    fitted = [task.fit(cases.table()) for task in (*cases.TASKS[:4], cases.TASKS[-1])]
    names = answer_names(fitted, probabilities=False)
    assert set(names) == {name for name in answer_names(fitted) if "_probability" not in name}
    named = cases.tasks.Regression("win_probability", column="win")
    assert not named.is_probability("win_probability")
    with pytest.raises(ConfigError, match="Unknown column of predictions 'x'"):
        answer_names(fitted, ["x"])


def test_models_are_ranked_by_the_tasks_that_they_share(models, capsys):
    Path("models/README.md").write_text("no model")
    paths = ["models/first", "models/second", "models/README.md"]
    assert main(["leaderboard", *paths, "--data", "rows.csv", "--json"]) == 0
    printed = capsys.readouterr()
    assert "not trained models, and left out: models/README.md" in printed.err
    board = json.loads(printed.out)
    assert board["sorted_by"] == "spend" and board["left_out"] == {}
    first, second = board["models"]
    assert (first["model"], second["model"]) == ("models/first", "models/second")
    assert set(first["scores"]) == {"left", "spend"} and set(second["scores"]) == {"spend"}
    spend = first["scores"]["spend"]
    assert spend == second["scores"]["spend"] and spend["measure"] == "rmse"
    low, high = spend["interval"]
    assert low < spend["value"] < high and spend["rows"] == 30
    assert not spend["higher_is_better"] and first["trained_on"] > 0.05

    assert main(["leaderboard", *paths[:2], "--data", "rows.csv", "--sort", "left"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "model" and "left: roc_auc" in lines[0]
    assert lines[1].startswith("models/first, version 1 *") and lines[2].rstrip().endswith("–")
    assert lines[3].startswith("sorted by left; higher is better for left, lower for spend; in")
    assert "was trained on about" in lines[4]


def test_a_model_that_cannot_be_scored_is_left_out_with_the_reason(models):
    rows = models.drop(columns="town")
    with pytest.raises(DataError, match=r"None of 2 models can be scored .* reads: 'town'"):
        leaderboard(["models/first", "models/second"], rows)
    shutil.rmtree(next(Path("models/second").glob("*/variables")))
    board = leaderboard(["models/second", "models/first"], models)
    assert [entry.path for entry in board.entries] == ["models/first"]
    assert "models/second" in board.left_out and "left out: models/second: " in str(board)
    with pytest.raises(ConfigError, match="Unknown task to sort by 'lft'"):
        leaderboard(["models/first"], models, sort="lft")


@pytest.mark.parametrize("task", [cases.tasks.Regression("y"), cases.tasks.Binary("y")], ids=str)
def test_the_best_comes_first_whether_higher_or_lower_is_better(monkeypatch, task):
    noise = {"bad": 9.0, "good": 0.1, "middling": 2.0}
    random = np.random.default_rng(0)
    truth = (random.random(200) > 0.5).astype(float)
    drawn = random.normal(size=200)

    def loaded(path, **options):
        return SimpleNamespace(path=Path(path, "1"))

    def scored(model, rows, show):
        predicted = truth + noise[model.path.parent.name] * drawn
        return Scored([task], {"y": truth}, {"y": predicted}, {}, None, 0.0)

    monkeypatch.setattr("mtl_keras.export.leaderboard.load", loaded)
    monkeypatch.setattr("mtl_keras.export.leaderboard.scored", scored)
    board = leaderboard(list(noise), pd.DataFrame({"y": truth}))
    assert [entry.path for entry in board.entries] == ["good", "middling", "bad"]
    assert board.columns == {("y", task.measure.name): task.measure.higher_is_better}
