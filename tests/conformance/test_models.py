"""Every architecture and every balancer: fit, missing labels, save and reload, no retracing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import balancers, layers
from mtl_keras.architectures import embedder
from tests import cases

ROWS = 160  # full batches: smaller last ones are in `tests/test_model.py`


def built(architecture, balancer, metrics=None) -> mtl.MultiTaskModel:
    inputs = {
        "numeric": keras.Input((3,), name="numeric"),
        "categorical": keras.Input((2,), dtype="int32", name="categorical"),
    }
    embed = embedder(architecture, inputs, [4, 5], data()[0]["numeric"])
    parts = architecture.represent(embed, ["a", "b", "c"])
    chain = isinstance(architecture, cases.CHAINS)
    kinds = [(1, "sigmoid")] * 3 if chain else [(1, "sigmoid"), (1, "linear"), (3, "softmax")]
    heads = {}
    for (task, part), (units, activation) in zip(parts.items(), kinds):
        kind = layers.MemberDense if len(part.shape) == 3 else keras.layers.Dense
        heads[task] = kind(units, activation=activation)(part)
    outputs = {
        task: layers.MemberMean()(output) if len(output.shape) == 3 else output
        for task, output in architecture.connect(heads).items()
    }
    model = mtl.MultiTaskModel(inputs, outputs)
    losses = {"a": "binary_crossentropy", "b": "mse", "c": "sparse_categorical_crossentropy"}
    model.compile(
        keras.optimizers.Adam(0.01),
        loss=dict.fromkeys("abc", "binary_crossentropy") if chain else losses,
        metrics=metrics,
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


def go_on(model, x, y) -> None:
    """One more epoch, from a known state of the random layers."""
    keras.utils.set_random_seed(1)
    for layer in []:
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign([1, 1])
    model.fit(x, y, batch_size=32, epochs=1, shuffle=False, verbose=0)


def same_after_saving(model, x, y, folder, outputs=False) -> None:
    """A saved and loaded model (predicts, evaluates and) trains on like the first."""
    model.save(folder / "model.keras")
    again = keras.models.load_model(folder / "model.keras")
    assert isinstance(again, mtl.MultiTaskModel)
    assert type(again.balancer) is type(model.balancer)
    assert again.balancer.get_config() == model.balancer.get_config()
    if outputs:
        keras.tree.map_structure(np.testing.assert_array_equal, again.predict(x), model.predict(x))
        assert again.evaluate(x, y, return_dict=True, verbose=0) == model.evaluate(
            x, y, return_dict=True, verbose=0
        )
    for one in (model, again):  # optimizer and balancer go on from the same state
        go_on(one, x, y)
    for mine, its in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_allclose(mine, its, atol=1e-5)
    for mine, its in zip(model.balancer.get_weights(), again.balancer.get_weights()):
        np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("architecture", cases.ARCHITECTURES, ids=lambda case: type(case).__name__)
def test_an_architecture_fits_and_is_the_same_after_saving(architecture, tmp_path):
    first = architecture is cases.ARCHITECTURES[0]
    metrics = {"a": "auc", "b": "mae", "c": "accuracy"} if first else None
    model, (x, y) = built(architecture, balancers.Fixed(), metrics), data()
    if isinstance(architecture, cases.CHAINS):
        y = {task: np.where(np.isnan(label), np.nan, label > 0) for task, label in y.items()}
    history = model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    if first:  # the same of all: it is the model's doing
        same_after_saving(model, x, y, tmp_path, outputs=True)
        return
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer.iterations == model.optimizer.iterations
    for mine, its in zip(model(x).values(), again(x).values()):
        np.testing.assert_array_equal(mine, its)
    np.testing.assert_array_equal(model.losses, again.losses)


@pytest.mark.parametrize("balancer", cases.BALANCERS, ids=lambda case: type(case).__name__)
def test_a_balancer_fits_without_retracing_and_goes_on_after_saving(balancer, tmp_path):
    model, (x, y) = built(cases.ARCHITECTURES[0], balancer), data()
    traces = []
    batch = model._train_batch
    object.__setattr__(model, "_train_batch", lambda *args: traces.append(1) or batch(*args))
    start = model.fit(x, y, batch_size=32, shuffle=False, verbose=0).history["loss"][0]
    traced = len(traces)
    history = model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=0).history
    assert len(traces) == traced <= 2
    assert all(np.isfinite(history[f"{task}_loss"]).all() for task in "abc")
    assert history["loss"][-1] < start
    assert not any(history.get("balancer_failures", []))
    same_after_saving(model, x, y, tmp_path)

    own = keras.Model(model.inputs, model.output["b"]).trainable_variables
    own = [v for v in own if "b_tower" in v.path]
    before = [v.numpy() for v in own]
    model.optimizer.learning_rate = 0.0  # what is left of momentum would move them
    learned = [v for v in model.balancer.variables if v.shape == (3,) and "steps" in v.name]
    steps = [v.numpy() for v in learned]
    model.fit(x, {**y, "b": np.full(ROWS, np.nan)}, batch_size=32, verbose=0)
    for v, old in zip(own, before):
        np.testing.assert_array_equal(v.numpy(), old)
    for v, old in zip(learned, steps):
        assert v.numpy()[1] == old[1] and v.numpy()[0] > old[0]


def test_an_exported_model_has_neither_balancer_nor_optimizer(tmp_path):
    model, (x, y) = built(cases.ARCHITECTURES[0], cases.BALANCERS[1]), data()
    model.fit(x, y, verbose=0)
    model.export(tmp_path / "exported", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "exported")
    names = " ".join(v.name for v in loaded.variables)
    assert "log_variance" not in names and "momentum" not in names
    served = loaded.serve({k: tf.constant(v) for k, v in x.items()})
    np.testing.assert_allclose(served["b"], model.predict(x)["b"], atol=1e-6)
