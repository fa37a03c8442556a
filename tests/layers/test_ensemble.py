"""Implicit members: alike where they share all, trained each by its own loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import layers
from mtl_keras.model.keras_private import made_by


def model(members=3) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    rows = keras.Input((4,))
    hidden = layers.BatchEnsembleDense(8, "relu")(layers.Members(members)(rows))
    outputs = {
        "a": layers.MemberMean()(layers.MemberDense(1, "sigmoid")(hidden)),
        "b": layers.MemberMean()(layers.MemberDense(2)(hidden)),
        "c": layers.MemberMean()(layers.MemberDense(3, "softmax")(hidden)),
    }
    return mtl.MultiTaskModel(rows, outputs)


def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(20, 4)).astype("float32")
    y = {
        "a": (random.random(20) > 0.5).astype("float32"),
        "b": random.normal(size=(20, 2)).astype("float32"),
        "c": random.integers(0, 3, 20).astype("float32"),
    }
    y["a"][3] = y["b"][5, 1] = y["c"][7] = np.nan
    return x, y


LOSSES = {"a": "binary_crossentropy", "b": "mse", "c": "sparse_categorical_crossentropy"}


def test_members_that_share_everything_are_a_dense_layer():
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    layer = layers.BatchEnsembleDense(6, "relu")
    members = layer(np.repeat(x[:, None], 3, axis=1)).numpy()
    plain = np.maximum(x @ layer.kernel.numpy(), 0)
    np.testing.assert_allclose(members, np.repeat(plain[:, None], 3, axis=1), atol=1e-6)


def test_members_of_one_section_start_alike():
    layer = layers.Members(4, sections=[2, 3])
    layer(tf.ones([1, 5]))
    scale = layer.scale.numpy()
    np.testing.assert_array_equal(scale[:, 0], scale[:, 1])
    np.testing.assert_array_equal(scale[:, 2], scale[:, 4])
    assert len(np.unique(scale.round(6))) == 8
    signs = layers.Members(4, initializer="signs")
    signs(tf.ones([1, 5]))
    assert set(np.unique(signs.scale)) <= {-1.0, 1.0}


def test_training_takes_the_mean_of_the_members_losses():
    made, (x, y) = model(), data()
    made.compile(keras.optimizers.SGD(0.0), loss=LOSSES, balancer="famo")
    heads = {
        task: keras.Model(made.inputs, made_by(made.output[task]).operation.input)
        for task in made.tasks
    }
    logs = made.fit(x, y, batch_size=8, verbose=0).history
    expected = {}
    of_the_mean = made.evaluate(x, y, return_dict=True, verbose=0)
    for task, head in heads.items():
        members = head.predict(x, verbose=0)
        losses = []
        for m in range(3):
            one, label = members[:, m], y[task]
            if task == "a":
                p = np.clip(one[:, 0], 1e-7, 1 - 1e-7)
                loss = -np.where(label == 1, np.log(p), np.log(1 - p))
                losses.append(np.mean(loss[~np.isnan(label)]))
            elif task == "b":
                losses.append(np.nanmean((one - label) ** 2))
            else:
                there = ~np.isnan(label)
                chosen = one[there, label[there].astype(int)]
                losses.append(np.mean(-np.log(chosen)))
        expected[task] = np.mean(losses)
        assert logs[f"{task}_loss"][0] == pytest.approx(expected[task], rel=1e-5)
        assert of_the_mean[f"{task}_loss"] < expected[task]  # what is predicted is their mean


def test_an_ensemble_saves_exports_and_learns(tmp_path):
    made, (x, y) = model(), data()
    made.compile("adam", loss=LOSSES, balancer={"kind": "mgda", "gradients": "representation"})
    logs = made.fit(x, y, batch_size=8, epochs=15, verbose=0).history
    assert logs["loss"][-1] < logs["loss"][0]
    made.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    keras.tree.map_structure(np.testing.assert_array_equal, again.predict(x), made.predict(x))
    assert set(again.step.inside.output["members"]) == {"a", "b", "c"}
    made.export(tmp_path / "served", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(loaded.serve(x)["c"], made.predict(x)["c"], atol=1e-6)


def test_piecewise_linear_bins_by_hand():
    layer = layers.PiecewiseLinearEmbedding(columns=2, bins=3, dimension=1)
    layer.set_edges([[0.0, 1.0, 3.0], [5.0]])
    layer.kernel.assign(np.array([[[1.0], [10.0], [99.0]], [[99.0], [99.0], [99.0]]]))
    layer.linear.assign([[0.0], [2.0]])
    layer.bias.assign([[0.5], [0.0]])
    x = tf.constant([[-2.0, 1.0], [0.5, 1.0], [2.0, 1.0], [5.0, 1.0]])
    np.testing.assert_allclose(
        layer(x), [[-1.5, 2.0], [1.0, 2.0], [6.5, 2.0], [21.5, 2.0]], atol=1e-5
    )
