"""Scores beside those of a constant."""

import re

import keras
import numpy as np
import pandas as pd
import pytest

from mtl_keras import tasks
from mtl_keras.evaluation import Evaluation, TaskEvaluation, evaluate
from mtl_keras.tasks import Binary


def test_a_constant_gets_the_accuracy_of_the_commoner_label_and_the_f1_of_the_positive():
    """Whatever threshold the model has: each is the best that a constant can do."""
    table = pd.DataFrame({"y": ["yes"] * 3 + ["no"] * 7})
    task = Binary("y").fit(table)
    truth = task.truth(table)
    always = task.constants(truth)
    for threshold in (0.2, 0.4):
        judged = task.but(threshold=threshold)
        found = evaluate([judged], {"y": truth}, {"y": truth * 0.5}, {"y": always})
        baseline = found.to_dict()["y"]["baseline"]
        assert baseline["accuracy"] == 0.7
        np.testing.assert_allclose(baseline["f1"], 2 * 0.3 / 1.3)
        assert found["y"]["accuracy"] == 1.0


def test_a_regression_by_absolute_error_begins_with_the_median():
    """Its first output was the mean, with whose loss those of a search are compared."""
    table = pd.DataFrame({"y": ["1,0", "2,0", "3,0", "94,5"]})
    for loss, constant in (("mae", 2.5), ("mse", 25.125), ("poisson", 25.125)):
        task = tasks.Regression("y", loss=loss).fit(table)
        np.testing.assert_allclose(task.prediction(task.average_output()), constant, rtol=1e-6)


@pytest.mark.parametrize("transform", ["none", "log1p"])
def test_a_regression_by_hubers_loss_begins_with_the_constant_that_has_the_smallest(transform):
    table = pd.DataFrame({"y": np.exp(np.linspace(0, 6, 50))})
    task = tasks.Regression("y", loss="huber", transform=transform).fit(table)
    labels, loss = task.encode(table), keras.losses.Huber()
    found = {shift: float(loss(labels, np.full(50, shift))) for shift in np.linspace(-1, 1, 201)}
    assert min(found, key=found.get) == pytest.approx(0, abs=1e-9)


RANDOM = np.random.default_rng(0)
SKEWED = RANDOM.exponential(size=99).round(1)
WIDE = np.linspace(0, 1, 11)
LABELS = pd.DataFrame({name: RANDOM.random(99) < p for name, p in (("a", 0.7), ("b", 0.3))})
EVERY = {  # for each kind, labels and the predictions among which the constant is the best
    "regression": (tasks.Regression("y"), SKEWED, np.linspace(0, 4, 401)),
    "count": (tasks.Count("y"), SKEWED.round(), np.linspace(0.01, 4, 400)),
    "quantiles": (
        tasks.Quantiles("y", levels=(0.2, 0.6)),
        SKEWED,
        [(low, high) for low in np.linspace(0, 4, 41) for high in np.linspace(0, 4, 41)],
    ),
    "binary": (tasks.Binary("y", threshold=0.2), RANDOM.random(99) < 0.3, WIDE),
    "rare": (tasks.Binary("y", threshold=0.0), RANDOM.random(99) < 0.3, WIDE),
    "multiclass": (
        tasks.Multiclass("y"),
        RANDOM.choice(list("abc"), 99, p=[0.5, 0.3, 0.2]),
        [(a, b, 1 - a - b) for a in WIDE for b in WIDE if a + b <= 1],
    ),
    "ordinal": (
        tasks.Ordinal("y"),
        RANDOM.choice(4, 99, p=[0.35, 0.2, 0.15, 0.3]),  # the first is the commonest
        np.eye(4),
    ),
    "multilabel": (
        tasks.Multilabel("y", labels=("a", "b"), thresholds=(0.9, 0.1)),
        None,
        [(a, b) for a in WIDE for b in WIDE],
    ),
}


@pytest.mark.parametrize("kind", EVERY)
def test_no_constant_is_better_than_that_of_a_baseline(kind):
    """The baseline of the absolute error was the mean, and that of an ordinal task the mode."""
    task, labels, others = EVERY[kind]
    table = LABELS if labels is None else pd.DataFrame({"y": labels})
    task = task.fit(table)
    truth = task.truth(table)
    baseline = task.constant_scores(truth, task.constants(truth))
    for measure in task.measures:
        if measure.name in ("coverage", "interval_width"):
            continue  # no aims of their own: they belong to the quantiles
        sign = 1 if measure.higher_is_better else -1
        values = [measure.constant_value(truth, np.asarray(other)) for other in others]
        best = np.nanmax(sign * np.array(values), initial=-np.inf)
        assert sign * baseline[measure.name] >= best - 1e-9, measure.name


def test_long_numbers_do_not_run_into_each_other():
    """It printed `0.00000780.0000057 to 0.0000106`."""
    intervals = {"log_loss": (5.7e-6, 1.06e-5), "mae": (9_312_345.0, 10_212_345.0)}
    scores, baseline = {"log_loss": 7.8e-6, "mae": 9_812_345.0}, {"log_loss": 0.69, "mae": 2e7}
    made = TaskEvaluation("t", "kind", 9, scores, baseline, intervals=intervals)
    head, *lines = str(Evaluation([made])).splitlines()[1:]
    assert all(len(re.split("  +", line.strip())) == 4 for line in lines)
    assert {len(line) for line in lines} == {len(head)}
