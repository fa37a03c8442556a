"""Temperatures and thresholds that are chosen on validation rows."""

import numpy as np
import pytest

from mtl_keras.errors import ConfigError
from mtl_keras.layers import Temperature
from mtl_keras.tasks import Binary, Multiclass


def overconfident(rows=4000, factor=3.0):
    random = np.random.default_rng(0)
    logits = random.normal(0, 1, rows)
    truth = (random.random(rows) < 1 / (1 + np.exp(-logits))).astype("float32")
    return truth, (1 / (1 + np.exp(-factor * logits))).astype("float32")[:, None]


def test_the_temperature_of_probabilities_that_are_too_sure_is_found():
    truth, said = overconfident()
    task = Binary("y", classes=("no", "yes"), calibration="temperature").calibrate(truth, said)
    assert task.temperature == pytest.approx(3.0, rel=0.1)
    calibrated = task.prediction(said)
    assert abs(calibrated[calibrated > 0.7].mean() - truth[calibrated > 0.7].mean()) < 0.03
    answered = task.answers(said)["y_probability"].numpy()
    np.testing.assert_allclose(answered, calibrated, atol=1e-6)


def test_classes_are_calibrated_alike_and_keep_their_order():
    truth, said = overconfident()
    both = np.hstack([1 - said, said])
    task = Multiclass("y", classes=("a", "b"), calibration="temperature").calibrate(truth, both)
    assert task.temperature == pytest.approx(3.0, rel=0.1)
    found = task.prediction(both)
    np.testing.assert_array_equal(found.argmax(axis=1), both.argmax(axis=1))
    np.testing.assert_allclose(Temperature(1 / task.temperature)(found), both, atol=1e-4)


def test_the_threshold_follows_the_costs():
    truth, said = overconfident(factor=1.0)
    plain = Binary("y", classes=("no", "yes"))
    thresholds = {
        ratio: plain.but(costs={"false_positive": 1.0, "false_negative": ratio})
        .calibrate(truth, said)
        .threshold
        for ratio in (0.25, 1.0, 4.0)
    }
    for ratio, threshold in thresholds.items():
        assert threshold == pytest.approx(1 / (1 + ratio), abs=0.08)


def test_bad_costs_and_calibrations_are_refused():
    with pytest.raises(ConfigError, match="have the keys"):
        Binary("y", costs={"false_positive": 1.0})
    with pytest.raises(ConfigError, match="temperature"):
        Binary("y", calibration="isotone")
