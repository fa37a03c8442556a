"""Whether new rows are like those of the training: by the command, with its exit code."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.cli import main
from mtl_keras.evaluation.check import column_change
from mtl_keras.evaluation.distribution import Distribution
from mtl_keras.export.checking import check, column_statistics
from mtl_keras.features import Categories, Sequence, Vector
from tests.export.conftest import small_experiment, small_table

pytestmark = pytest.mark.xdist_group("check")


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "small"
    small_experiment(3).run(small_table(900), show=None).export(folder)
    return folder


def fresh(rows: int = 400) -> pd.DataFrame:
    table = small_table(1300)
    return table.tail(rows).reset_index(drop=True)


def test_rows_like_those_of_the_training_pass(checked, tmp_path, capsys):
    fresh().to_csv(tmp_path / "new.csv", index=False)
    assert main(["check", str(checked), str(tmp_path / "new.csv")]) == 0
    out = capsys.readouterr().out
    assert "2 of 2 columns are unchanged" in out or "no change beyond what chance explains" in out
    assert "spend: " in out and "worse" not in out
    fresh(3).to_csv(tmp_path / "few.csv", index=False)
    assert main(["check", str(checked), str(tmp_path / "few.csv")]) == 0
    out = capsys.readouterr().out
    assert "\n3 rows can show little: by chance alone, the stability index" in out
    assert out.endswith("no change beyond what chance explains\n")
    needed = int(re.search(r"To see one, check about (\d+) rows or more", out)[1])
    predictor = mtl.load(checked)
    assert not predictor.check(fresh(needed + 5)).limits and predictor.check(fresh(20)).limits


@pytest.mark.parametrize("feature", [Vector("x"), Sequence("x"), Categories("x")], ids=str)
def test_a_column_of_lists_is_checked(feature, tmp_path):
    table = pd.DataFrame({"x": [[1.0, 2.0], [3.0, 4.0], None] * 20})
    features = [feature.fit(table["x"])]
    kept = {"features": column_statistics(features, table), "answers": {}}
    (tmp_path / "statistics.json").write_text(json.dumps(kept))
    emptied = table.assign(x=None)
    counts = [check(tmp_path, features, [], rows, lambda t: {}) for rows in (table, emptied)]
    assert [each.columns[0].missing[1] for each in counts] == [pytest.approx(1 / 3), 1.0]
    assert counts[1].alarms() and not counts[0].alarms()


def test_without_the_test_rows_answers_columns_are_checked_and_scores_refused(checked, tmp_path):
    left_out = shutil.ignore_patterns("predictions.npz")
    predictor = mtl.load(shutil.copytree(checked, tmp_path / "small", ignore=left_out))
    assert not predictor.check(fresh().drop(columns=["left", "spend"])).alarms()
    with pytest.raises(mtl.errors.ArtifactError, match=r"has labels.* Leave the labels out"):
        predictor.check(fresh())


@pytest.mark.filterwarnings("ignore:Feature .town.. none of the values")
@pytest.mark.parametrize(
    ("change", "alarm"),
    [
        ({"age": lambda t: t["age"] + 15}, "column age: major change"),
        ({"town": lambda t: "Ulm"}, "column town: major change"),
        ({"age": lambda t: t["age"].where(t.index % 2 == 0)}, "column age: major change"),
        ({"spend": lambda t: t["spend"] + 900}, "task spend: its score is worse"),
    ],
    ids=["shift", "unknown", "missing", "labels"],
)
def test_a_planted_change_is_named_and_ends_with_its_own_exit_code(
    checked, tmp_path, capsys, change, alarm
):
    fresh().assign(**change).to_csv(tmp_path / "new.csv", index=False)
    page, values = tmp_path / "check.html", tmp_path / "check.json"
    for output in (page, values):
        arguments = ["check", str(checked), str(tmp_path / "new.csv"), "--output", str(output)]
        assert main(arguments) == 3
    assert alarm in capsys.readouterr().err
    written = json.loads(values.read_text())
    assert alarm in written["changed"] and not written["limits"]
    assert (written["model"], written["version"]) == ("small", "1")
    text = page.read_text()
    assert alarm in text and "could not be drawn" not in text
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", text))
    assert facts["Predicts"].startswith("left (binary)") and "900: " in text
    assert "<dt>Table</dt><dd>new.csv</dd></div><div><dt>Rows</dt><dd>400</dd>" in text
    assert facts["Intended use"] == "not stated by the author"


def test_unknown_values_missing_ones_and_ranges_are_told(checked):
    table = fresh().drop(columns=["left", "spend"])
    table.loc[:39, "town"] = "Ulm"
    table.loc[:99, "age"] = np.nan
    table.loc[100:103, "age"] = 500.0
    result = mtl.load(checked).check(table)
    age, town = result.columns
    assert age.missing == (0.0, 0.25) and age.outside == pytest.approx(4 / 300)
    assert town.unknown == (0.0, 0.1) and town.examples == ("Ulm",)
    assert "10% unknown values, such as 'Ulm'" in town.notes
    assert age.range and age.range_now == (age.range_now[0], "500") and "to 500" in age.notes
    assert not result.scores and {change.name for change in result.answers} >= {"left", "spend"}


def test_rows_of_the_training_are_told(checked, tmp_path, capsys):
    small_table(900).to_csv(tmp_path / "old.csv", index=False)
    page, values = tmp_path / "check.html", tmp_path / "check.json"
    for output in (page, values):
        main(["check", str(checked), str(tmp_path / "old.csv"), "--output", str(output)])
    told = re.search(r"about (\d+)% of these rows were trained on", capsys.readouterr().out)
    assert 60 <= int(told[1]) <= 85
    assert "of these rows were trained on" in page.read_text()
    assert json.loads(values.read_text())["trained_on"] == pytest.approx(
        int(told[1]) / 100, abs=0.01
    )
    assert not mtl.load(checked).check(fresh()).known


def test_a_range_is_told_with_digits_that_differ():
    then = Distribution.of(np.linspace(0, 0.999, 1000))
    change = column_change("share", "numeric", then, np.linspace(0, 0.99900001, 10))
    assert change.notes == "10% outside 0 to 0.99900000, now 0 to 0.99900001"
    then = Distribution.of(np.zeros(100))
    change = column_change(
        "day", "date", then, np.full(10, 0.2), shown=lambda ends: ["1970-01-01"] * len(ends)
    )
    assert change.notes == "100% outside 1970-01-01 to 1970-01-01, by less than that"


def test_a_change_is_told_with_the_limits_of_the_index_and_of_few_rows(checked, tmp_path, capsys):
    moved = fresh(80).drop(columns=["left", "spend"])
    moved.assign(age=moved["age"] + 90).to_csv(tmp_path / "new.csv", index=False)
    assert main(["check", str(checked), str(tmp_path / "new.csv")]) == 3
    out = capsys.readouterr().out
    assert "above 0.1 a change is moderate, above 0.25 major" in out and "chance: the index" in out
    few = fresh(12).drop(columns=["left", "spend"])
    few.assign(age=few["age"] + 900).to_csv(tmp_path / "few.csv", index=False)
    assert main(["check", str(checked), str(tmp_path / "few.csv")]) == 3
    assert "\n12 rows can show little: " in capsys.readouterr().out


def test_what_cannot_be_checked_says_why(checked, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(checked, old)
    for file in old.rglob("statistics.json"):
        file.unlink()
    with pytest.raises(mtl.errors.ArtifactError, match="written by an older mtl_keras"):
        mtl.load(old).check(fresh())
    with pytest.raises(mtl.errors.DataError, match="has no rows"):
        mtl.load(checked).check(fresh().head(0))
    with pytest.raises(mtl.errors.DataError, match="'age'"):
        mtl.load(checked).check(fresh().drop(columns="age"))


def test_a_target_in_disguise_is_named_in_the_log_and_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_keras.runs.result.Run.figures", lambda _: {})
    table = small_table(900)
    table["code"] = np.where(table["left"] == "yes", "y", "n")
    table["spend"] = table["spend"].sample(frac=1, random_state=0).to_numpy()  # as age tells it
    lines: list[str] = []
    run = small_experiment().run(table, show=lines.append)
    (warning,) = [line for line in lines if line.startswith("warning")]
    assert "'code' alone explains 100% of 'left'. Is it known when you predict?" in warning
    run.export(tmp_path / "small")
    assert "<strong>code</strong> alone explains" in (tmp_path / "small/report.html").read_text()


def test_rows_without_a_group_are_groups_of_their_own(checked):
    """All of them counted as one group, so that its rows were drawn together or not at all."""
    predictor, rows = mtl.load(checked), fresh()
    predictor.schema["group"] = "person"
    known = rows.assign(person=[f"p{n}" for n in range(len(rows))])
    unknown = rows.assign(person=[f"p{n}" if n % 2 else None for n in range(len(rows))])
    ends = [predictor.evaluate(each).tasks[0].intervals for each in (known, unknown)]
    width = [np.ptp(each["roc_auc"]) for each in ends]
    assert width[1] == pytest.approx(width[0], rel=0.3)
    scores = [predictor.check(each).scores[0] for each in (known, unknown)]
    assert scores[0].now_interval == pytest.approx(scores[1].now_interval, abs=0.02)
