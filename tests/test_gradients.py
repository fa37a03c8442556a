"""The balanced backward pass, in real training steps."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import balancers
from mtl_keras.errors import ConfigError, TrainingError

ROWS = 64


@keras.saving.register_keras_serializable("tests")
class Sum(balancers.GramianBalancer):
    """Equal weights by the long way."""

    listed = False

    def weigh(self, losses, present, gramian=None):
        return tf.ones_like(gramian[0])


@keras.saving.register_keras_serializable("tests")
class SumOfRows(balancers.JacobianBalancer):
    listed = False

    def combine(self, jacobian, losses, present):
        return tf.reduce_sum(jacobian, 0), tf.ones(jacobian.shape[0])


def data(seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(ROWS, 4)).astype("float32")
    return x, {
        "a": (x[:, 0] > 0).astype("float32"),
        "b": x.sum(1),
        "c": np.where(random.random(ROWS) < 0.4, np.nan, x[:, 1]).astype("float32"),
    }


def network(balancer, regularised=False, optimizer=None, twice=False, **options):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    regulariser = keras.regularizers.L2(0.01) if regularised else None
    trunk = keras.layers.Dense(8, activation="tanh", kernel_regularizer=regulariser)(x)
    trunk = keras.layers.Dense(6, activation="tanh", name="last")(trunk)
    again = keras.layers.Dense(6, activation="tanh", name="again")
    tower = {t: keras.layers.Dense(6, activation="tanh", name=f"tower_{t}")(trunk) for t in "abc"}
    if twice:
        tower = {t: again(tensor) for t, tensor in tower.items()}
    outputs = {
        "a": keras.layers.Dense(1, activation="sigmoid")(tower["a"]),
        "b": keras.layers.Dense(1)(tower["b"]),
        "c": keras.layers.Dense(1)(keras.layers.Concatenate()([tower["c"], x])),
    }
    model = mtl.MultiTaskModel(x, outputs)
    model.compile(
        optimizer or keras.optimizers.SGD(0.1),
        loss={"a": "binary_crossentropy", "b": "mse", "c": "mse"},
        balancer=balancer,
        **options,
    )
    return model


def trained(balancer, epochs=2, **options):
    model = network(balancer, **options)
    x, y = data()
    history = model.fit(x, y, batch_size=24, epochs=epochs, shuffle=False, verbose=0)
    return np.concatenate([w.reshape(-1) for w in model.get_weights()]), history.history


@pytest.mark.parametrize(
    ("long_way", "options"),
    [
        (Sum(), {"regularised": True}),
        (Sum(), {"twice": True}),
        (Sum(gradients="representation"), {"regularised": True}),
        (Sum(gradients="representation"), {"twice": True}),
        (Sum(gradients="last_layer"), {"twice": True}),
        (Sum(update_every=3), {"regularised": True}),
        (SumOfRows(), {"twice": True}),
    ],
    ids=lambda case: str(case) if isinstance(case, dict) else f"{type(case).__name__}",
)
def test_equal_weights_the_long_way_are_the_plain_sum(long_way, options):
    plain, _ = trained(None, **options)
    weights, _ = trained(type(long_way).from_config(long_way.get_config()), **options)
    np.testing.assert_allclose(weights, plain, atol=1e-5)


def test_the_step_of_pcgrad_is_that_of_explicit_gradients():
    model = network(balancers.PCGrad(shuffle=False))
    x, y = data()
    shared = [v for v in model.trainable_variables if "tower" not in v.path][:4]
    jacobian = []
    for task in "abc":
        with tf.GradientTape() as tape:
            predicted = model(x)[task][:, 0]
            if task == "a":
                loss = tf.reduce_mean(
                    keras.losses.binary_crossentropy(y["a"][:, None], predicted[:, None])
                )
            else:
                there = ~np.isnan(y[task])
                loss = tf.reduce_mean((predicted[there] - y[task][there]) ** 2)
        found = tape.gradient(loss, [v.value for v in shared])
        jacobian.append(np.concatenate([np.reshape(g, -1) for g in found]))
    projected = [row.copy() for row in jacobian]
    for i, p in enumerate(projected):
        for j, g in enumerate(jacobian):
            if i != j and p @ g < 0:
                p -= p @ g / (g @ g) * g
    before = np.concatenate([v.numpy().reshape(-1) for v in shared])
    model.fit(x, y, batch_size=ROWS, verbose=0)
    after = np.concatenate([v.numpy().reshape(-1) for v in shared])
    np.testing.assert_allclose(after, before - 0.1 * np.sum(projected, axis=0), atol=1e-5)


@pytest.mark.parametrize("name", ["nash_mtl", "moco", "famo"])
def test_the_way_of_running_does_not_matter(name):
    weights, history = trained(name)
    for options in (
        {"jit_compile": True},
        {"steps_per_execution": 2},
        {"run_eagerly": True},
    ):
        others, its = trained(name, **options)
        np.testing.assert_allclose(others, weights, atol=2e-4)
        np.testing.assert_allclose(its["a_weight"], history["a_weight"], rtol=1e-3)
    x, y = data()
    model = network(name)
    model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(24), epochs=2, verbose=0)
    others = np.concatenate([w.reshape(-1) for w in model.get_weights()])
    np.testing.assert_allclose(others, weights, atol=2e-4)


@pytest.fixture(scope="module")
def replicas():
    """One for all tests: TensorFlow mixes up the collectives of several in one process."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.mark.parametrize(
    "name", ["fixed", "uncertainty", "nash_mtl", "mgda-ub", "graddrop", "famo"]
)
def test_two_replicas_take_the_step_of_one_device(name, replicas):
    balancer = {"kind": name}
    if name == "mgda-ub":
        balancer = {"kind": "mgda", "gradients": "representation"}
    x, y = data()
    y["c"][:16] = np.nan  # the replicas have different numbers of labels

    def run(scope):
        with scope:
            model = network(balancer, regularised=True)
        dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
        history = model.fit(dataset, epochs=2, verbose=0).history
        return np.concatenate([w.reshape(-1) for w in model.get_weights()]), history

    one, history = run(contextlib.nullcontext())
    assert replicas.num_replicas_in_sync == 2
    two, its = run(replicas.scope())
    np.testing.assert_allclose(two, one, atol=2e-5)
    for key in ("loss", "b_loss", "c_loss"):
        np.testing.assert_allclose(its[key], history[key], rtol=1e-4)


def test_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = network("nash_mtl")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    x, y = data()
    history = model.fit(x, y, batch_size=ROWS, epochs=15, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all() and history["loss"][-1] < history["loss"][0]
    norms = network("nash_mtl").fit(x, y, batch_size=ROWS, shuffle=False, verbose=0).history
    np.testing.assert_allclose(
        history["b_gradient_norm"][0], norms["b_gradient_norm"][0], rtol=0.2
    )  # the loss scale is taken out again


def test_gradient_accumulation():
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    _, history = trained("pcgrad", optimizer=optimizer)
    assert np.isfinite(history["loss"]).all()
    with pytest.raises(ConfigError, match="gradient_accumulation_steps"):
        network("famo", optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))


def test_nothing_shared_is_said():
    x = keras.Input((4,))
    outputs = {"a": keras.layers.Dense(1)(x), "b": keras.layers.Dense(1)(x)}
    model = mtl.MultiTaskModel(x, outputs)
    with pytest.warns(UserWarning, match="nothing to balance"):
        model.compile("sgd", loss="mse", balancer="pcgrad")
    x, y = data()
    plain = mtl.MultiTaskModel.from_config(model.get_config())
    plain.set_weights(model.get_weights())
    plain.compile("sgd", loss="mse")
    for one in (model, plain):
        one.fit(x, {"a": y["a"], "b": y["b"]}, verbose=0, shuffle=False)
    for mine, its in zip(model.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(mine, its, atol=1e-6)


def test_scaled_heads():
    def moved(scale_heads):
        balancer = balancers.NashMTL(scale_heads=scale_heads)
        model = network(balancer, optimizer=keras.optimizers.SGD(1e-3))
        x, y = data()
        head = next(v for v in model.trainable_variables if "tower_b" in v.path)
        before = head.numpy()
        history = model.fit(x, y, batch_size=ROWS, verbose=0).history
        return np.linalg.norm(head.numpy() - before), history["b_weight"][0]

    plain, weight = moved(False)
    np.testing.assert_allclose(moved(True)[0], plain * weight, rtol=1e-3)


def test_what_the_balancer_did_is_in_the_logs():
    model = network("mgda")
    x, y = data()
    y["c"][:] = np.nan
    history = model.fit(x, y, batch_size=24, epochs=2, verbose=0).history
    assert np.isnan(history["c_weight"]).all()
    assert {"conflict", "balancer_failures", "balancer_residual", "a_gradient_norm"} <= set(history)
    epoch = model.balancing[-1]
    cosines = np.array(epoch["cosines"])
    assert cosines.shape == (3, 3) and np.allclose(np.diag(cosines)[:2], 1)
    assert 0 <= epoch["conflict"] <= 1 and epoch["failures"] == 0
    quiet = network(balancers.MGDA(diagnostics=False)).fit(x, y, verbose=0).history
    assert not any("weight" in key or "conflict" in key for key in quiet)


def test_a_function_is_a_balancer():
    _, history = trained(lambda losses, present: 2.0 * tf.ones_like(losses), epochs=1)
    assert history["a_weight"] == [2.0]
    _, history = trained(
        lambda losses, present, gramian: tf.math.rsqrt(tf.linalg.diag_part(gramian)), epochs=1
    )
    assert history["balancer_failures"] == [0]


def test_a_negative_loss_is_named():
    model = network("gls")
    model.compile("sgd", loss=lambda y, p: tf.reduce_mean(p, -1) - 5, balancer="gls")
    x, y = data()
    with pytest.raises(TrainingError, match=r"task 'a' is negative.*'gls'"):
        model.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "nash_mlt"}, "Did you mean 'nash_mtl'"),
        ({"kind": "mgda", "normalisation": "l3"}, "`normalisation` must be one of"),
        ({"kind": "pcgrad", "update_every": 0}, "`update_every` must be an integer >= 1"),
        ({"kind": "graddrop", "gradients": "representation"}, "`gradients` must be one of"),
        ({"kind": "cagrad", "radius": 1.0}, "Unknown key of balancer 'cagrad': 'radius'"),
        ({"kind": "dst", "weights": {"speed": 1}}, "`weights` must have keys among"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ConfigError, match=message):
        balancers.get(arguments)
