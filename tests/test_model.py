"""MultiTaskModel: true logs, masks, weights, hand-made models, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.errors import ConfigError, DataError, TrainingError

ROWS = 130
LOSSES = {
    "churned": "binary_crossentropy",
    "spend": "mse",
    "kind": "sparse_categorical_crossentropy",
}


def functional(form=dict):
    first, second = keras.Input((3,), name="first"), keras.Input((2,), name="second")
    hidden = keras.layers.Concatenate()([first, second])
    hidden = keras.layers.Dense(6, activation="tanh")(hidden)
    outputs = {
        "spend": keras.layers.Dense(1, name="spend")(hidden),
        "churned": keras.layers.Dense(1, activation="sigmoid", name="churned")(hidden),
        "kind": keras.layers.Dense(4, activation="softmax", name="kind")(hidden),
    }
    return mtl.MultiTaskModel([first, second], outputs if form is dict else list(outputs.values()))


def data(missing=True):
    random = np.random.default_rng(3)
    x = [random.normal(size=(ROWS, n)).astype("float32") for n in (3, 2)]
    y = {
        "churned": (x[0][:, 0] > 0).astype("float32"),
        "spend": (10 * x[1][:, 0]).astype("float32"),
        "kind": random.integers(0, 4, ROWS).astype("float32"),
    }
    if missing:
        y["churned"][:100] = np.nan  # uneven: most labels are in the last batches
        y["spend"][100::2] = np.nan
        y["kind"][::3] = np.nan
    return x, y


def by_hand(model, x, y, weights=None):
    """Losses and metrics over all present labels, in float64 with NumPy."""
    predicted = {name: np.asarray(p, float) for name, p in named(model, model.predict(x)).items()}
    weights = {name: np.ones(ROWS) for name in y} | (weights or {})
    present = {name: ~np.isnan(values) for name, values in y.items()}
    p, t = np.clip(predicted["churned"][:, 0], 1e-7, 1 - 1e-7), y["churned"]
    index = np.nan_to_num(y["kind"]).astype(int)
    losses = {
        "churned": -(t * np.log(p) + (1 - t) * np.log(1 - p)),
        "spend": (predicted["spend"][:, 0] - y["spend"]) ** 2,
        "kind": -np.log(predicted["kind"][np.arange(ROWS), index]),
    }
    mean = {
        f"{n}_loss": np.average(losses[n][present[n]], weights=weights[n][present[n]]) for n in y
    }
    right = predicted["kind"].argmax(1) == index
    mean["kind_accuracy"] = right[present["kind"]].mean()
    mean["spend_mae"] = np.abs(predicted["spend"][:, 0] - y["spend"])[present["spend"]].mean()
    return mean


def named(model, predictions):
    return predictions if isinstance(predictions, dict) else dict(zip(model.tasks, predictions))


def compiled(form=dict, **changes):
    model = functional(form)
    arguments = {
        "optimizer": keras.optimizers.SGD(0.0),  # weights stand still: an epoch can be recomputed
        "loss": LOSSES,
        "loss_weights": {"spend": 0.1},
        "metrics": {"spend": ["mae"], "kind": ["accuracy"], "churned": ["auc"]},
    }
    model.compile(**{**arguments, **changes})
    return model


@pytest.mark.parametrize("form", [dict, list])
@pytest.mark.parametrize("source", ["arrays", "tf.data", "eager"])
def test_logs_equal_a_hand_computation_over_the_epoch(form, source):
    model, (x, y) = compiled(form, run_eagerly=source == "eager"), data()
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
    x, y = data()
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


def test_class_weights_per_output_are_sample_weights():
    x, y = data()
    weight = np.where(y["churned"] == 1, 5.0, 1.0)
    first, second = compiled(), compiled()
    second.set_weights(first.get_weights())
    by_class = first.fit(x, y, class_weight={"churned": {1: 5.0}}, verbose=0).history
    by_row = second.fit(x, y, sample_weight={"churned": weight}, verbose=0).history
    np.testing.assert_allclose(by_class["churned_loss"], by_row["churned_loss"], rtol=1e-6)


def test_steps_are_keras_steps_with_a_smaller_last_batch():
    """Same updates as plain Keras on the same batches, shuffling off and labels complete."""
    x, y = data(missing=False)
    ours, plain = functional(), functional()
    plain = keras.Model(plain.inputs, plain.output)
    plain.set_weights(ours.get_weights())
    for model in (ours, plain):
        model.compile(keras.optimizers.Adam(0.01), loss=LOSSES)
        model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0)
    assert ours.optimizer.iterations == plain.optimizer.iterations == 15
    for mine, its in zip(ours.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(mine, its, atol=1e-6)


def test_a_data_set_of_unknown_length_takes_no_step_too_many():
    x, y = data(missing=False)
    batches = tf.data.Dataset.from_tensor_slices((tuple(x), y)).batch(32)
    unknown = batches.filter(lambda *_: True)
    assert unknown.cardinality() == tf.data.UNKNOWN_CARDINALITY
    model = compiled(optimizer=keras.optimizers.AdamW(0.01))
    model.fit(unknown, epochs=3, verbose=0)
    assert model.optimizer.iterations == 15


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
    np.testing.assert_allclose(logs["tags_loss"], [losses[present].mean()], rtol=1e-5)
    right = ((p > 0.5) == (y == 1))[present].mean()
    np.testing.assert_allclose(logs["tags_accuracy"], [right], rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_learns_and_batch_callbacks_count_to_the_end(jit_compile):
    seen = []

    class Batches(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    x, y = data(missing=False)
    model = compiled(
        optimizer=keras.optimizers.Adam(0.02), steps_per_execution=2, jit_compile=jit_compile
    )
    logs = model.fit(x, y, batch_size=32, epochs=20, callbacks=[Batches()], verbose=0).history
    assert seen[:3] == [1, 3, 4]
    assert logs["churned_loss"][-1] < 0.7 * logs["churned_loss"][0]


def test_validation_split_takes_the_last_rows():
    x, y = data(missing=False)
    model = compiled()
    logs = model.fit(x, y, validation_split=0.2, verbose=0).history
    held_out = model.evaluate(
        [part[104:] for part in x], {n: v[104:] for n, v in y.items()}, return_dict=True, verbose=0
    )
    np.testing.assert_allclose(logs["val_spend_loss"], [held_out["spend_loss"]], rtol=1e-5)


def test_seeded_fit_is_repeatable_and_epochs_differ_in_order():
    x, y = data(missing=False)
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        model = compiled(optimizer=keras.optimizers.SGD(0.01))
        model.fit(x, y, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for first, second in zip(*weights):
        np.testing.assert_array_equal(first, second)


def test_a_loss_that_is_not_finite_stops_with_the_tasks_name():
    x, y = data(missing=False)
    y["spend"][77] = np.inf
    with pytest.raises(TrainingError, match="loss of task 'spend' became infinite"):
        compiled().fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": {**LOSSES, "chrned": "mse"}}, "Did you mean 'churned'"),
        ({"loss": {"churned": "mse"}}, "no entry for output 'spend'"),
        ({"loss": {**LOSSES, "spend": "msee"}}, "Unknown loss 'msee'.*Did you mean"),
        ({"metrics": {"spend": ["maee"]}}, "Unknown metric 'maee'"),
        ({"balancer": "uncertanty"}, "Did you mean 'uncertainty'"),
        ({"loss_weights": [1.0]}, "one entry for each of the outputs"),
        ({"loss": {**LOSSES, "spend": keras.losses.MeanSquaredError("sum")}}, "reduction='sum'"),
    ],
)
def test_compile_errors_say_what_to_do(changes, message):
    with pytest.raises(ConfigError, match=message):
        compiled(**changes)


def test_one_metric_object_for_two_outputs_is_refused():
    auc = keras.metrics.AUC()
    with pytest.raises(ConfigError, match="'spend' and 'churned'"):
        compiled(metrics={"spend": auc, "churned": auc})


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"churned": np.zeros(ROWS)}, "no labels for output 'spend'"),
        ({"kind": np.array(["a"] * ROWS)}, "'kind' are text, e.g. 'a'"),
        ({"spend": np.zeros(7)}, "same number of rows"),
        ({"spend": np.zeros((ROWS, 2))}, "2 columns, its prediction has 1"),
    ],
)
def test_label_errors_say_what_to_do(labels, message):
    x, y = data()
    y = labels if "churned" in labels else {**y, **labels}
    with pytest.raises((DataError, ConfigError), match=message):
        compiled().fit(x, y, verbose=0)
