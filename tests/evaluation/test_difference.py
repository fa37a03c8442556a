"""The measures on bootstrap weights equal scikit-learn's on the drawn rows; intervals cover."""

import numpy as np
import pytest
from sklearn import metrics

from mtl_keras.evaluation import difference
from mtl_keras.tasks import Binary, Count, Multiclass, Regression
from mtl_keras.tasks.measures import auc


def drawn(rows=80, draws=5):
    random = np.random.default_rng(0)
    return random, random.multinomial(rows, np.full(rows, 1 / rows), size=draws)


def test_auc_on_weights_equals_sklearn_with_ties():
    random, weights = drawn()
    truth, scores = random.integers(0, 2, 80), random.integers(0, 9, 80) / 9
    expected = [metrics.roc_auc_score(truth, scores, sample_weight=w) for w in weights]
    np.testing.assert_allclose(auc(truth, scores, weights), expected)


@pytest.mark.parametrize(
    ("task", "judge"),
    [
        (Regression("y"), lambda t, p, w: metrics.mean_squared_error(t, p, sample_weight=w) ** 0.5),
        (Count("y"), lambda t, p, w: metrics.mean_poisson_deviance(t, p, sample_weight=w)),
    ],
)
def test_errors_on_weights_equal_sklearn(task, judge):
    random, weights = drawn()
    truth, predicted = random.poisson(2, 80).astype(float), random.random(80) + 0.5
    expected = [judge(truth, predicted, w) for w in weights]
    np.testing.assert_allclose(task.measure.weighted(truth, predicted, weights), expected)


def test_accuracy_on_weights_equals_sklearn():
    random, weights = drawn()
    truth, predicted = random.integers(0, 3, 80), random.random((80, 3))
    expected = [
        metrics.accuracy_score(truth, predicted.argmax(1), sample_weight=w) for w in weights
    ]
    np.testing.assert_allclose(
        Multiclass("y").measure.weighted(truth, predicted, weights), expected
    )


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


def test_a_better_model_is_found():
    random = np.random.default_rng(0)
    truths = [random.normal(size=300) for _ in range(3)]
    good, bad = ([t + random.normal(0, s, 300) for t in truths] for s in (0.5, 0.7))
    found = difference(Regression("y").measure, truths, good, bad)
    assert found.verdict == "helped" and found.low < 0.2 < found.high
    labels = [(t > 0).astype(float) for t in truths]
    turned = difference(Binary("y").measure, labels, bad, good)
    assert turned.verdict == "hurt"
