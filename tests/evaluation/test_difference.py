"""Intervals of differences cover, and verdicts are right."""

import dataclasses

import numpy as np
import pytest

from mtl_keras.evaluation import Difference, difference
from mtl_keras.evaluation.difference import verdicts
from mtl_keras.tasks import Binary, Regression


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_equal_models_are_seldom_told_apart(seeds):
    random = np.random.default_rng(seeds)
    wrong = 0
    for trial in range(100):
        truths = [random.normal(size=60) for _ in range(seeds)]
        models = [[t + random.normal(0, 0.5, 60) for t in truths] for _ in range(2)]
        found = difference(Regression("y").measure, truths, *models, draws=60, seed=trial)
        wrong += found.verdict != "no difference seen"
    assert wrong <= 6


@pytest.mark.parametrize("seeds", [1, 4])
def test_more_seeds_do_not_replace_more_rows(seeds):
    """With a split by time or by a column, the test rows are the same for all seeds."""
    random = np.random.default_rng(seeds)
    wrong = 0
    for trial in range(100):
        truth = random.normal(size=60)
        models = []
        for _ in range(2):  # which are wrong on the same rows with each seed, but for a bit
            common = truth + random.normal(0, 0.5, 60)
            models.append([common + random.normal(0, 0.1, 60) for _ in range(seeds)])
        found = difference(Regression("y").measure, [truth] * seeds, *models, draws=60, seed=trial)
        wrong += found.verdict != "no difference seen"
    assert wrong <= 9  # of 100; about 30 of 4 seeds if each counted as other rows


def test_rows_of_a_group_count_once():
    random, wrong = np.random.default_rng(0), 0
    groups = [np.repeat(np.arange(30), 20)] * 2
    for trial in range(60):
        truths = [random.normal(size=600) for _ in range(2)]
        models = [[t + random.normal(0, 0.5, 30).repeat(20) for t in truths] for _ in range(2)]
        found = difference(
            Regression("y").measure, truths, *models, draws=60, seed=trial, groups=groups
        )
        wrong += found.verdict != "no difference seen"
    assert wrong <= 4  # of 60; about 40 if each row counted


def test_a_better_model_is_found():
    random = np.random.default_rng(0)
    truths = [random.normal(size=300) for _ in range(3)]
    good, bad = ([t + random.normal(0, s, 300) for t in truths] for s in (0.5, 0.7))
    found = difference(Regression("y").measure, truths, good, bad)
    assert found.verdict == "helped" and found.low < 0.2 < found.high
    assert found.p < 0.001 and dataclasses.replace(found, p=np.nan).chance < 0.001
    labels = [(t > 0).astype(float) for t in truths]
    turned = difference(Binary("y").measure, labels, bad, good)
    assert turned.verdict == "hurt"


@pytest.mark.parametrize(
    ("chances", "helped"),
    [
        ((0.04,), 1),
        ((0.03, 0.001, 0.02, 0.04), 1),
        ((0.02, 0.012, 0.04, 0.001), 4),
        ((0.03,) * 2, 0),
    ],
)
def test_verdicts_of_several_tasks_account_for_their_number(chances, helped):
    gains = {str(n): Difference(1.0, 0.1, 1.9, p) for n, p in enumerate(chances)}
    assert list(verdicts(gains).values()).count("helped") == helped


@pytest.mark.parametrize(("rows", "groups"), [(1, None), (20, [np.zeros(20)])])
def test_a_single_row_or_group_decides_nothing(rows, groups):
    """It has no spread, so that the better of two models "helped" beyond doubt."""
    truths, poor = [np.zeros(rows)], [np.ones(rows)]
    found = difference(Regression("y").measure, truths, truths, poor, groups=groups)
    assert found.gain == 1 and np.isnan([found.low, found.high]).all()
    assert found.verdict == "no difference seen"
    same = difference(Regression("y").measure, truths, poor, poor, groups=groups)
    assert (same.gain, same.low, same.high) == (0, 0, 0)
