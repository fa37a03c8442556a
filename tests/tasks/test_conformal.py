"""Intervals and sets: their coverage, their thresholds, what belongs to them, what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import tasks
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.evaluation import evaluate, regions_of
from mtl_keras.evaluation.explain import slices
from mtl_keras.evaluation.predicted import by_task
from mtl_keras.plans.joint import covering_together
from mtl_keras.runs import story
from mtl_keras.tasks.conformal import (
    PredictionSet,
    conformal_quantile,
    preferred_mass,
    rows_needed,
    standard_error,
)
from tests import cases


@pytest.mark.parametrize(("rows", "level"), [(20, 0.9), (9, 0.9), (57, 0.8), (12, 0.5)])
def test_new_scores_are_held_as_often_as_exchangeability_says(rows, level):
    random = np.random.default_rng(rows)
    scores = random.exponential(size=(200, rows + 500))
    held = [(draw[rows:] <= conformal_quantile(draw[:rows], level)).mean() for draw in scores]
    expected = np.ceil((rows + 1) * level) / (rows + 1)  # exactly, for scores without ties
    error = np.sqrt(expected * (1 - expected) * (1 / (rows + 2) + 1 / 500) / 200)
    assert abs(np.mean(held) - expected) < 3 * error
    rounded = np.round(scores, 1)  # with ties, at least
    held = [(draw[rows:] <= conformal_quantile(draw[:rows], level)).mean() for draw in rounded]
    assert np.mean(held) > level - 3 * error


def test_thresholds_are_those_of_mapie():
    """Of MAPIE 1.6.0: `SplitConformalRegressor`, `ConformalizedQuantileRegressor` with a symmetric
    correction, and `SplitConformalClassifier` with "lac", all prefit, on these rows. (Its scores of
    adaptive sets are random, so that those are compared with the paper's equation below.)"""
    random = np.random.default_rng(7)
    x = random.normal(size=57)
    y = x + random.standard_t(3, 57)
    absolute = {
        0.5: 0.6451776191514542,
        0.8: 1.5060055040248175,
        0.9: 1.9547701404116467,
        0.95: 3.918552479081819,
    }
    task = tasks.Regression("y", center=0.0, scale=1.0)
    for level, expected in absolute.items():
        scores = task.nonconformity(y, x[:, None])
        assert conformal_quantile(scores, level) == pytest.approx(expected, rel=1e-12)
    for level, expected in {0.8: 0.3504739854631596, 0.9: 0.9547701404116467}.items():
        cqr = tasks.Quantiles("y", center=0.0, scale=1.0, interval=level)
        scores = cqr.nonconformity(y, np.column_stack([x - 1.2, x, x + 1.0]))
        assert conformal_quantile(scores, level) == pytest.approx(expected, rel=1e-12)
    random = np.random.default_rng(8)
    probabilities = random.dirichlet(np.full(4, 0.5), 57)
    labels = np.array([random.choice(4, p=row) for row in probabilities])
    of_label = probabilities[np.arange(57), labels]
    lac = {0.5: 0.5144280691979082, 0.8: 0.6928950344583468, 0.9: 0.8117806673429389}
    for level, expected in lac.items():
        assert conformal_quantile(1 - of_label, level) == pytest.approx(expected, rel=1e-12)


def drawn(task, rows, seed=0):
    """A fitted task, labels, and outputs that they spread around: with ties and heavy tails."""
    random = np.random.default_rng(seed)
    s, error = random.normal(size=rows).round(1), random.standard_t(4, rows)
    p = 1 / (1 + np.exp(-2 * s))
    three = np.column_stack([p**2, 2 * p * (1 - p), (1 - p) ** 2])
    chosen = (random.random((rows, 1)) > three.cumsum(axis=1)[:, :2]).sum(axis=1)
    labels, outputs = {
        tasks.Binary: (random.random(rows) < p, p),
        tasks.Multiclass: (np.array(["a", "b", "c"])[chosen], three),
        tasks.Ordinal: (chosen, three),
        tasks.Count: (random.poisson(2 * np.exp(s / 2)), np.exp(s / 2)),
        tasks.Regression: (np.exp(s + error / 2), np.exp(s) if "poisson" in repr(task) else s),
        tasks.Quantiles: (100 + 10 * (s + error), s[:, None] / 2 + [-0.4, 0, 0.4]),
        tasks.ZeroInflatedLogNormal: (
            np.where(random.random(rows) < p, np.exp(2 + s + error), 0),
            np.column_stack([p, s / 2, np.full(rows, 0.4), p]),
        ),
    }[type(task)]
    table = pd.DataFrame({"y": labels})
    outputs = np.asarray(outputs, "float32").reshape(rows, -1)
    return task.fit(table), table, outputs


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(
    "task",
    [
        tasks.Binary("y"),
        tasks.Binary("y", calibration="isotonic"),
        tasks.Multiclass("y"),
        tasks.Ordinal("y"),
        tasks.Count("y"),
        tasks.Regression("y"),
        tasks.Regression("y", transform="log1p", factor=1.7),
        tasks.Regression("y", loss="poisson"),
        tasks.Quantiles("y"),
        tasks.Quantiles("y", levels=(0.5,)),
        tasks.ZeroInflatedLogNormal("y"),
    ],
    ids=repr,
)
def test_a_region_is_the_labels_that_fit_no_worse_than_the_threshold(task, level):
    fitted, table, outputs = drawn(task.with_coverage(level), 3000)
    encoded, some = fitted.encode(table), slice(0, 1000)
    fitted = fitted.calibrate(encoded[some], outputs[some]).conform(encoded[some], outputs[some])
    assert fitted.conform(encoded, outputs) == fitted  # it is learned once
    region = regions_of([fitted], {"y": outputs})["y"]
    held = fitted.covers(region, fitted.truth(table))
    scores = fitted.nonconformity(encoded, outputs)
    clear = np.abs(scores - fitted.conformal_quantile) > 1e-3  # beyond rounding
    np.testing.assert_array_equal(held[clear], (scores <= fitted.conformal_quantile)[clear])
    assert held[scores <= fitted.conformal_quantile].all()
    assert held[1000:].mean() > level - 3 * np.sqrt(level * (1 - level) * (1 / 1000 + 1 / 2000))
    found = fitted.region_scores(fitted.truth(table), region)
    assert found["conformal_coverage"] == held.mean() and found[fitted.size_score] > 0
    gaps = np.where(np.arange(3000) % 2, encoded, np.nan)  # rows without a label are left out
    again = fitted.but(conformal_quantile=None)
    assert again.conform(gaps, outputs) == again.conform(encoded[1::2], outputs[1::2])


def test_sets_are_never_empty_and_those_of_a_scale_have_no_gap():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(7, 0.4), 500).astype("float32")
    best, rows = probabilities.argmax(axis=1), np.arange(500)
    preferred = probabilities[:, None, :] > probabilities[:, :, None]  # Romano et al., u = 1
    mass = (preferred * probabilities[:, None, :]).sum(axis=2)
    np.testing.assert_allclose(preferred_mass(probabilities).numpy(), mass, atol=1e-6)
    for reach in (0.0, 0.4, 0.9):
        plain = PredictionSet(reach)(probabilities).numpy()
        whole = PredictionSet(reach, contiguous=True)(probabilities).numpy()
        assert plain[rows, best].all() and (plain <= whole).all()
        for some, all_between in zip(plain, whole):
            places = np.flatnonzero(some)
            between = (np.arange(7) >= places[0]) & (np.arange(7) <= places[-1])
            np.testing.assert_array_equal(all_between, between)
    assert plain.sum() < whole.sum()


def test_a_set_in_a_table_is_a_list_of_labels():
    task = tasks.Multiclass("town", classes=("Ely", 'Wells, "So"', "Ürüm"), set=0.9)
    sets = np.array([[True, True, False], [False, False, True]])
    probabilities = np.zeros((2, 3))
    answers = {"town": sets[:, 0], "town_probabilities": probabilities, "town_set": sets}
    texts = task.answer_columns(answers)["town_set"]
    assert [json.loads(text) for text in texts] == [["Ely", 'Wells, "So"'], ["Ürüm"]]
    assert texts[1] == '["Ürüm"]'


def test_coverage_is_judged_for_each_task_for_parts_and_together():
    first, second = (
        tasks.Regression(name, center=0.0, scale=1.0, interval=0.8, conformal_quantile=1.0)
        for name in "ab"
    )
    truths = {"a": np.array([0.5, 3.0, np.nan, 0.0]), "b": np.array([0.0, 0.0, 0.0, 2.0])}
    outputs = dict.fromkeys("ab", np.zeros((4, 1), "float32"))
    predictions = dict.fromkeys("ab", np.zeros(4))
    regions = regions_of([first, second], outputs)
    constants = {task.name: task.constants(truths[task.name]) for task in (first, second)}
    judged = evaluate([first, second], truths, predictions, constants, regions)
    assert judged["a"]["conformal_coverage"] == pytest.approx(2 / 3)
    assert judged["b"]["conformal_coverage"] == pytest.approx(3 / 4)
    assert judged["b"]["conformal_coverage_se"] == standard_error(np.arange(4) > 0)
    assert judged["a"]["conformal_width"] == pytest.approx(2.0, rel=1e-4)
    assert judged.joint.rows == 3 and judged.joint.coverage == pytest.approx(1 / 3)
    assert (
        "a, b together (3 rows with all labels): intervals and sets contain all of them in 33.3%"
        in str(judged)
    )
    column = pd.Series(["x", "x", "y", "y"])
    table = slices(by_task([first], truths, predictions, regions), column)
    of_parts = table[table["measure"] == "conformal_coverage"].set_index("value")
    assert of_parts["score"].to_dict() == {"x": 0.5, "y": 1.0} and of_parts["rows"]["x"] == 2
    assert evaluate([first], truths, predictions, constants, regions).joint is None


def test_tasks_that_depend_on_each_other_hold_together_as_often_as_declared():
    random, held = np.random.default_rng(0), []
    declared = covering_together([tasks.Regression(name) for name in "abc"], 0.9)
    levels = [task.nominal_coverage for task in declared]
    for _ in range(200):
        common = random.normal(size=(259, 1))
        scores = np.abs(common + random.normal(size=(259, 3)))
        worst = [conformal_quantile(scores[:59, k], level) for k, level in enumerate(levels)]
        held.append((scores[59:] <= worst).all(axis=1).mean())
    assert 0.9 - 0.006 < np.mean(held) < 0.94


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: tasks.Regression("y", interval=1.5), r"`y.interval` must be a probability betw"),
        (lambda: tasks.Count("y", interval=0), r"`y.interval` must be a probability between 0"),
        (lambda: tasks.Quantiles("y", interval="0.9"), r"`y.interval` must .*Received: interval="),
        (lambda: tasks.Binary("y", set=1.0), r"`y.set` must be a probability between 0 and 1"),
        (
            lambda: tasks.get({"kind": "multilabel", "labels": ["a", "b"], "set": 0.9}, "y"),
            r"Task 'y': Unknown key of task kind 'multilabel': 'set'",
        ),
        (
            lambda: tasks.get({"kind": "binary", "interval": 0.9}, "y"),
            r"Task 'y': Unknown key of task kind 'binary': 'interval'.*\bset\b",
        ),
        (
            lambda: mtl.Experiment([tasks.Count("y", interval=0.9)], joint_coverage=0.9),
            r"task 'y' declares one of its own. Remove one of the two",
        ),
        (
            lambda: mtl.Experiment([cases.TASKS[2]], joint_coverage=0.9),
            r"Task 'likes': tasks of the kind 'multilabel' have no intervals or sets",
        ),
        (lambda: mtl.Experiment({"y": "count"}, joint_coverage=90), r"`joint_coverage` must be a"),
    ],
)
def test_what_has_no_meaning_is_refused(declare, message):
    with pytest.raises(ConfigError, match=message):
        declare()


def test_too_few_validation_rows_are_refused_before_the_training(monkeypatch):
    assert [rows_needed(level) for level in (0.5, 0.9, 1 - 0.1 / 3, 0.95, 0.99)] == [
        *(1, 9, 29, 19, 99)
    ]
    for level in (0.5, 0.9, 0.95, 0.99):
        rows = rows_needed(level)
        assert conformal_quantile(np.arange(rows), level) == rows - 1  # the largest of them
        with pytest.raises(DataError, match=f"at least {rows} validation rows .* {rows - 1}"):
            conformal_quantile(np.arange(rows - 1), level)
    monkeypatch.setattr(story, "train", lambda *arguments: pytest.fail("it was trained"))
    table = cases.table(60)
    for declared, message in (
        ({"tasks": [tasks.Regression("spend", interval=0.9)]}, r"'spend': .* 0.9 needs at least 9"),
        ({"tasks": {"spend": "regression", "left": "binary"}, "joint_coverage": 0.8}, "least 9"),
    ):
        experiment = mtl.Experiment(**declared, features=["age"])
        with pytest.raises(DataError, match=message):
            experiment.run(table, show=None)


def test_a_joint_coverage_is_kept_through_files_and_gives_each_task_its_level(tmp_path):
    experiment = mtl.Experiment(
        {"left": "binary", "visits": "count"}, features=["age", "town"], joint_coverage=0.8
    )
    again = mtl.Experiment.from_dict(json.loads(json.dumps(experiment.to_dict())))
    assert again.joint_coverage == 0.8 and again.tasks == experiment.tasks
    rows = again.prepare(cases.table(200))
    assert [task.nominal_coverage for task in rows.tasks] == pytest.approx([0.9, 0.9])


def test_the_error_of_a_coverage_is_that_of_the_groups():
    """The spread over samples of 50 groups of 20 rows that are covered or not together."""
    random, groups = np.random.default_rng(0), np.repeat(np.arange(50), 20)
    samples = [(random.random(50) < 0.9)[groups] for _ in range(200)]
    spread = np.std([held.mean() for held in samples])
    told = np.mean([standard_error(held, groups) for held in samples])
    assert told == pytest.approx(spread, rel=0.2) and standard_error(samples[0]) < spread / 3
    assert standard_error(np.ones(1000, bool), groups) == standard_error(np.ones(1000, bool)) > 0
