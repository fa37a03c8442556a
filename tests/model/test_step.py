"""The balanced backward pass, in real training steps."""

import functools
import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import balancers
from mtl_keras.errors import ConfigError
from tests.model.networks import SHORT, network, rows, small, trained


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


@pytest.mark.parametrize(
    "long_way",
    [
        Sum(),
        Sum(gradients="representation"),
        Sum(gradients="last_layer"),
        SumOfRows(update_every=2),
    ],
    ids=["Gramian", "representation", "last layer", "Jacobian of some steps"],
)
def test_equal_weights_the_long_way_are_the_plain_sum(long_way):
    """Run eagerly: three steps take less time than tracing one."""
    options = {"regularised": True, "twice": True, "run_eagerly": True}
    weights, _ = trained(long_way, epochs=1, **options)
    np.testing.assert_allclose(weights, plain_sum(**options), atol=1e-5)


@functools.cache
def plain_sum(**options):
    return trained(None, epochs=1, **options)[0]


def test_the_step_of_pcgrad_is_that_of_explicit_gradients():
    model = network(balancers.PCGrad(shuffle=False), run_eagerly=True)
    x, y = rows()
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
                present = ~np.isnan(y[task])
                loss = tf.reduce_mean((predicted[present] - y[task][present]) ** 2)
        gradients = tape.gradient(loss, [v.value for v in shared])
        jacobian.append(np.concatenate([np.reshape(g, -1) for g in gradients]))
    projected = [row.copy() for row in jacobian]
    for i, p in enumerate(projected):
        for j, g in enumerate(jacobian):
            if i != j and p @ g < 0:
                p -= p @ g / (g @ g) * g
    before = np.concatenate([v.numpy().reshape(-1) for v in shared])
    model.fit(x, y, batch_size=SHORT, verbose=0)
    after = np.concatenate([v.numpy().reshape(-1) for v in shared])
    np.testing.assert_allclose(after, before - 0.1 * np.sum(projected, axis=0), atol=1e-5)


@pytest.mark.parametrize("name", ["famo", "sdmgrad"])
def test_a_task_that_is_left_out_is_trained_as_if_it_had_no_labels(name):
    x, y = rows()
    weights, logs = [], []
    for labels, left_out in ((y, {"b"}), ({**y, "b": np.full(len(y["b"]), np.nan)}, set())):
        model = small(name, run_eagerly=True)
        model.step.leave_out(left_out)
        logs.append(model.fit(x, labels, batch_size=32, verbose=0).history)
        weights.append(np.concatenate([w.reshape(-1) for w in model.get_weights()]))
    np.testing.assert_allclose(*weights, atol=1e-6)
    left, missing = logs
    np.testing.assert_allclose(left["a_weight"], missing["a_weight"], rtol=1e-5)
    assert np.isnan(left["b_weight"]).all() and np.isfinite(left["b_loss"]).all()


@pytest.mark.parametrize(
    "balancer",
    [balancers.FAMO(), balancers.PCGrad(shuffle=False), balancers.MoCo()],
    ids=["losses", "Gramian", "Jacobian"],
)
def test_a_step_is_the_same_compiled_and_run_eagerly(balancer):
    weights, history = trained(balancer, small, tasks="bc")
    for options in ({"jit_compile": True}, {"run_eagerly": True}):
        others, its = trained(balancer, small, tasks="bc", **options)
        np.testing.assert_allclose(others, weights, atol=2e-4)
        np.testing.assert_allclose(its["b_weight"], history["b_weight"], rtol=1e-3)


def test_any_number_of_steps_in_an_execution_is_the_same_training():
    """And any form of data: see `test_combinations.py`."""
    options = {"run_eagerly": True}, {"steps_per_execution": 2}
    (weights, _), (others, _) = (trained(None, small, **way) for way in options)
    np.testing.assert_allclose(others, weights, atol=1e-6)


def test_xla_need_not_compile_the_step_again_for_each_batch():
    """XLA takes the position of a slice, and all that it is computed from, for constants."""

    @functools.cache
    def is_from_data(op):
        if op.type in ("Placeholder", "ReadVariableOp"):
            return True
        return op.type != "Shape" and any(is_from_data(tensor.op) for tensor in op.inputs)

    model, (x, y) = small("uncertainty"), rows()
    step = tf.function(lambda *batch: model.train_step(batch), autograph=False)
    operations = step.get_concrete_function(tf.constant(x), y).graph.get_operations()
    slices = [op for op in operations if op.type == "StridedSlice"]
    assert slices
    assert not [op.name for op in slices if any(is_from_data(t.op) for t in op.inputs[1:])]


@pytest.mark.parametrize("balancer", [None, balancers.PCGrad(), balancers.PCGrad(update_every=2)])
@pytest.mark.filterwarnings("ignore:Gradients do not exist")  # as in plain Keras
def test_what_no_loss_reaches_does_not_decay(balancer):
    """As in Keras: its gradient is None, not 0, with which weight decay would still change it.

    A step is traced only where it has branches, whose results must have one structure.
    """
    x = keras.Input((4,))
    behind = keras.layers.Lambda(tf.stop_gradient)(keras.layers.Dense(3, name="trunk")(x))
    shared = keras.layers.Dense(3, name="shared")(behind)
    outputs = {task: keras.layers.Dense(1, name=task)(shared) for task in "ab"}
    model = mtl.MultiTaskModel(x, outputs)
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=0.1)
    eagerly = balancer is None or balancer.update_every == 1
    model.compile(optimizer, loss="mse", balancer=balancer, run_eagerly=eagerly)
    trunk, trained_layer = model.get_layer("trunk"), model.get_layer("shared")
    before = trunk.get_weights()[0], trained_layer.get_weights()[0]
    data = np.ones((8, 4), "float32")
    model.fit(data, {"a": data[:, 0], "b": data[:, 1]}, batch_size=2, verbose=0)
    np.testing.assert_array_equal(trunk.get_weights()[0], before[0])
    assert np.abs(trained_layer.get_weights()[0] - before[1]).min() > 0


def ones(losses, present, gramian):
    return tf.ones_like(gramian[0])


@pytest.mark.parametrize("gradients", ["representation", "last_layer"])
def test_a_shared_layer_used_again_past_the_boundary_counts_once(gradients):
    """Its gradient through the boundary was counted twice."""
    changed = []
    for balancer in (None, balancers.GramianFunction(ones, gradients=gradients)):
        keras.utils.set_random_seed(0)
        x = keras.Input((4,))
        twice = keras.layers.Dense(4, activation="tanh")
        hidden = twice(x)
        outputs = {"a": keras.layers.Dense(1)(hidden), "b": keras.layers.Dense(1)(twice(hidden))}
        model = mtl.MultiTaskModel(x, outputs)
        model.compile(keras.optimizers.SGD(0.1), "mse", balancer=balancer, run_eagerly=True)
        data = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
        model.train_on_batch(data, {"a": data[:, 0], "b": data[:, 1]})
        changed.append(twice.get_weights()[0])
    np.testing.assert_allclose(*changed, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")  # as in plain Keras
def test_inputs_are_found_by_the_names_that_the_model_has_for_them():
    """Those of its layers may be others: a model for inner tensors went by these."""
    logs, random = [], np.random.default_rng(0)
    data = {name: random.normal(size=(8, 4)).astype("float32") for name in "pq"}
    for balancer in (None, balancers.GramianFunction(ones, gradients="representation")):
        keras.utils.set_random_seed(0)
        inputs = {"p": keras.Input((4,), name="q"), "q": keras.Input((4,), name="p")}
        hidden = keras.layers.Concatenate()([inputs["p"], 2 * inputs["q"]])
        hidden = keras.layers.Dense(3)(hidden)
        model = mtl.MultiTaskModel(inputs, {task: keras.layers.Dense(1)(hidden) for task in "ab"})
        model.compile("sgd", "mse", balancer=balancer, run_eagerly=True)
        labels = {"a": data["p"][:, 0], "b": data["q"][:, 0]}
        logs.append(model.train_on_batch(data, labels, return_dict=True)["loss"])
    np.testing.assert_allclose(*logs, rtol=1e-5)


@pytest.mark.parametrize(
    "balancer", [balancers.GradNorm(), balancers.PCGrad(gradients="representation")]
)
def test_outputs_that_call_shared_layers_by_themselves_have_no_boundary(balancer):
    """Their gradients there are 0, so that such a task was not trained, or nothing balanced."""
    inputs = [keras.Input((4,)), keras.Input((4,))]
    shared = keras.layers.Dense(3)
    outputs = {n: keras.layers.Dense(1)(shared(x)) for n, x in zip("ab", inputs)}
    model = mtl.MultiTaskModel(inputs, outputs)
    with pytest.raises(ConfigError, match=r"Of outputs 'a', 'b'.*gradients='parameters'"):
        model.compile(loss="mse", balancer=balancer)
    model.compile(loss="mse", balancer=type(balancer)(gradients="parameters"))


def test_gradient_accumulation():
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    _, history = trained("pcgrad", small, optimizer=optimizer)
    assert np.isfinite(history["loss"]).all()
    with pytest.raises(ConfigError, match="gradient_accumulation_steps"):
        small("famo", optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))


def test_no_graph_outlives_its_model(monkeypatch):
    living, made = weakref.WeakSet(), []
    initialised = tf.__internal__.FuncGraph.__init__

    def noted(graph, *args, **options):
        initialised(graph, *args, **options)
        living.add(graph)
        made.append(graph.name)

    monkeypatch.setattr(tf.__internal__.FuncGraph, "__init__", noted)
    for name in ("uncertainty", "pcgrad"):
        trained(balancers.get(name), small, tasks="ab")
    gc.collect()
    assert made and not living


@pytest.mark.parametrize("balancer", ["pcgrad", "graddrop", "nash_mtl"])
def test_nothing_shared_is_said(balancer):
    x = keras.Input((4,))
    outputs = {"a": keras.layers.Dense(1)(x), "b": keras.layers.Dense(1)(x)}
    model = mtl.MultiTaskModel(x, outputs)
    with pytest.warns(UserWarning, match="nothing to balance"):
        model.compile("sgd", loss="mse", balancer=balancer, run_eagerly=True)
    x, y = rows()
    plain = mtl.MultiTaskModel.from_config(model.get_config())
    plain.set_weights(model.get_weights())
    plain.compile("sgd", loss="mse", run_eagerly=True)
    for one in (model, plain):
        one.fit(x, {"a": y["a"], "b": y["b"]}, verbose=0, shuffle=False)
    for mine, its in zip(model.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(mine, its, atol=1e-6)
    assert np.isnan(model.balancing[0]["residual"])  # it was -inf


def test_scaled_heads():
    def moved(scale_heads):
        balancer = balancers.NashMTL(scale_heads=scale_heads)
        model = network(balancer, optimizer=keras.optimizers.SGD(1e-3), run_eagerly=True)
        x, y = rows()
        head = next(v for v in model.trainable_variables if "tower_b" in v.path)
        before = head.numpy()
        history = model.fit(x, y, batch_size=SHORT, verbose=0).history
        return np.linalg.norm(head.numpy() - before), history["b_weight"][0]

    plain, weight = moved(False)
    np.testing.assert_allclose(moved(True)[0], plain * weight, rtol=1e-3)


def test_what_the_balancer_did_is_in_the_logs():
    model = small("mgda", run_eagerly=True)
    x, y = rows()
    y["c"][:] = np.nan
    history = model.fit(x, y, batch_size=32, epochs=2, verbose=0).history
    assert np.isnan(history["c_weight"]).all()
    assert {"conflict", "balancer_failures", "balancer_residual", "a_gradient_norm"} <= set(history)
    epoch = model.balancing[-1]
    cosines = np.array(epoch["cosines"])
    assert cosines.shape == (3, 3) and np.allclose(np.diag(cosines)[:2], 1)
    assert 0 <= epoch["conflict"] <= 1 and epoch["failures"] == 0
    quiet = small(balancers.MGDA(diagnostics=False), run_eagerly=True)
    quiet = quiet.fit(x, y, batch_size=SHORT, verbose=0).history
    assert not any("weight" in key or "conflict" in key for key in quiet)
