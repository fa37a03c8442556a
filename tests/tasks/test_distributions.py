"""Quantiles, ordered classes, and quantities with zeros: their mathematics."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy import stats

from mtl_keras import layers, tasks
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.tasks.ordinal import CumulativeLogits
from mtl_keras.tasks.quantiles import Pinball
from mtl_keras.tasks.zero_inflated_log_normal import (
    ZeroInflatedLogNormalLoss,
    ZeroInflatedLogNormalParameters,
)

RANDOM = np.random.default_rng(0)


def test_the_pinball_loss_is_least_at_the_quantiles():
    y = RANDOM.gamma(2.0, 3.0, (4000, 1)).astype("float32")
    levels = [0.1, 0.5, 0.9]
    best = np.quantile(y, levels).astype("float32")
    loss = Pinball(levels)

    def at(quantiles):
        return float(loss(y, np.repeat(quantiles[None], len(y), axis=0)))

    for shift in (-0.5, 0.5):
        for number in range(3):
            moved = best.copy()
            moved[number] += shift
            assert at(moved) > at(best)
    task = tasks.Quantiles("y", levels=levels)
    scores = task.scores(y[:, 0], np.repeat(best[None], len(y), axis=0))
    assert scores["pinball"] == pytest.approx(at(best), rel=1e-5)
    assert scores["coverage"] == pytest.approx(0.8, abs=0.01)


def test_quantiles_never_cross_and_start_at_the_training_quantiles():
    table = pd.DataFrame({"spend": RANDOM.lognormal(2.0, 1.0, 500)})
    task = tasks.Quantiles("spend", levels=(0.05, 0.3, 0.5, 0.95), transform="log1p").fit(table)
    wild = RANDOM.normal(0, 30, (50, 4)).astype("float32")
    found = layers.Ascending()(wild).numpy()
    assert (np.diff(found, axis=1) >= 0).all()
    start = np.array([task.start], "float32")
    in_units = task.prediction(start)[0]
    np.testing.assert_allclose(in_units, table["spend"].quantile(list(task.levels)), rtol=0.02)


def test_cumulative_logits_by_hand():
    layer = CumulativeLogits(3)
    layer(tf.zeros([1, 1]))
    layer.start_at(np.array([-1.0, 2.0]))
    score = np.array([[-3.0], [0.0], [4.0]], "float32")
    below = 1 / (1 + np.exp(-(np.array([-1.0, 2.0]) - score)))
    expected = np.column_stack([below[:, 0], below[:, 1] - below[:, 0], 1 - below[:, 1]])
    np.testing.assert_allclose(layer(score), expected, atol=1e-6)


def test_the_zero_inflated_log_normal_is_scipys():
    center, scale = 1.5, 0.8
    raw = RANDOM.normal(size=(200, 3)).astype("float32")
    p, mu, sigma, mean = ZeroInflatedLogNormalParameters(center, scale)(raw).numpy().T
    spread, place = scale * sigma, center + scale * mu
    np.testing.assert_allclose(mean, p * stats.lognorm.mean(spread, scale=np.exp(place)), rtol=1e-4)
    y = np.where(RANDOM.random(200) < 0.4, 0, RANDOM.lognormal(1.5, 0.8, 200)).astype("float32")
    loss = ZeroInflatedLogNormalLoss(center, scale)
    found = loss.call(tf.constant(y[:, None]), tf.stack([p, mu, sigma, mean], axis=1)).numpy()
    positive = y > 0
    np.testing.assert_allclose(found[~positive], -np.log(1 - p[~positive]), rtol=1e-4)
    likelihood = stats.lognorm.logpdf(
        y[positive], spread[positive], scale=np.exp(place[positive])
    ) + np.log(p[positive])
    jacobian = np.log(y[positive])  # ours is a density of the logarithm
    difference = found[positive] + likelihood + jacobian
    np.testing.assert_allclose(difference, difference[0], atol=1e-3)  # a constant apart
    assert (found >= 0).all()


@pytest.mark.parametrize("value", [1e-12, 1.0, 1e9])
def test_its_loss_is_never_negative(value):
    loss = ZeroInflatedLogNormalLoss(np.log(value), 1.0)
    perfect = ZeroInflatedLogNormalParameters(np.log(value))(tf.constant([[50.0, 0.0, -99.0]]))
    assert 0 <= float(loss(tf.constant([[value]]), perfect)) < 1e-4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.Quantiles("x", levels=(0.9, 0.1)), "levels. must ascend between 0 and 1"),
        (lambda: tasks.Quantiles("x", levels=()), "levels"),
        (lambda: tasks.Quantiles("x", transform="log"), "Did you mean 'log1p'"),
    ],
)
def test_a_bad_declaration_is_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_labels_that_are_no_such_quantity_are_named():
    with pytest.raises(DataError, match=r"'x' must be >= 0 .* Received: -1"):
        tasks.ZeroInflatedLogNormal("x").fit(pd.DataFrame({"x": [-1.0, 2.0]}))
    with pytest.raises(DataError, match="fewer than two different labels above 0"):
        tasks.ZeroInflatedLogNormal("x").fit(pd.DataFrame({"x": [0.0, 2.0, 2.0]}))


def test_ordinal_scores_know_how_far_off():
    truth = np.array([0, 1, 2, 2])
    near, far = np.eye(3)[[0, 1, 2, 1]], np.eye(3)[[0, 1, 2, 0]]
    task = tasks.Ordinal("size", classes=("S", "M", "L"))
    nearer, farther = task.scores(truth, near), task.scores(truth, far)
    assert nearer["classes_off"] == 0.25 and farther["classes_off"] == 0.5
    assert nearer["quadratic_kappa"] > farther["quadratic_kappa"]
