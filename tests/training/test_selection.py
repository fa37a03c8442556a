"""Several networks become one that answers each task with the weights that validation chose."""

import keras
import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.training import Data, Fitted, Fitting, Training

X = np.linspace(-1, 1, 40, dtype="float32")[:, None]


def network(slopes):
    rows = keras.Input((1,), name="x")
    heads = {
        task: keras.layers.Dense(1, use_bias=False, name=f"{task}_head")(rows) for task in slopes
    }
    model = mtl.MultiTaskModel({"x": rows}, heads)
    model.compile("sgd", loss="mse")
    for task, slope in slopes.items():
        model.get_layer(f"{task}_head").set_weights([np.array([[slope]], "float32")])
    return model


def fitted(slopes) -> Fitted:
    model = network(slopes)
    return Fitted(model, pd.DataFrame(), model.predict({"x": X}, verbose=0), False)


@pytest.fixture()
def fitting():
    labels = {"a": 1.0 * X[:, 0], "b": -1.0 * X[:, 0]}
    parts = ("train", "validation", "test")
    none: dict[str, dict] = {part: {} for part in parts}
    data = Data({part: {"x": X} for part in parts}, dict.fromkeys(parts, labels), none)
    return Fitting(data, Training(), show=lambda line: None)


def test_the_network_that_is_right_answers_alone(fitting):
    done = fitting.select([fitted({"a": 1.0, "b": 3.0}), fitted({"a": 5.0, "b": -1.0})])
    found = done.model.predict({"x": X})
    np.testing.assert_allclose(found["a"], X, atol=1e-6)
    np.testing.assert_allclose(found["b"], -X, atol=1e-6)


def test_errors_that_cancel_are_averaged_with_the_weights_that_were_chosen(fitting):
    shown = []
    networks = [fitted({"a": slope, "b": -1.0}) for slope in (0.0, 1.5, 9.0)]
    done = Fitting(fitting.data, Training(), show=shown.append).select(networks)
    found = done.model.predict({"x": X})
    np.testing.assert_allclose(found["a"], X, atol=0.05)  # one third of 0, two thirds of 1.5
    assert "0.33, 0.67, 0.00" in shown[0]
    np.testing.assert_allclose(done.validation["a"], found["a"], atol=1e-6)


def test_networks_are_selected_by_the_weighted_rows():
    """As epochs are: rows of weight 0 have no say."""
    parts, weight = ("train", "validation", "test"), (X[:, 0] > 0).astype("float32")
    labels = {"a": np.where(X[:, 0] > 0, X[:, 0], -9 * X[:, 0]), "b": X[:, 0]}
    weights = {part: {"a": weight} for part in parts}
    data = Data({part: {"x": X} for part in parts}, dict.fromkeys(parts, labels), weights)
    networks = [fitted({"a": slope, "b": 1.0}) for slope in (1.0, -9.0)]
    done = Fitting(data, Training(), show=lambda line: None).select(networks)
    np.testing.assert_allclose(done.model.predict({"x": X}, verbose=0)["a"], X, atol=1e-6)
