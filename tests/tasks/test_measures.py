"""Measures on bootstrap weights equal scikit-learn's on the drawn rows, with ties and gaps."""

import functools
import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from mtl_keras import tasks
from mtl_keras.tasks.measures import labelled
from tests import cases

ROWS, DRAWS = 80, 5
f1 = functools.partial(metrics.f1_score, zero_division=0)


def drawn(random):
    return random.multinomial(ROWS, np.full(ROWS, 1 / ROWS), size=DRAWS)


def of_label(judge, truth, scores, column):
    present = ~np.isnan(truth[:, column])
    return judge(truth[present, column], scores[present, column])


def of_labels(judge):
    def mean(truth, scores):
        return np.mean([of_label(judge, truth, scores, column) for column in (0, 1)])

    return mean


def binary(random):
    return random.integers(0, 2, ROWS).astype(float), random.integers(1, 9, ROWS) / 9


def classes(random):
    return random.choice([0.0, 1.0, 3.0], ROWS), random.dirichlet(np.ones(4), ROWS)


def labels(random):
    truth = random.integers(0, 2, (ROWS, 2)).astype(float)
    truth[random.random(ROWS) < 0.2, 1] = np.nan
    return truth, random.integers(1, 9, (ROWS, 2)) / 9


def numbers(random):
    return random.poisson(2, ROWS).astype(float), random.random(ROWS) + 0.5


def quantiles(random):
    return random.normal(size=ROWS), np.sort(random.normal(size=(ROWS, 3)), axis=1)


LABELS = tasks.Multilabel("y", labels=("a", "b"), thresholds=(0.4, 0.6))
ORDINAL = tasks.Ordinal("y", classes=("a", "b", "c", "d"))
SKLEARN = [
    (tasks.Binary("y", threshold=0.4), binary, {
        "roc_auc": metrics.roc_auc_score,
        "average_precision": metrics.average_precision_score,
        "log_loss": metrics.log_loss,
        "brier": metrics.brier_score_loss,
        "accuracy": lambda t, p: metrics.accuracy_score(t, p >= 0.4),
        "f1": lambda t, p: f1(t, p >= 0.4),
    }),
    (tasks.Multiclass("y", classes=tuple("abcd")), classes, {
        "accuracy": lambda t, p: metrics.accuracy_score(t, p.argmax(1)),
        "macro_f1": lambda t, p: f1(t, p.argmax(1), average="macro"),
        "log_loss": lambda t, p: metrics.log_loss(t, p, labels=range(4)),
    }),
    (ORDINAL, classes, {
        "classes_off": lambda t, p: metrics.mean_absolute_error(t, p.argmax(1)),
        "quadratic_kappa": lambda t, p: metrics.cohen_kappa_score(
            t.astype(int), p.argmax(1), labels=range(4), weights="quadratic"
        ),
    }),
    (LABELS, labels, {
        "mean_auc": of_labels(metrics.roc_auc_score),
        "macro_f1": lambda t, p: of_labels(f1)(t, (p >= (0.4, 0.6)).astype(float)),
        "micro_f1": lambda t, p: f1(t[~np.isnan(t)], (p >= (0.4, 0.6))[~np.isnan(t)]),
        "log_loss": lambda t, p: np.nanmean(
            np.nanmean(-np.log(np.where(t == 1, p, 1 - p)) + 0 * t, axis=1)
        ),
    }),
    (tasks.Regression("y"), numbers, {
        "rmse": metrics.root_mean_squared_error,
        "mae": metrics.mean_absolute_error,
        "r2": metrics.r2_score,
        "median_absolute_error": metrics.median_absolute_error,
    }),
    (tasks.Count("y"), numbers, {"poisson_deviance": metrics.mean_poisson_deviance}),
    (tasks.Quantiles("y"), quantiles, {
        "pinball": lambda t, p: np.mean(
            [metrics.mean_pinball_loss(t, p[:, n], alpha=a) for n, a in enumerate((0.1, 0.5, 0.9))]
        ),
        "mae": lambda t, p: metrics.mean_absolute_error(t, p[:, 1]),
    }),
]  # fmt: skip


@pytest.mark.parametrize(("task", "rows", "judges"), SKLEARN)
def test_each_measure_on_weights_equals_sklearn_on_the_drawn_rows(task, rows, judges):
    random = np.random.default_rng(0)
    truth, predicted = rows(random)
    weights = drawn(random)
    measures = {measure.name: measure for measure in task.measures}
    assert set(judges) <= set(measures)
    for name, judge in judges.items():
        chosen = [np.repeat(np.arange(ROWS), w) for w in weights]
        expected = [judge(truth[some], predicted[some]) for some in chosen]
        found = measures[name].weighted(truth, predicted, weights)
        np.testing.assert_allclose(found, expected, rtol=1e-9, err_msg=name)
        whole = judge(truth, predicted)
        assert task.scores(truth, predicted)[name] == pytest.approx(whole, rel=1e-6)


def test_what_rows_do_not_determine_is_nan():
    """One row, or labels that are all the same: no ranking, and no variance to explain."""
    for labels_of_one in (np.array([1.0]), np.ones(5)):
        scores = tasks.Binary("y").scores(labels_of_one, np.full(len(labels_of_one), 0.7))
        assert np.isnan(scores["roc_auc"]) and np.isnan(scores["average_precision"])
        assert np.isfinite([scores[name] for name in ("log_loss", "brier", "accuracy", "f1")]).all()
        scores = tasks.Regression("y").scores(labels_of_one, np.full(len(labels_of_one), 0.7))
        assert np.isnan(scores["r2"]) and scores["mae"] == pytest.approx(0.3)
    nothing = tasks.Quantiles("y").scores(np.zeros(0), np.zeros((0, 3)))
    assert np.isnan(list(nothing.values())).all()


@pytest.mark.parametrize("task", cases.TASKS, ids=lambda task: type(task).__name__)
def test_every_kind_says_how_bad_the_prediction_of_a_row_is(task, run):
    task = next(each for each in run.tasks if each.name == task.name)
    truth, predicted = run.truths["test"][task.name], np.asarray(run.predictions[task.name])
    truth, predicted = truth[labelled(truth)], predicted[labelled(truth)]
    losses = task.row_loss.per_row(truth, predicted)
    assert losses.shape == (len(truth),) and (losses >= 0).all()
    assert losses.mean() == pytest.approx(task.scores(truth, predicted)[task.row_loss.name])
    for residual in task.residuals(truth, predicted).values():
        assert residual.shape == (len(truth),)
        assert abs(np.nanmean(residual)) <= np.nanmean(abs(residual))


AMOUNTS = [
    tasks.Regression("y"),
    tasks.Regression("y", loss="poisson"),
    tasks.Count("y"),
    tasks.ZeroInflatedLogNormal("y"),
]


@pytest.mark.parametrize("task", AMOUNTS, ids=lambda task: type(task).__name__)
def test_no_other_constant_is_better_than_the_baseline(task):
    """By none of the measures: with many zeros, the mean has a much higher MAE than 0."""
    random = np.random.default_rng(0)
    amounts = np.where(random.random(300) < 0.7, 0, random.integers(1, 200, 300)).astype(float)
    fitted = task.fit(pd.DataFrame({"y": amounts}))
    baseline = fitted.constant_scores(amounts, fitted.constants(amounts))
    assert baseline["mae"] == pytest.approx(amounts.mean())
    for measure in fitted.measures:
        sign = 1 if measure.higher_is_better else -1
        others = [measure.value(amounts, np.full(300, c)) for c in np.linspace(0, 100, 201)]
        assert sign * baseline[measure.name] >= np.nanmax(sign * np.array(others)) - 1e-9


def test_the_baseline_of_classes_and_labels_is_the_best_constant():
    truth = np.repeat([0.0, 1.0, 2.0, 3.0], [40, 20, 25, 15])
    task = tasks.Ordinal("y", classes=(1, 2, 3, 4))
    baseline = task.constant_scores(truth, task.constants(truth))
    off = [np.abs(truth - c).mean() for c in range(4)]
    assert baseline["classes_off"] == min(off) < off[0]  # of which there are most
    random = np.random.default_rng(0)
    truth = (random.random((300, 3)) < [0.5, 0.3, 0.05]).astype(float)
    task = tasks.Multilabel("y", labels=("a", "b", "c"), thresholds=(0.9, 0.9, 0.9))
    baseline = task.constant_scores(truth, task.constants(truth))
    answers = [np.broadcast_to(s, truth.shape) for s in itertools.product([0, 1], repeat=3)]
    for name, average in (("macro_f1", "macro"), ("micro_f1", "micro")):
        best = max(f1(truth, each, average=average) for each in answers)
        assert baseline[name] == pytest.approx(best)
