"""Weights and labels that would count as something else than they say are refused."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.errors import ConfigError, DataError, TrainingError
from tests.model.networks import SHORT, rows, small


@pytest.mark.parametrize("value", [-1.0, np.nan])
@pytest.mark.parametrize("form", [np.array, pd.Series, tf.constant, list])
def test_weights_of_rows_are_checked_in_any_form(form, value):
    x, y = rows()
    weights = [value] + [1.0] * (SHORT - 1)
    with pytest.raises(DataError, match="output 'b' must be finite numbers >= 0"):
        small(None).fit(x, y, sample_weight={"b": form(weights)}, verbose=0)


def test_a_negative_weight_in_a_data_set_does_not_count_as_0():
    x, y = rows()
    weights = dict.fromkeys(y, np.array([-1.0] + [1.0] * (SHORT - 1), "float32"))
    dataset = tf.data.Dataset.from_tensor_slices((x, y, weights)).batch(16)
    with pytest.raises(TrainingError, match="sample weights that are negative"):
        small(None, run_eagerly=True).fit(dataset, verbose=0)
    assert np.isnan(small(None, run_eagerly=True).evaluate(dataset, verbose=0)[0])


@pytest.mark.parametrize("table", [{"1": 3.0}, {1: "3"}, {1: -3.0}, {1: np.nan}])
def test_class_weights_are_numbers_by_index(table):
    x, y = rows()
    with pytest.raises(ConfigError, match=r"must give class indices .* finite weights >= 0"):
        small(None).fit(x, y, class_weight={"a": table}, verbose=0)


@pytest.mark.parametrize("source", ["arrays", "data set"])
@pytest.mark.parametrize("case", ["quantities", "several labels", "positions"])
def test_class_weights_need_one_class_per_row(case, source):
    shape = {"quantities": (1,), "several labels": (3,), "positions": (5, 1)}[case]
    inputs = keras.Input((4,))
    output = keras.layers.Dense(int(np.prod(shape)), activation="sigmoid")(inputs)
    if len(shape) > 1:
        output = keras.layers.Reshape(shape)(output)
    model = mtl.MultiTaskModel(inputs, {"a": output, "b": keras.layers.Dense(1)(inputs)})
    model.compile("sgd", loss={"a": "binary_crossentropy", "b": "mse"})
    x = np.ones((8, 4), "float32")
    label = np.full((8, 1), 0.5) if case == "quantities" else np.ones((8, int(np.prod(shape))))
    y = {"a": label.astype("float32"), "b": x[:, 0]}
    data = (tf.data.Dataset.from_tensor_slices((x, y)).batch(4),) if source != "arrays" else (x, y)
    with pytest.raises((DataError, tf.errors.OpError), match="needs one class for each row"):
        model.fit(*data, class_weight={"a": {1: 3.0}}, verbose=0)


@pytest.mark.parametrize("source", ["arrays", "data set"])
def test_class_weights_of_one_hot_labels(source):
    inputs = keras.Input((4,))
    kind = keras.layers.Dense(3, activation="softmax", kernel_initializer="zeros")(inputs)
    model = mtl.MultiTaskModel(inputs, {"a": kind, "b": keras.layers.Dense(1)(inputs)})
    losses = {"a": "categorical_crossentropy", "b": "mse"}
    model.compile(keras.optimizers.SGD(0.0), loss=losses, run_eagerly=source == "arrays")
    x, labels = np.ones((4, 4), "float32"), np.eye(3, dtype="float32")[[0, 1, 2, 2]]
    labels[0] = np.nan
    y = {"a": labels, "b": x[:, 0]}
    data = (tf.data.Dataset.from_tensor_slices((x, y)).batch(4),) if source != "arrays" else (x, y)
    history = model.fit(*data, class_weight={"a": {2: 3.0}}, verbose=0).history
    np.testing.assert_allclose(history["a_loss"][0], np.log(3) * (1 + 3 + 3) / 3, rtol=1e-5)


def test_class_weights_do_not_count_in_validation():
    model, (x, y) = small(None, optimizer=keras.optimizers.SGD(0.0)), rows()
    weighted, plain = (
        model.fit(x, y, validation_split=0.5, class_weight=weights, verbose=0).history
        for weights in ({"a": {1: 9.0}}, None)
    )
    assert weighted["val_loss"] == plain["val_loss"] and weighted["loss"] > plain["loss"]


def test_the_mask_of_a_masked_array_says_which_labels_are_missing():
    model, (x, y) = small(None), rows()
    hidden = np.arange(SHORT) % 2 == 0
    masked = {**y, "b": np.ma.masked_array(y["b"], mask=hidden)}
    missing = {**y, "b": np.where(hidden, np.nan, y["b"])}
    of_mask, of_nan, whole = (
        model.evaluate(x, labels, verbose=0) for labels in (masked, missing, y)
    )
    assert of_mask == of_nan != whole
