"""Training in half precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.model.gradients import gramian
from tests.model.networks import SHORT, network, rows


def test_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = network("nash_mtl")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    x, y = rows()
    history = model.fit(x, y, batch_size=SHORT, epochs=15, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all() and history["loss"][-1] < history["loss"][0]
    plain = network("nash_mtl", run_eagerly=True)
    norms = plain.fit(x, y, batch_size=SHORT, shuffle=False, verbose=0).history
    np.testing.assert_allclose(
        history["b_gradient_norm"][0], norms["b_gradient_norm"][0], rtol=0.2
    )  # the loss scale is taken out again


def model_in_half_precision(balancer):
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        x = keras.Input((4,))
        trunk = keras.layers.Dense(8, activation="tanh")(x)
        heads = {task: keras.layers.Dense(1, dtype="float32")(trunk) for task in "ab"}
        model = mtl.MultiTaskModel(x, heads)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model.compile(keras.optimizers.SGD(1e-7), loss="mse", balancer=balancer)
    return model


@pytest.mark.parametrize(
    "balancer",
    [
        "pcgrad",
        "graddrop",
        {"kind": "imtl_g", "gradients": "representation"},
        {"kind": "upgrad", "gradients": "last_layer", "update_every": 2},
    ],
)
def test_a_task_whose_gradient_overflows_is_not_left_out_for_good(balancer):
    model = model_in_half_precision(balancer)
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = {"a": x[:, 0], "b": 1000 * x[:, 1]}  # overflows at the first loss scale, 2 ** 15
    history = model.fit(x, y, batch_size=8, epochs=5, verbose=0).history
    assert np.isfinite(history["b_gradient_norm"][-1]) and history["b_weight"][-1] > 0
    assert model.optimizer.dynamic_scale.numpy() < 2**15


def test_products_of_gradients_in_half_precision_are_exact():
    part = tf.constant([300.0, 1.0], tf.float16)  # its square is beyond float16
    np.testing.assert_array_equal(gramian([[part], [part]], None), np.full((2, 2), 90001.0))
