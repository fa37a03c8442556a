"""The form of a network that answers fastest answers as the trained one does."""

import dataclasses

import keras
import numpy as np
import pytest

from mtl_keras import architectures, layers
from mtl_keras.architectures import embedder
from mtl_keras.export.inference import for_inference
from tests import cases

RANDOM = np.random.default_rng(0)
ROWS = {
    "numeric": np.linspace(-3, 3, 120, dtype="float32").reshape(40, 3),
    "categorical": RANDOM.integers(0, 6, (40, 1)).astype("int32"),
}


def network(architecture: architectures.Architecture) -> keras.Model:
    """A network with a head for each of two tasks, whose weights are all random."""
    inputs = {
        "numeric": keras.Input((3,), name="numeric"),
        "categorical": keras.Input((1,), dtype="int32", name="categorical"),
    }
    numbers = np.column_stack([ROWS["numeric"][:, :2] / 2, np.ones(40)])  # one is constant
    embed = embedder(architecture, inputs, [6], numbers, features={"sex": {"categorical": [0]}})
    heads = {}
    for task, part in architecture.represent(embed, ["a", "b"]).items():
        kind = layers.MemberDense if len(part.shape) == 3 else keras.layers.Dense
        units = 2 if task == "a" and not isinstance(architecture, cases.CHAINS) else 1
        heads[task] = kind(units, "sigmoid", name=f"{task}_head")(part)
    outputs = {
        task: layers.MemberMean()(output) if len(output.shape) == 3 else output
        for task, output in architecture.connect(heads).items()
    }
    made, random = keras.Model(inputs, outputs), np.random.default_rng(0)
    for weight in made.trainable_weights:
        weight.assign(weight + random.normal(size=weight.shape, scale=0.3))
    return made


def same(one: keras.Model, other: keras.Model) -> None:
    expected, answers = one(ROWS, training=False), other(ROWS, training=False)
    for task in expected:
        np.testing.assert_allclose(answers[task], expected[task], rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # of one layer, in Sluice
@pytest.mark.parametrize("architecture", cases.ARCHITECTURES, ids=lambda each: type(each).__name__)
def test_every_architecture_answers_alike(architecture):
    members = dataclasses.replace(architecture, members=2, number_embedding="piecewise_linear")
    trained = network(members)
    same(trained, for_inference(trained))


def test_other_formats_get_no_table():
    numbers = keras.Input((3,), name="numeric")
    embedding = layers.PiecewiseLinearEmbedding(columns=3, bins=4, dimension=2)
    trained = keras.Model({"numeric": numbers}, {"a": embedding(numbers)})
    embedding.set_edges([[-3.0, 0.0, 3.0]] * 3)
    for tables in (True, False):
        made = for_inference(trained, tables)
        found = any(isinstance(each, layers.PiecewiseLinearTable) for each in made.layers)
        assert found == tables
        expected = trained({"numeric": ROWS["numeric"]})["a"]
        np.testing.assert_allclose(made({"numeric": ROWS["numeric"]})["a"], expected, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [{}, {"skip": True}, {"residual": True, "layers": (8, 8)}, {"normalisation": "layer"}],
    ids=str,
)
def test_members_are_dense_layers_as_far_as_possible(options):
    trained = network(architectures.SharedBottom(**{"layers": (8, 4), **options}, members=3))
    fast = for_inference(trained)
    same(trained, fast)
    same(trained, for_inference(trained))  # its layers are called once more
    kinds = [type(layer).__name__ for layer in fast.layers]
    assert "PiecewiseLinearTable" in kinds
    # Six that share a matrix, and the two heads of each member as one.
    apart = "normalisation" not in options
    assert (kinds.count("Dense"), "BatchEnsembleDense" in kinds) == (
        (9 if "skip" not in options else 6, False) if apart else (3, True)
    )


def test_a_layer_that_is_called_twice_stays_one():
    features = layers.Members(2)(keras.Input((3,), name="numeric"))
    trunk, head = layers.BatchEnsembleDense(3, "relu"), layers.MemberDense(1)
    once = trunk(features)
    outputs = {"a": head(once), "b": head(trunk(once))}
    trained = keras.Model(features._keras_history.operation.input, outputs)
    fast = for_inference(trained)
    expected = trained(ROWS["numeric"])
    for task, answer in fast(ROWS["numeric"]).items():
        np.testing.assert_allclose(answer, expected[task], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bins", [1, 4])
def test_a_table_of_bins_is_the_function_that_was_trained(bins):
    embedding = layers.PiecewiseLinearEmbedding(columns=3, bins=bins, dimension=2)
    embedding.set_edges([[-1.0, 0.5, 1.0, 1e3], [0.0], [-2.0, -1.999, 2.0]])
    for weight in embedding.trainable_weights:
        weight.assign(RANDOM.normal(size=weight.shape))
    numbers = np.concatenate([ROWS["numeric"], [[-1.0, 0.0, -2.0], [1e3, 9.0, 50.0]]], dtype="f4")
    table = layers.PiecewiseLinearTable.of(embedding)
    np.testing.assert_allclose(table(numbers), embedding(numbers), rtol=1e-5, atol=1e-4)


def test_layers_for_training_are_off_however_the_network_is_called():
    """Keras's augmentation layers are on unless a call says otherwise."""
    pixels = keras.Input((4, 4, 1))
    nested = keras.Sequential([keras.layers.RandomContrast(0.9, value_range=(0, 1))])
    shifted = keras.layers.RandomTranslation(0.5, 0.5)(nested(pixels))
    served = for_inference(keras.Model(pixels, shifted))
    x = np.random.default_rng(0).random((8, 4, 4, 1), dtype="float32")
    np.testing.assert_allclose(served(x), x, atol=1e-6)
