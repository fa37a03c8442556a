"""The gate that learns which source to read."""

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.layers import BranchGate

X = tf.ones([4, 2, 3])  # of two members


def gate(**arguments) -> BranchGate:
    keras.utils.set_random_seed(1)
    made = BranchGate("a", ["b", "c", "d"], **{"explore": 2000, "warmup": 0, **arguments})
    made(X)
    return made


def gradient(layer) -> np.ndarray:
    """Of the weight of the last source in training."""
    with tf.GradientTape() as tape:
        chosen = tf.reduce_mean(layer(X, training=True)[..., 2])
    return tape.gradient(chosen, layer.preference.value).numpy()


def test_it_draws_one_source_for_all_with_the_probabilities_of_a_softmax():
    layer = gate(strength=2.0)
    layer.preference.assign([0.5, 0.0, -0.5])
    draw = tf.function(lambda: layer(X, training=True))
    drawn = np.stack([draw() for _ in range(1000)])
    assert np.allclose(drawn, drawn[:, :1, :1]) and np.allclose(np.sort(drawn)[..., -1], 1)
    expected = np.exp([1.0, 0.0, -1.0]) / np.exp([1.0, 0.0, -1.0]).sum()
    np.testing.assert_allclose(drawn[:, 0, 0].mean(0), expected, atol=0.05)


def test_its_gradient_is_that_of_a_softmax_at_a_falling_temperature():
    layer = gate(temperature=2.0, strength=1.0)
    steps = [gradient(layer) for _ in range(80)]
    np.testing.assert_allclose(np.sum(steps, axis=1), 0, atol=1e-6)
    assert all(step[2] > 0 for step in steps)
    # With s the softmax at 1 / tau, the gradient is s (1 - s) / tau: at most 1 / (4 tau).
    temperatures = np.maximum(2.0 / np.sqrt(1.0 + np.arange(80)), 0.5)
    largest = np.array(steps)[:, 2] * 4 * temperatures
    assert largest.max() <= 1 + 1e-5 and largest[-60:].max() > 0.9


def test_it_learns_after_the_warmup_and_is_fixed_after_exploring():
    layer = gate(warmup=2, explore=4)
    layer.preference.assign([0.0, 0.1, 0.0])
    learned = [np.abs(gradient(layer)).max() > 0 for _ in range(6)]
    assert learned == [False, False, True, True, False, False]
    assert int(layer.step) == 6
    for training in (True, False):
        np.testing.assert_array_equal(layer(X, training=training)[0, 0], [0, 1, 0])
    assert int(layer.step) == 7  # of training only


def test_it_finds_the_source_that_costs_least():
    layer, optimizer = gate(), keras.optimizers.Adam(0.01)
    cost = tf.constant([1.0, 1.0, 0.5])

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(layer(X, training=True) * cost)
        optimizer.apply(tape.gradient(loss, [layer.preference.value]), [layer.preference])

    optimizer.build([layer.preference])
    for _ in range(200):
        train()
    np.testing.assert_array_equal(layer(X)[0, 0], [0, 0, 1])
