"""Whose step trains a `MultiTaskModel`: an overridden one, Keras's own, or one of a subclass."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.errors import ConfigError
from tests.model.test_as_keras import X, Y, double, single

# A part of the step overridden


class NoTraining(mtl.MultiTaskModel):
    def train_step(self, data):
        return {"loss": 0.0}


class OwnTest(mtl.MultiTaskModel):
    def test_step(self, data):
        return {"loss": 7.0}


class OwnPredict(mtl.MultiTaskModel):
    def predict_step(self, data):
        return self(data[0], training=False) * 0 + 7.0


class OwnLoss(mtl.MultiTaskModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.sum(y_pred) * 0 + 7.0


class OwnMetrics(mtl.MultiTaskModel):
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {**super().compute_metrics(x, y, y_pred, sample_weight), "mine": 7.0}


class OwnStep(mtl.MultiTaskModel):
    """The `train_step` of Keras's guide."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


def test_an_overridden_step_is_the_one_that_runs():
    model = single(NoTraining, run_eagerly=True)
    before = model.get_weights()
    assert model.fit(X, Y, verbose=0).history == {"loss": [0.0]}
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert single(OwnTest, run_eagerly=True).evaluate(X, Y, verbose=0) == 7.0
    assert (single(OwnPredict).predict(X, verbose=0) == 7.0).all()
    own_loss = single(OwnLoss)
    assert own_loss.fit(X, Y, verbose=0).history["loss"] == [7.0]
    assert own_loss.evaluate(X, Y, return_dict=True, verbose=0)["loss"] == 7.0
    assert single(OwnMetrics, run_eagerly=True).fit(X, Y, verbose=0).history["mine"] == [7.0]


@pytest.mark.parametrize("make", [single, double])
def test_a_step_of_the_users_own_finds_the_loss_and_the_metrics(make):
    y = Y if make is single else {"a": Y, "b": X[:, 1:2]}
    metrics = ["mae"] if make is single else {"a": ["mae"], "b": ["mse"]}
    own, ours = make(OwnStep, metrics=metrics), make(metrics=metrics, run_eagerly=True)
    logs = [
        model.fit(X, y, batch_size=8, shuffle=False, verbose=0).history for model in (own, ours)
    ]
    assert set(logs[0]) == set(logs[1])
    for name, values in logs[1].items():
        np.testing.assert_allclose(logs[0][name], values, rtol=1e-4, err_msg=name)
    for mine, its in zip(own.get_weights(), ours.get_weights()):
        np.testing.assert_allclose(mine, its, rtol=1e-4)


# What Keras's own step trains


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_what_needs_no_balanced_step_is_trained_by_keras():
    def nested(x):
        return {"a": [x[0], x[1]]}

    x = keras.Input((4,))
    heads = [keras.layers.Dense(1, name=name)(x) for name in "ab"]
    cases = [
        (heads, {"loss": ["mse", None]}, [Y, Y]),
        (heads[0], {"loss": keras.losses.MeanSquaredError("sum")}, Y),
        (nested(heads), {"loss": {"a": ["mse", "mae"]}}, {"a": [Y, Y]}),
    ]
    for outputs, options, y in cases:
        losses = []
        for cls in (mtl.MultiTaskModel, keras.Model):
            model = cls(x, outputs)
            for head in model.layers[1:]:
                head.set_weights([np.ones((4, 1)), np.zeros(1)])
            model.compile("sgd", **options, run_eagerly=cls is keras.Model)
            losses.append(model.fit(X, y, batch_size=8, shuffle=False, verbose=0).history["loss"])
        with pytest.raises(ConfigError, match="trained by Keras's own step"):
            mtl.MultiTaskModel(x, outputs).compile("sgd", **options, balancer="pcgrad")
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


class Defines(mtl.MultiTaskModel):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        y = self.dense(x)
        self.add_loss(keras.ops.sum(y) * 0 + 2.0)
        return y


def test_a_model_that_defines_call_trains_and_has_no_balancer():
    single()  # a functional model of the class must not make its subclasses functional
    model = Defines()
    model.compile("sgd")
    assert model.fit(X, Y, verbose=0).history["loss"] == [2.0]
    with pytest.raises(AttributeError, match="defines `call`"):
        _ = model.balancer
    with pytest.raises(ConfigError, match="defines `call`"):
        model.compile("sgd", "mse", balancer="uncertainty")
