"""Experiments: the whole road, repeatable, resumable, and clear about what is wrong."""

import dataclasses
import json
import shutil
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.comparison.candidates import twin
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.plans import Plan
from mtl_keras.runs.prepare import prepare
from mtl_keras.runs.warnings import warn_of_copies
from tests import cases


def test_a_run_beats_the_constant_on_what_can_be_learned(run):
    scores = run.evaluation
    assert scores["left"]["roc_auc"] > 0.6 and scores["balance"]["r2"] > 0.3
    assert set(run.history) >= {"loss", "val_loss", "left_auc", "val_spend_mae", "left_weight"}
    assert all(run.history[f"{task.name}_best"].sum() == 1 for task in run.tasks)
    assert {g.column for g in run.guesses if g.feature is None} == {"id", "country"}


def test_targets_with_the_same_labels_are_told():
    labels = {"a": [0.5, np.nan, 1], "b": [0.5, np.nan, 2], "c": [0.5, np.nan, 1]}
    train = {task: np.array(values) for task, values in labels.items()}
    told: list[str] = []
    warn_of_copies(SimpleNamespace(data=SimpleNamespace(y={"train": train})), told.append)
    assert [line.partition(" in all")[0] for line in told] == [
        "warning: 'c' has the same labels as 'a'"
    ]


def test_evaluation_has_three_forms(run):
    as_dict, frame = run.evaluation.to_dict(), run.evaluation.to_frame()
    assert json.loads(json.dumps(as_dict)) == as_dict
    row = frame[(frame["task"] == "spend") & (frame["metric"] == "rmse")].iloc[0]
    assert row["value"] == as_dict["spend"]["scores"]["rmse"] and not row["higher_is_better"]
    assert "roc_auc" in str(run.evaluation) and "baseline" in str(run.evaluation)


def test_each_task_is_answered_from_an_epoch_that_is_good_for_it(run):
    for task in run.tasks:
        curve = run.history[f"val_{task.name}_loss"]
        kept = curve[run.history[f"{task.name}_best"]].iloc[0]
        assert kept <= curve.min() + 0.01 * abs(curve.min())


def test_the_lowest_loss_of_a_finished_task_is_one_of_its_training(run):
    """Report and log say the same: what its loss does later is chance."""
    history = run.history.assign(val_spend_loss=range(len(run.history), 0, -1))
    whole = dataclasses.replace(run, history=history)
    finished = dataclasses.replace(whole, metadata={**run.metadata, "finished": {"spend": 1}})
    assert whole.metrics()["lowest_epochs"]["spend"] == len(history) > 1
    assert finished.metrics()["lowest_epochs"]["spend"] == 1


def test_a_log_transform_is_undone_with_a_correction(run):
    task = next(task for task in run.tasks if task.name == "spend")
    assert task.transform == "log1p" and task.factor >= 1.0
    assert run.predictions["spend"].min() >= 0


def test_killed_and_resumed_ends_where_an_uninterrupted_run_ends(tmp_path):
    """What a process leaves that is killed in mid-training is the folder as it is at that moment.

    `benchmarks/kills.py` kills processes.
    """
    training = mtl.Training(epochs=6, patience=6, batch_size=64)
    small = cases.experiment(
        tasks=[cases.TASKS[0], cases.TASKS[3]], features=["age", "town"], training=training
    )

    def keep(line):
        if "4/6" in line:
            shutil.copytree(tmp_path / "whole", tmp_path / "killed")

    whole = small.run(cases.table(), checkpoint=tmp_path / "whole", show=keep)
    lines = []
    killed = {"checkpoint": tmp_path / "killed", "resume": True}
    resumed = small.run(cases.table(), **killed, show=lines.append)
    assert "resuming after epoch 3" in lines and len(resumed.history) == 6
    pd.testing.assert_frame_equal(resumed.history, whole.history, rtol=1e-4)

    with pytest.raises(ConfigError, match="of another experiment"):
        small.but(balancer="fixed").run(cases.table(), **killed, show=None)


def test_to_dict_and_back():
    experiment = cases.experiment(data="table.csv", features={"id": "drop", "age": "numeric"})
    again = mtl.Experiment.from_dict(experiment.to_dict())
    assert again.to_dict() == experiment.to_dict()
    assert again.tasks == experiment.tasks and again.training == experiment.training


LABELS = pd.DataFrame({"x": np.arange(60.0), "y": [0, 1] * 30})


@pytest.mark.parametrize(
    ("column", "task", "message"),
    [
        ([None] * 60, "binary", "No row has a label"),
        ([1] * 60, "binary", r"constant in the training rows \(always 1\)"),
        ([1.5] * 60, "regression", "constant in the training rows"),
        (["a", "b", "c"] * 20, "binary", "has 3 labels.*y:multiclass"),
        (
            [*np.arange(59.0), "n/a"],
            "regression",
            "must contain numbers. Received: 'n/a' in row 59",
        ),
        (["no", "yes"] * 30, "regression", "declare the task as y:binary"),
        ([-1, 2] * 30, "count", "must be >= 0 for a count"),
        ([1, 2.5] * 30, "count", r"must contain whole numbers for a count. Received: 2.5"),
        ([-1, 2] * 30, {"kind": "regression", "transform": "log1p"}, "must be >= 0 for transform"),
    ],
)
def test_labels_that_cannot_be_learned(column, task, message):
    table = LABELS.assign(y=pd.Series(column, dtype=object))
    with pytest.raises(DataError, match=message):
        mtl.Experiment({"y": task}, seed=1).run(table, show=None)


def test_a_class_with_one_row_is_kept(recwarn):
    """Wherever the split puts it, the run goes on: trained on, or judged as unlabelled."""
    table = pd.DataFrame({"x": np.arange(200.0) % 17, "y": [*(["a", "b"] * 100)]})
    table.loc[3, "y"] = "once"
    for seed in (0, 1):
        experiment = mtl.Experiment(
            {"y": "multiclass"},
            architecture={"layers": [8], "members": 1},
            seed=seed,
            training={"epochs": 1},
        )
        run = experiment.run(table, show=None)
        assert {"a", "b"} <= set(run.tasks[0].classes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": {"z": "binary"}}, "no column 'z'.*target"),
        ({"features": {"xx": "numeric"}}, "no column 'xx'.*Did you mean 'x'"),
        ({"features": {"x": "drop"}}, "no feature to predict from"),
        ({"sample_weight": "w"}, "no column 'w'"),
        ({"sample_weight": {"y": "w"}}, "no column 'w'"),
    ],
)
def test_a_table_that_does_not_fit_the_declaration(changes, message):
    experiment = mtl.Experiment(**{"tasks": {"y": "binary"}, **changes})
    with pytest.raises((DataError, ConfigError), match=message):
        experiment.run(LABELS, show=None)


def test_weights_of_rows_count_for_the_task_they_are_given_for():
    table = LABELS.assign(x=LABELS["x"] ** 2, sure=np.arange(60.0), z=1.0 + LABELS["x"])
    declared = {"y": "binary", "z": "regression"}
    experiment = mtl.Experiment(declared, sample_weight={"y": "sure"}, preset="fast")
    experiment = mtl.Experiment.from_dict(experiment.to_dict())
    made = prepare(experiment, table, print)
    assert [feature.name for feature in made.encoder.features] == ["x"]
    assert set(made.data.weights["train"]) == {"y"}
    sure = made.rows["train"]["sure"]  # of mean 1, whatever the unit of the column
    np.testing.assert_allclose(made.data.weights["train"]["y"], sure / sure.mean(), rtol=1e-6)
    weights = [twin(experiment, task)["data"] for task in declared]
    assert weights == [{"sample_weight": "sure"}, {}]
    with pytest.raises(
        DataError, match=r"'sure' must contain weights from 0.*Received: -1\.0 in row"
    ):
        prepare(experiment, table.assign(sure=table["sure"].replace(7.0, -1.0)), print)
    written = table.assign(sure=np.where(table.index % 2 == 0, "1,250", "2"))
    written.loc[written.index[:3], "sure"] = "0,5"  # in some parts, the comma could be either
    with pytest.raises(DataError, match=r"'sure' contains weights such as '1,250', which can be"):
        prepare(experiment, written, print)
    with pytest.raises(ConfigError, match=r"task in `sample_weight` 'x'\. Expected one of: y, z"):
        mtl.Experiment(declared, sample_weight={"x": "sure"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tasks\n", "is not TOML"),
        ("[tasks]\nDays late = 'count'", r'needs quotation marks: "Days late" ='),
        ("[tasks]\ny = 'binry'", "Did you mean 'binary'"),
        ("taks = {}", "Unknown key of the experiment: 'taks'. Did you mean 'tasks'"),
        ("tasks = {y = 'binary'}\n[training]\nepoch = 3", "Did you mean 'epochs'"),
        ("tasks = {y = 'binary'}\n[training]\nepochs = 'many'", r"\[training\], `epochs`"),
        ("tasks = {y = 'binary'}\n[training]\nepochs = 0", "`training.epochs` must be >= 1"),
        ("tasks = {y = 'binary'}\nbalancer = 'uncertanty'", "Did you mean 'uncertainty'"),
        ("tasks = {y = 'binary'}\n[split]\nstrategy = 'tim'", "Did you mean 'time'"),
        ("tasks = {y = {kind = 'binary', wieght = 2}}", "Did you mean 'weight'"),
        ("tasks = {y = {kind = 'binary', weight = -2}}", "`y.weight` must be >= 0"),
    ],
)
def test_a_mistake_in_a_file_names_the_file_and_the_nearest_good_key(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        Plan.from_file(path)
    assert "mine.toml" in str(caught.value)


def ugly(rows=240):
    random = np.random.default_rng(0)
    income = random.lognormal(10, 1, rows)
    joined = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, rows), unit="D")
    return pd.DataFrame(
        {
            "Income $": [f"${value:,.2f}" for value in income],
            "joined on": joined.strftime("%d.%m.%Y"),
            "self": random.normal(size=rows),
            "100%": random.normal(size=rows),
            "class": random.choice(["ä", " b", "", None], rows),
            "churned?": np.where(income > 22_000, "Yes", "No"),
            "spend (€)": np.where(random.random(rows) < 0.1, None, [f"{v:,.1f} €" for v in income]),
        }
    )


@pytest.mark.usefixtures("rendered")
def test_a_table_with_ugly_columns(tmp_path):
    ugly().to_csv(tmp_path / "ugly table.csv", sep=";", index=False, encoding="utf-8-sig")
    run = mtl.Experiment(
        tasks={"churned?": "binary", "spend (€)": "regression"},
        architecture={"layers": [16], "members": 1},
        slices="class",
        training={"epochs": 12},
    ).run(tmp_path / "ugly table.csv", show=None)
    kinds = {feature.name: feature.kind for feature in run.encoder.features}
    assert kinds == {
        "Income $": "numeric",
        "joined on": "date",
        "self": "numeric",
        "100%": "numeric",
        "class": "categorical",
    }
    assert run.evaluation["churned?"]["roc_auc"] > 0.9
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # no part of the report failed
        run.export(tmp_path / "ugly")
    answers = mtl.load(tmp_path / "ugly").predict(ugly().head(3))
    np.testing.assert_allclose(
        answers["spend (€)"], run.predict(ugly().head(3))["spend (€)"], rtol=1e-4
    )


def test_a_list_of_columns_is_all_that_is_read_and_is_guessed():
    def guesses(listed):
        experiment = mtl.Experiment(tasks={"left": "binary"}, features=listed)
        again = mtl.Experiment.from_dict(experiment.to_dict())
        return {g.column: g.feature for g in prepare(again, cases.table(200)).guesses}

    found = guesses(["age", mtl.features.Categorical("town")])
    assert {name: feature.kind for name, feature in found.items()} == {
        "age": "numeric",
        "town": "categorical",
    }
    with pytest.raises(DataError, match=r"no column 'agee', .* Did you mean 'age'"):
        guesses(["agee"])
    with pytest.raises(ConfigError, match="'left' is a target"):
        guesses(["age", "left"])
    with pytest.raises(ConfigError, match="Two features are named 'age'"):
        guesses(["age", {"kind": "numeric", "name": "age"}])
    with pytest.raises(ConfigError, match="feature kind"):
        guesses([3])
