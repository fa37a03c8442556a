"""Every architecture and every balancer: fit, missing labels, save and reload, no retracing."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.architectures import embedder
from tests import cases

ROWS = 150


def built(architecture, balancer) -> mtl.MultiTaskModel:
    inputs = {
        "numeric": keras.Input((3,), name="numeric"),
        "categorical": keras.Input((2,), dtype="int32", name="categorical"),
    }
    parts = architecture.represent(embedder(inputs, [4, 5]), ["a", "b", "c"])
    outputs = {
        "a": keras.layers.Dense(1, activation="sigmoid")(parts["a"]),
        "b": keras.layers.Dense(1)(parts["b"]),
        "c": keras.layers.Dense(3, activation="softmax")(parts["c"]),
    }
    model = mtl.MultiTaskModel(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.01),
        loss={"a": "binary_crossentropy", "b": "mse", "c": "sparse_categorical_crossentropy"},
        metrics={"a": "auc", "b": "mae", "c": "accuracy"},
        balancer=type(balancer).from_config(balancer.get_config()),
    )
    return model


def data():
    random = np.random.default_rng(0)
    x = {
        "numeric": random.normal(size=(ROWS, 3)).astype("float32"),
        "categorical": random.integers(0, 4, (ROWS, 2)).astype("int32"),
    }
    y = {
        "a": (x["numeric"][:, 0] > 0).astype("float32"),
        "b": x["numeric"].sum(1),
        "c": random.integers(0, 3, ROWS).astype("float32"),
    }
    for task, start in zip(y, range(3)):
        y[task][start::4] = np.nan
    y["b"][:70] = np.nan  # whole batches without a label
    return x, y


@pytest.mark.parametrize(
    ("architecture", "balancer"),
    list(itertools.product(cases.ARCHITECTURES, cases.BALANCERS)),
    ids=lambda case: type(case).__name__,
)
def test_fit_save_reload_and_go_on(architecture, balancer, tmp_path):
    model, (x, y) = built(architecture, balancer), data()
    model.optimizer.learning_rate = 0.01
    history = model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0).history
    assert all(np.isfinite(history[f"{task}_loss"]).all() for task in "abc")
    assert history["loss"][-1] < history["loss"][0]

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again, mtl.MultiTaskModel)
    assert type(again.balancer) is type(balancer)
    assert again.balancer.get_config() == model.balancer.get_config()
    keras.tree.map_structure(np.testing.assert_array_equal, again.predict(x), model.predict(x))
    assert again.evaluate(x, y, return_dict=True, verbose=0) == model.evaluate(
        x, y, return_dict=True, verbose=0
    )
    for one in (model, again):  # optimizer and balancer go on from the same state
        keras.utils.set_random_seed(1)
        for layer in one._flatten_layers():
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([1, 1])
        one.fit(x, y, batch_size=32, epochs=1, shuffle=False, verbose=0)
    for mine, its in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_allclose(mine, its, atol=1e-6)


@pytest.mark.parametrize("balancer", cases.BALANCERS, ids=lambda case: type(case).__name__)
def test_a_task_without_labels_does_not_move_its_own_variables(balancer):
    model, (x, y) = built(cases.ARCHITECTURES[1], balancer), data()
    before = [v.numpy() for v in keras.Model(model.inputs, model.output["b"]).trainable_variables]
    state = [v.numpy() for v in model.balancer.variables]
    model.fit(x, {**y, "b": np.full(ROWS, np.nan)}, verbose=0)
    after = [v.numpy() for v in keras.Model(model.inputs, model.output["b"]).trainable_variables]
    for old, new in zip(before, after):
        np.testing.assert_array_equal(old, new)
    for old, new in zip(state, [v.numpy() for v in model.balancer.variables]):
        if old.shape[:1] == (3,):  # state by task, but for what adds up to a constant
            assert np.array_equal(old[1], new[1])


@pytest.mark.parametrize("balancer", cases.BALANCERS, ids=lambda case: type(case).__name__)
def test_no_retracing_after_the_first_epoch(balancer):
    model, (x, y) = built(cases.ARCHITECTURES[0], balancer), data()
    traces = []
    batch = model._train_batch
    object.__setattr__(model, "_train_batch", lambda *args: traces.append(1) or batch(*args))
    model.fit(x, y, batch_size=32, epochs=3, verbose=0)  # 150 rows: the last batch is smaller
    first = len(traces)
    model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    assert len(traces) == first <= 2


def test_an_exported_model_has_neither_balancer_nor_optimizer(tmp_path):
    model, (x, y) = built(cases.ARCHITECTURES[0], cases.BALANCERS[1]), data()
    model.fit(x, y, verbose=0)
    model.export(tmp_path / "exported", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "exported")
    names = " ".join(v.name for v in loaded.variables)
    assert "log_variance" not in names and "momentum" not in names
    served = loaded.serve({k: tf.constant(v) for k, v in x.items()})
    np.testing.assert_allclose(served["b"], model.predict(x)["b"], atol=1e-6)
