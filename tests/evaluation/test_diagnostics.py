"""Where a model is wrong: what is planted is found, and nothing where there is nothing."""

import copy
import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError
from mtl_keras.evaluation import diagnose, feature_cells
from mtl_keras.evaluation.predicted import Predicted, by_task
from mtl_keras.evaluation.residual_correlation import residual_correlation
from mtl_keras.evaluation.segments import by_prediction
from mtl_keras.evaluation.weak_slices import weak_slices
from mtl_keras.export.artifact import as_json
from mtl_keras.features import Categorical, Numeric
from mtl_keras.tasks import Binary, Multiclass, Regression
from tests import cases

SPEND = Regression("spend")


def searched(table, truth, predicted, task=SPEND, groups=None):
    features = [Numeric("age"), Categorical("town")]
    fitted = [feature.fit(table[feature.name]) for feature in features]
    constants = {task.name: task.constants(truth)}
    tested = [Predicted(task, truth, predicted, groups)]
    return weak_slices(tested, constants, feature_cells(fitted, table))


def rows(count, seed):
    random = np.random.default_rng(seed)
    ages, towns = (
        random.normal(40, 10, count).round(1),
        random.choice(["Ely", "Bath", "Wells"], count),
    )
    return random, pd.DataFrame({"age": ages, "town": towns})


def test_planted_slices_are_found_with_their_scores():
    random, table = rows(1500, 0)
    weak = (table["town"] == "Bath") | table["age"].between(48, 54)
    truth = random.normal(0, np.where(weak, 2.0, 1.0))
    found = searched(table, truth, np.zeros(1500)).set_index("feature")
    assert found.loc["town", "value"] == "Bath"
    assert 46 < float(found.loc["age", "value"].split()[0]) < 50  # "48.2 or more"
    one = found.loc["town"]
    assert one["measure"] == "mae" and one["low"] < one["score"] < one["high"]
    assert one["low"] < 1.6 < one["high"] and one["elsewhere"] < 1.3  # E|N(0, 2)| = 1.6
    assert 200 < one["rows"] < 300  # of the half that confirms


@pytest.mark.parametrize("size", [1, 5])
def test_nothing_is_found_where_the_model_is_equally_good(size):
    """In one of twenty models at most, also where rows of a group repeat each other."""
    alarms = 0
    for seed in range(40 // size):
        random, table = rows(400, seed)
        truth = random.normal(size=400)
        table, truth = table.loc[table.index.repeat(size)], np.repeat(truth, size)
        groups = None if size == 1 else np.repeat(np.arange(400), size)
        found = searched(table.reset_index(drop=True), truth, np.zeros(len(truth)), groups=groups)
        alarms += len(found) > 0
    assert alarms <= 5 / size


def test_residuals_by_decile_show_a_bias_and_take_equal_predictions_together():
    random = np.random.default_rng(0)
    predicted = random.uniform(0, 10, 2000)
    truth = predicted + random.normal(size=2000) + np.where(predicted > 9, 1.0, 0.0)
    found = by_prediction(Predicted(SPEND, truth, predicted))
    assert len(found) == 10 and found["rows"].sum() == 2000
    biased = (found["low"] > 0) | (found["high"] < 0)
    assert biased.tolist()[-1] and biased.sum() <= 2
    assert found["residual"].iloc[-1] == pytest.approx(1, abs=0.2)
    (one,) = by_prediction(Predicted(SPEND, truth, np.zeros(2000)))["rows"]
    assert one == 2000


def test_residuals_that_share_noise_are_correlated_beyond_chance():
    random = np.random.default_rng(0)
    shared, size = random.normal(size=1000), random.lognormal(0, 1, 1000)
    tasks = [Regression("a"), Regression("b"), Regression("c"), Binary("d")]
    truths = {
        "a": shared + random.normal(size=1000),
        "b": shared + random.normal(size=1000),
        "c": size * random.normal(size=1000),  # rows of one size, in nothing else alike
        "d": (random.random(1000) < 0.3).astype(float),
    }
    truths["b"][::3] = np.nan
    predictions = {name: np.full(1000, 0.3 * (name == "d")) for name in truths}
    found = residual_correlation(by_task(tasks, truths, predictions))
    found = found.set_index(["first", "second"])
    assert len(found) == 6 and found.loc[("a", "b"), "rows"] == 666
    assert found.loc[("a", "b"), "correlation"] == pytest.approx(0.5, abs=0.1)
    beyond = found["correlation"].abs() > found["chance"]
    assert beyond[("a", "b")] and beyond.sum() <= 2


def test_noise_that_rows_of_a_group_share_is_chance():
    """With 20 rows per group, 4 of 10 uncorrelated pairs seemed to have something in common."""
    random, groups = np.random.default_rng(0), np.repeat(np.arange(50), 20)
    tasks, beyond = [Regression("a"), Regression("b")], np.zeros(2)
    for _ in range(100):
        truths = {n: random.normal(size=50)[groups] + random.normal(size=1000) for n in "ab"}
        predictions = dict.fromkeys(truths, np.zeros(1000))
        for number, known in enumerate((None, groups)):
            tested = by_task(tasks, truths, predictions, groups=known)
            (pair,) = residual_correlation(tested).to_dict("records")
            beyond[number] += abs(pair["correlation"]) > pair["chance"]
    assert beyond[0] > 25 and beyond[1] < 12
    tested = by_task(tasks, truths, predictions, groups=np.zeros(1000))
    alone = residual_correlation(tested)
    assert len(alone) == 0, "a single group tells nothing of chance"


def test_few_groups_do_not_confirm_a_weak_slice():
    """Groups of 20 rows with errors of their own were called weak slices in 15% of all models."""
    random, groups, found = np.random.default_rng(0), np.repeat(np.arange(50), 20), 0
    for seed in range(60):
        table = pd.DataFrame({f"x{n}": random.normal(size=50)[groups] for n in range(6)})
        cells = feature_cells([Numeric(name).fit(table[name]) for name in table], table)
        truth = random.normal(size=1000)
        error = random.normal(size=50)[groups] + 0.5 * random.normal(size=1000)
        tested = [Predicted(SPEND, truth, truth + error, groups)]
        slices = weak_slices(tested, {"spend": SPEND.constants(truth)}, cells, seed)
        found += len(slices) > 0
    assert found <= 5


def test_of_many_classes_those_that_vary_most_are_shown():
    task = Multiclass("y", classes=tuple("abcde"))
    truth = np.random.default_rng(0).choice(5, 200, p=[0.4, 0.3, 0.2, 0.05, 0.05]).astype(float)
    predicted = np.tile([0.4, 0.3, 0.2, 0.05, 0.05], (200, 1))
    tested = [Predicted(task, truth, predicted), Predicted(SPEND, truth, 0 * truth)]
    found = residual_correlation(tested)
    assert set(found["first"]) == {"y: a", "y: b", "y: c"}
    assert found.attrs["left_out"] == {"y": "2 of its 5 residuals, which vary least"}


def test_tasks_without_a_correlation_are_told_with_the_reason():
    names = [f"t{number}" for number in range(14)]
    truths = dict(zip(names, np.random.default_rng(0).normal(size=(14, 100))))
    truths["t1"][19:] = np.nan
    predictions = {name: np.zeros(100) for name in names}
    tested = by_task([Regression(n) for n in names], truths, predictions)
    found = residual_correlation(tested)
    told = found.attrs["left_out"]
    assert set(told) == {"t1", "t12", "t13"} and told["t13"].startswith("of many residuals, only")
    assert "fewer than 20 rows" in told["t1"]
    alone = residual_correlation(tested[:1])
    assert alone.attrs["left_out"] == {}


@pytest.mark.parametrize("case", cases.TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("chosen", ["all", "one row", "one label", "none"])
def test_every_kind_of_task_can_be_diagnosed(case, chosen, run):
    """With missing labels, one row, labels that are all the same, and none."""
    (task,) = [each for each in run.tasks if each.name == case.name]
    truth, predicted = run.truths["test"][task.name], np.asarray(run.predictions[task.name])
    present = np.flatnonzero(np.isfinite(truth.reshape(len(truth), -1)).all(axis=1))
    if chosen == "one row":
        truth, predicted = truth[present[:1]], predicted[present[:1]]
    elif chosen == "one label":
        truth = np.broadcast_to(truth[present[0]], truth.shape).copy()
    elif chosen == "none":
        truth = np.full(truth.shape, np.nan)
    names = np.arange(len(truth)).astype(str).astype(object)
    constants = {task.name: task.constants(run.truths["train"][task.name])}
    cells = feature_cells(run.encoder.features, run.test.iloc[: len(truth)])
    found = diagnose([task], {task.name: truth}, {task.name: predicted}, constants, cells, names)
    told = json.loads(as_json(found.to_dict()))
    assert len(told["worst_rows"]) <= min(10, len(truth))
    losses = [row["loss"] for row in told["worst_rows"]]
    assert losses == sorted(losses, reverse=True)
    if chosen == "none":
        assert not told["worst_rows"] and not told["residuals"] and not told["thresholds"]
    elif task.is_quantity:
        assert sum(row["rows"] for row in told["residuals"]) == np.isfinite(truth).sum()


def test_a_run_names_its_worst_rows_unless_they_are_not_wanted(run, artifact):
    found = run.diagnostics
    of_spend = found.worst_rows[found.worst_rows["task"] == "spend"]
    assert len(of_spend) == 10 and of_spend["name"].str.match(r"id \d{4}$").all()
    truth, predicted = run.truths["test"]["spend"], run.predictions["spend"]
    worst = int(np.nanargmax(np.abs(truth - predicted)))
    assert of_spend["name"].iloc[0] == f"id {run.test['id'].iloc[worst]}"
    assert of_spend["loss"].iloc[0] == pytest.approx(np.nanmax(np.abs(truth - predicted)))
    kept = json.loads((artifact / "1" / "assets.extra" / "metrics.json").read_text())
    assert kept["diagnostics"] == json.loads(as_json(found.to_dict()))
    silent = copy.copy(run)
    vars(silent).pop("diagnostics")
    silent.experiment = run.experiment.but(worst_rows=0)
    assert silent.diagnostics.worst_rows.empty and len(silent.diagnostics.residuals)
    again = mtl.Experiment.from_dict(silent.experiment.to_dict())
    assert again.worst_rows == 0
    with pytest.raises(ConfigError, match=r"`worst_rows` must be a whole number from 0 to 10"):
        dataclasses.replace(again, worst_rows=11)


def test_a_probability_at_the_threshold_is_predicted_in_the_curve_as_by_the_model():
    """The float32 of 0.7 is less than 0.7; after isotonic calibration many rows may have it."""
    task = Binary("left", classes=("no", "yes"), threshold=0.7)
    truth, predicted = np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.7, 0.7], "float32")
    (curve,) = task.threshold_curves(truth, predicted)
    assert curve.f1[curve.threshold.index(0.7)] == task.scores(truth, predicted)["f1"] == 1.0
