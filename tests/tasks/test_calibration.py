"""Corrections of probabilities, and thresholds, that are chosen on validation rows."""

import json

import numpy as np
import pytest

from mtl_keras import tasks
from mtl_keras.errors import ConfigError
from mtl_keras.tasks import Binary, Multiclass
from mtl_keras.tasks.calibration import Temperature, log_loss


def overconfident(rows=4000, factor=3.0):
    random = np.random.default_rng(0)
    logits = random.normal(0, 1, rows)
    truth = (random.random(rows) < 1 / (1 + np.exp(-logits))).astype("float32")
    return truth, (1 / (1 + np.exp(-factor * logits))).astype("float32")[:, None]


def test_the_temperature_of_probabilities_that_are_too_sure_is_found():
    truth, said = overconfident()
    task = Binary("y", classes=("no", "yes"), calibration="temperature").calibrate(truth, said)
    assert task.calibrator["temperature"] == pytest.approx(3.0, rel=0.1)
    calibrated = task.prediction(said)
    assert abs(calibrated[calibrated > 0.7].mean() - truth[calibrated > 0.7].mean()) < 0.03
    answered = task.answers(said)["y_probability"].numpy()
    np.testing.assert_allclose(answered, calibrated, atol=1e-6)


def test_classes_are_calibrated_alike_and_keep_their_order():
    truth, said = overconfident()
    both = np.hstack([1 - said, said])
    task = Multiclass("y", classes=("a", "b"), calibration="temperature").calibrate(truth, both)
    assert task.calibrator["temperature"] == pytest.approx(3.0, rel=0.1)
    found = task.prediction(both)
    np.testing.assert_array_equal(found.argmax(axis=1), both.argmax(axis=1))
    np.testing.assert_allclose(
        Temperature(1 / task.calibrator["temperature"])(found), both, atol=1e-4
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_curves_correct_what_one_number_cannot(classes):
    """Said probabilities that are wrong in a bent way; of three classes, the third never said."""
    truth, right = overconfident(factor=1.0)
    bent = right**3
    if classes == 2:
        task, said, true = Binary("y", classes=("no", "yes")), bent, right
    else:
        task = Multiclass("y", classes=("a", "b", "c"))
        said = np.hstack([1 - bent, bent * 0.5, bent * 0.5])
        true = np.hstack([1 - right, right, 0 * right])
    losses = {}
    for method in (None, "temperature", "isotonic"):
        found = task.but(calibration=method).calibrate(truth, said)
        losses[method] = log_loss(truth, found.prediction(said))
    assert losses["isotonic"] < losses["temperature"] < losses[None]
    assert losses["isotonic"] == pytest.approx(log_loss(truth, true), abs=0.02)
    assert np.all((found.prediction(said) > 0) & (found.prediction(said) < 1))
    if classes == 3:
        np.testing.assert_allclose(found.prediction(said).sum(axis=1), 1, atol=1e-5)
    again = tasks.get(json.loads(json.dumps(found.get_config())))
    np.testing.assert_array_equal(again.prediction(said), found.prediction(said))


def test_the_probability_of_a_rare_class_keeps_its_digits():
    """40,000 rows, of which 20 are positive: rounded, most probabilities would be 0."""
    random = np.random.default_rng(0)
    said = random.beta(1, 2000, (40_000, 1)).astype("float32")
    truth = (random.random(40_000) < said[:, 0]).astype("float32")
    task = Binary("y", classes=("no", "yes"), calibration="isotonic").calibrate(truth, 3 * said)
    found = task.prediction(3 * said)
    assert found.min() == pytest.approx(1 / 80_000) and found.max() < 1
    assert found.mean() == pytest.approx(truth.mean(), rel=0.05)


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
    with pytest.raises(ConfigError, match="isotonic"):
        Binary("y", calibration="isotone")


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_validation_rows_of_one_class_do_not_make_all_probabilities_alike(method, label):
    said = np.linspace(0.01, 0.99, 50, dtype="float32")[:, None]
    task = Binary("y", classes=("no", "yes"), calibration=method)
    found = task.calibrate(np.full(50, label, "float32"), said).prediction(said)
    assert (np.diff(found) > 0).all()  # nor only 0 and 1
    if method == "isotonic":
        assert np.abs(found - label).mean() == pytest.approx(0.5 / 50, rel=1e-3)
    else:
        np.testing.assert_allclose(found, said[:, 0], atol=1e-6)


def test_a_class_that_no_validation_row_has_can_still_be_predicted():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 400).astype("float32")
    said = np.eye(3, dtype="float32")[truth.astype(int)] * 0.8 + np.float32([0.099, 0.1, 0.001])
    task = Multiclass("y", classes=("a", "b", "c"), calibration="isotonic")
    task = task.calibrate(truth, said)
    (found,) = task.prediction(np.float32([[0.05, 0.05, 0.9]]))
    assert found.argmax() == 2
    assert task.prediction(said)[:, 2].max() < 0.002
