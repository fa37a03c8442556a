"""Learned uncertainty: the paper's objective, and its closed-form optimum."""

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.balancers import Setup, Uncertainty


def test_objective_is_equation_10():
    balancer = Uncertainty()
    balancer.setup(Setup(["r", "c"], kinds=["regression", "classification"]))
    losses, s = tf.constant([2.0, 0.5]), tf.constant([0.3, -0.7])
    expected = 0.5 * np.exp(-0.3) * 2 + 0.5 * 0.3 + np.exp(0.7) * 0.5 - 0.5 * 0.7
    np.testing.assert_allclose(
        balancer.objective(losses, tf.constant([True, True]), s), expected, rtol=1e-6
    )


def test_an_absent_task_takes_no_part():
    balancer = Uncertainty(initial_log_variance=1.0)
    balancer.setup(Setup(["r", "c"], kinds=["regression", "classification"]))
    weights = balancer.weigh(tf.constant([2.0, 0.0]), tf.constant([True, False]))
    np.testing.assert_allclose(weights, [0.5 * np.exp(-1.0), 0.0], rtol=1e-6)
    moved = balancer.log_variance.numpy()
    assert moved[0] != 1 and moved[1] == 1


def test_weights_reach_their_closed_form_optimum():
    """Outputs that cannot learn: s goes to log L for regression, to log 2L for classes."""
    rows = keras.Input((1,))
    frozen = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", trainable=False)
    moving = keras.layers.Dense(1)(rows)
    outputs = {
        "r": frozen(rows),
        "c": keras.layers.Activation("sigmoid")(frozen(rows)),
        "m": moving,
    }
    model = mtl.MultiTaskModel(rows, outputs)
    model.compile(
        keras.optimizers.SGD(0.0),
        loss={"r": "mse", "c": "binary_crossentropy", "m": "mse"},
        balancer=Uncertainty(learning_rate=0.05),
    )
    x = np.ones((1200, 1), "float32")
    y = {"r": np.full(1200, 3.0), "c": np.arange(1200) % 2, "m": np.full(1200, np.nan)}
    model.fit(x, y, batch_size=2, shuffle=False, verbose=0)  # one class of each in a batch
    s = model.balancer.log_variance.numpy()
    np.testing.assert_allclose(s, [np.log(9.0), np.log(2 * np.log(2)), 0.0], atol=1e-3)
