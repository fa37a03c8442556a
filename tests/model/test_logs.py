"""Logs are true: means over the present labels of an epoch, whatever the batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from tests.model.networks import ROWS, by_hand, compiled, rows_of_kinds


@pytest.mark.parametrize(
    ("form", "source"), [(dict, "arrays"), (list, "arrays"), (list, "tf.data"), (dict, "eager")]
)
def test_logs_equal_a_hand_computation_over_the_epoch(form, source):
    model, (x, y) = compiled(form, run_eagerly=source == "eager"), rows_of_kinds()
    if source == "tf.data":
        dataset = tf.data.Dataset.from_tensor_slices((tuple(x), y)).batch(32)
        logs = model.fit(dataset, validation_data=dataset, verbose=0).history
    else:
        logs = model.fit(x, y, batch_size=32, validation_data=(x, y), verbose=0).history
    expected = by_hand(model, x, y)
    total = expected["churned_loss"] + 0.1 * expected["spend_loss"] + expected["kind_loss"]
    for name, value in {**expected, "loss": total}.items():
        np.testing.assert_allclose(logs[name], [value], rtol=1e-5, err_msg=name)
        np.testing.assert_allclose(logs[f"val_{name}"], [value], rtol=1e-5, err_msg=name)
    evaluated = model.evaluate(x, y, batch_size=48, return_dict=True, verbose=0)
    np.testing.assert_allclose(evaluated["loss"], total, rtol=1e-5)


def test_sample_weights_count_in_losses_and_weighted_metrics_only():
    x, y = rows_of_kinds()
    weights = {"spend": np.random.default_rng(0).uniform(0, 3, ROWS).astype("float32")}
    model = compiled(weighted_metrics={"spend": ["mae"]})
    logs = model.fit(x, y, batch_size=32, sample_weight=weights, verbose=0).history
    expected = by_hand(model, x, y, weights)
    for name in ("spend_loss", "churned_loss", "spend_mae"):
        np.testing.assert_allclose(logs[name], [expected[name]], rtol=1e-5, err_msg=name)
    present = ~np.isnan(y["spend"])
    error = np.abs(model.predict(x)["spend"][:, 0] - y["spend"])[present]
    weighted = np.average(error, weights=weights["spend"][present])
    np.testing.assert_allclose(logs["spend_weighted_mae"], [weighted], rtol=1e-5)


def test_an_output_of_one_axis_is_as_one_of_one_column():
    """Its loss was one number for the batch, so that weights of rows did not count."""
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 3)).astype("float32")
    y, weight = x.sum(1), random.uniform(0, 3, 40).astype("float32")
    logs, kernels = [], []
    for flat in (False, True):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((3,))
        layer = keras.layers.Dense(1)
        output = layer(inputs)
        output = keras.ops.squeeze(output, -1) if flat else output
        model = mtl.MultiTaskModel(inputs, {"a": output})
        options = {"metrics": ["mae"], "weighted_metrics": ["mse"], "run_eagerly": True}
        model.compile("sgd", "mse", **options)
        gaps = np.where(x[:, 0] > 1, np.nan, y)
        logs.append(model.fit(x, gaps, sample_weight=weight, shuffle=False, verbose=0).history)
        kernels.append(layer.get_weights()[0])
    np.testing.assert_allclose(*kernels, rtol=1e-5)
    assert logs[0].keys() == logs[1].keys()
    for name, values in logs[0].items():
        np.testing.assert_allclose(logs[1][name], values, rtol=1e-5, err_msg=name)


def test_tied_layers_within_a_nested_model_are_tied():
    logs = []
    for nested in (False, True):
        keras.utils.set_random_seed(0)
        inputs, within = keras.Input((3,)), keras.Input((3,))
        pair = [mtl.layers.TiedDense(2, group="g", strength=1.0, name=name) for name in "ab"]
        parts = [layer(within if nested else inputs) for layer in pair]
        parts = keras.Model(within, parts)(inputs) if nested else parts
        heads = {task: keras.layers.Dense(1)(part) for task, part in zip("ab", parts)}
        model = mtl.MultiTaskModel(inputs, heads)
        model.compile(loss="mse", run_eagerly=True)
        x = np.ones((4, 3), "float32")
        logs.append(model.test_on_batch(x, {"a": x[:, 0], "b": x[:, 1]}, return_dict=True))
        assert logs[-1]["loss"] > logs[-1]["a_loss"] + logs[-1]["b_loss"] + 0.01
    assert logs[0] == pytest.approx(logs[1])


def test_class_weights_per_output_are_sample_weights():
    x, y = rows_of_kinds()
    weight = np.where(y["churned"] == 1, 5.0, 1.0)
    model = compiled()
    by_class = model.fit(x, y, class_weight={"churned": {1: 5.0}}, verbose=0).history
    by_row = model.fit(x, y, sample_weight={"churned": weight}, verbose=0).history
    np.testing.assert_allclose(by_class["churned_loss"], by_row["churned_loss"], rtol=1e-6)


def test_a_metric_of_one_class_or_of_the_first_classes_is_that_of_keras():
    """It was computed over the labels of all classes, each by itself."""
    metrics = keras.metrics
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3)).astype("float32")
    y = (random.uniform(size=(60, 3)) < 0.4).astype("float32")

    def made():
        return [
            metrics.Precision(class_id=0, name="one"),
            metrics.Recall(class_id=2, name="other"),
            metrics.Precision(top_k=1, name="first"),
            metrics.Recall(top_k=2, class_id=1, name="both"),
            metrics.SpecificityAtSensitivity(0.5, class_id=1, name="curve"),
        ]

    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(3, activation="sigmoid")(inputs)
    gaps = np.where(random.uniform(size=y.shape) < 0.2, np.nan, y)
    complete = ~np.isnan(gaps).any(axis=1)
    logs = []
    for kind in (keras.Model, mtl.MultiTaskModel):
        model = kind(inputs, outputs)
        eager = kind is keras.Model  # which only says what is expected
        model.compile(loss="binary_crossentropy", metrics=made(), run_eagerly=eager)
        logs.append(model.evaluate(x, y, return_dict=True, verbose=0))
    answers, with_gaps = model(x).numpy(), model.evaluate(x, gaps, return_dict=True, verbose=0)
    for alone in made():
        name = alone.name
        np.testing.assert_allclose(logs[0][name], logs[1][name], err_msg=name)
        seen = complete if name in ("first", "both") else ~np.isnan(gaps[:, alone.class_id])
        alone.update_state(y[seen], answers[seen])
        np.testing.assert_allclose(with_gaps[name], float(alone.result()), err_msg=name)


def test_scores_without_any_label_are_not_defined():
    """They were 0: a perfect error, or no hit at all."""
    rows = keras.Input((2,))
    heads = {"kind": keras.layers.Dense(1, activation="sigmoid"), "size": keras.layers.Dense(1)}
    model = mtl.MultiTaskModel(rows, {name: head(rows) for name, head in heads.items()})
    model.compile(
        loss={"kind": "binary_crossentropy", "size": "mse"},
        metrics={"kind": ["accuracy", "auc", keras.metrics.TruePositives(name="hits")]},
        weighted_metrics={"size": ["mae"]},
        run_eagerly=True,
    )
    x, nothing = np.ones((4, 2), "float32"), np.full(4, np.nan)

    def evaluated(kind, size, weight):
        y = {"kind": kind, "size": size}
        return model.evaluate(x, y, sample_weight=weight, return_dict=True, verbose=0)

    logs = evaluated(nothing, np.ones(4), {"size": np.zeros(4)})
    undefined = {"kind_loss", "kind_accuracy", "kind_auc", "size_mae"}
    assert {name for name, value in logs.items() if np.isnan(value)} == undefined
    assert logs["kind_hits"] == 0  # which is true
    logs = evaluated(np.ones(4), np.ones(4), {"size": np.ones(4)})
    assert np.isfinite(list(logs.values())).all()
    assert np.isnan(evaluated(nothing, nothing, None)["loss"])


def test_a_partly_missing_multilabel_row_trains_its_other_labels():
    rows = keras.Input((2,))
    layer = keras.layers.Dense(3, activation="sigmoid")
    model = mtl.MultiTaskModel(rows, {"tags": layer(rows)})
    model.compile(keras.optimizers.SGD(0.0), loss="binary_crossentropy", metrics=["accuracy"])
    x = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    y = np.random.default_rng(1).integers(0, 2, (40, 3)).astype("float32")
    y[::2, 0] = np.nan
    logs = model.fit(x, y, batch_size=16, verbose=0).history
    p, present = model.predict(x)["tags"].astype(float), ~np.isnan(y)
    losses = -np.where(y == 1, np.log(p), np.log(1 - p))
    np.testing.assert_allclose(logs["loss"], [losses[present].mean()], rtol=1e-5)
    right = ((p > 0.5) == (y == 1))[present].mean()
    np.testing.assert_allclose(logs["accuracy"], [right], rtol=1e-5)
