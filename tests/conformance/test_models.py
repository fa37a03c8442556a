"""Every architecture: it learns with missing labels, and is the same after saving."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import layers
from mtl_keras.architectures import embedder
from tests import cases
from tests.model.networks import batches

ROWS = 160  # full batches: smaller last ones are in `tests/model/test_fit.py`


def built(architecture) -> mtl.MultiTaskModel:
    inputs = {
        "numeric": keras.Input((3,), name="numeric"),
        "categorical": keras.Input((2,), dtype="int32", name="categorical"),
    }
    embed = embedder(architecture, inputs, [4, 5], data()[0]["numeric"])
    parts = architecture.represent(embed, ["a", "b"])  # three are in `tests/architectures/`
    chain = isinstance(architecture, cases.CHAINS)
    kinds = [(1, "sigmoid")] * 2 if chain else [(3, "softmax"), (1, "linear")]
    heads = {}
    for (task, part), (units, activation) in zip(parts.items(), kinds):
        kind = layers.MemberDense if len(part.shape) == 3 else keras.layers.Dense
        heads[task] = kind(units, activation=activation)(part)
    outputs = {
        task: layers.MemberMean()(output) if len(output.shape) == 3 else output
        for task, output in architecture.connect(heads).items()
    }
    model = mtl.MultiTaskModel(inputs, outputs)
    losses = {"a": "sparse_categorical_crossentropy", "b": "mse"}
    model.compile(
        keras.optimizers.SGD(0.02),  # whose step is traced in half the time of Adam's
        loss=dict.fromkeys("ab", "binary_crossentropy") if chain else losses,
    )
    return model


def data():
    random = np.random.default_rng(0)
    x = {
        "numeric": random.normal(size=(ROWS, 3)).astype("float32"),
        "categorical": random.integers(0, 4, (ROWS, 2)).astype("int32"),
    }
    y = {"a": random.integers(0, 3, ROWS).astype("float32"), "b": x["numeric"].sum(1)}
    for task, start in zip(y, range(2)):
        y[task][start::4] = np.nan
    y["b"][:70] = np.nan  # whole batches without a label
    return x, y


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # of one layer, in Sluice
@pytest.mark.parametrize("architecture", cases.ARCHITECTURES, ids=lambda case: type(case).__name__)
def test_an_architecture_fits_and_is_the_same_after_saving(architecture, tmp_path):
    model, (x, y) = built(architecture), data()
    if isinstance(architecture, cases.CHAINS):
        y = {task: np.where(np.isnan(label), np.nan, label > 0) for task, label in y.items()}
    history = model.fit(batches(x, y, 32), epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    model.save(tmp_path / "model.keras")
    # What it was compiled with is kept as well: see `tests/model/test_saving.py`.
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    for mine, its in zip(model(x).values(), again(x).values()):
        np.testing.assert_array_equal(mine, its)
    np.testing.assert_array_equal(model.losses, again.losses)
