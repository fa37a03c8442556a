"""What other thresholds would give equals what scikit-learn finds for them."""

import numpy as np
from sklearn import metrics

from mtl_keras.tasks import Binary, Multilabel
from mtl_keras.tasks.thresholds import cheapest_threshold


def test_a_curve_equals_sklearn_at_each_threshold_and_has_the_one_in_use():
    random = np.random.default_rng(0)
    truth, scores = (random.random(300) < 0.3).astype(float), random.random(300).round(2)
    costs = {"false_positive": 1.0, "false_negative": 5.0}
    task = Binary("left", classes=("no", "yes"), threshold=0.37, costs=costs)
    (curve,) = task.threshold_curves(truth, scores)
    assert curve.label == "yes" and curve.in_use == 0.37 in curve.threshold
    for place in range(0, len(curve.threshold), 7):
        answers = np.float32(scores) >= np.float32(curve.threshold[place])  # as the model decides
        wrong, missed = np.sum(answers & (truth == 0)), np.sum(~answers & (truth == 1))
        found = (curve.precision[place], curve.recall[place], curve.f1[place], curve.cost[place])
        expected = (
            metrics.precision_score(truth, answers),
            metrics.recall_score(truth, answers),
            metrics.f1_score(truth, answers),
            (wrong + 5 * missed) / 300,
        )
        np.testing.assert_allclose(found, expected)
    cheapest = cheapest_threshold(truth == 1, scores, 1.0, 5.0)
    (at_cheapest,) = task.but(threshold=cheapest).threshold_curves(truth, scores)
    assert at_cheapest.cost[at_cheapest.threshold.index(cheapest)] == min(at_cheapest.cost)


def test_each_label_that_some_row_has_has_a_curve():
    task = Multilabel("likes", labels=("tea", "jam", "ham"), thresholds=(0.2, 0.5, 0.7))
    truth = np.array([[1, 0, np.nan], [0, np.nan, np.nan], [1, 1, np.nan]])
    curves = task.threshold_curves(truth, np.full((3, 3), 0.4))
    assert [(curve.label, curve.in_use) for curve in curves] == [("tea", 0.2), ("jam", 0.5)]
    assert np.isnan(curves[1].precision[-1])  # above all scores, nothing is answered with yes


def test_costs_are_drawn_where_they_are_declared():
    truth, scores = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.1, 0.4, 0.8, 0.3])
    costs = {"false_positive": 1.0, "false_negative": 5.0}
    plain, priced = (
        [panel.title for panel in task.panels(truth, scores)]
        for task in (Binary("left"), Binary("left", costs=costs))
    )
    assert [title for title in priced if title not in plain] == ["left: cost by threshold"]


def test_a_threshold_separates_scores_as_float32():
    """As the exported model compares them; the middle of two neighbours may be the lower one."""
    top, truth = np.float32(0.7), np.array([0.0, 1.0], "float32")
    for upper in (top, np.nextafter(top, np.float32(1))):  # the middle is rounded to an even one
        scores = np.array([[np.nextafter(upper, np.float32(0))], [upper]], "float32")
        for costs in (None, {"false_positive": 5.0, "false_negative": 1.0}):
            task = Binary("left", classes=("no", "yes"), costs=costs).calibrate(truth, scores)
            assert task.answers(scores)["left"].numpy().tolist() == [b"no", b"yes"]


def test_no_threshold_is_above_a_score_of_one():
    truth, scores = np.array([False, False, True, False]), np.array([1.0, 1.0, 1.0, 0.2])
    cut = cheapest_threshold(truth, scores, 1.0, 1.0)
    answers = scores >= cut
    assert np.sum(answers != truth) == 2  # `never` would cost 1, but cannot be had
    assert cut == 0.6
