"""What is wrong is said with the task's name, and what to do about it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import balancers
from mtl_keras.errors import ConfigError, DataError, TrainingError
from mtl_keras.model.task_loss import TaskLoss
from tests.model.networks import LOSSES, ROWS, compiled, network, rows, rows_of_kinds


def test_a_loss_that_is_not_finite_stops_with_the_tasks_name():
    x, y = rows_of_kinds(missing=False)
    y["spend"][77] = np.inf
    with pytest.raises(TrainingError, match="loss of task 'spend' became infinite"):
        compiled().fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": {**LOSSES, "chrned": "mse"}}, "Did you mean 'churned'"),
        ({"loss": {"churned": "mse"}, "balancer": "gls"}, "step, as an output has no loss"),
        ({"loss": {**LOSSES, "spend": "msee"}}, "Unknown loss 'msee'.*Did you mean"),
        ({"metrics": {"spend": ["maee"]}}, "Unknown metric 'maee'"),
        ({"balancer": "uncertanty"}, "Did you mean 'uncertainty'"),
        ({"loss_weights": [1.0]}, "one entry for each of the outputs"),
        (
            {
                "loss": {**LOSSES, "spend": keras.losses.MeanSquaredError("sum")},
                "balancer": "pcgrad",
            },
            "reduction 'sum' or 'none', not a mean",
        ),
    ],
)
def test_compile_errors_say_what_to_do(changes, message):
    with pytest.raises(ConfigError, match=message):
        compiled(**changes)


def test_one_metric_object_for_two_outputs_is_refused():
    auc = keras.metrics.AUC()
    with pytest.raises(ConfigError, match="'spend' and 'churned'"):
        compiled(metrics={"spend": auc, "churned": auc})


TWOS = {
    "churned": np.where(np.arange(ROWS) % 2, np.nan, 2.0),
    "spend": np.zeros(ROWS),
    "kind": np.zeros(ROWS),
}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"churned": np.zeros(ROWS)}, "no labels for output 'spend'"),
        ({"kind": np.array(["a"] * ROWS)}, "'kind' are text, e.g. 'a'"),
        ({"spend": np.zeros(7)}, "same number of rows"),
        ({"spend": np.zeros((ROWS, 2))}, "2 columns, its prediction has 1"),
        ({"kind": np.eye(3)[np.arange(ROWS) % 3]}, "of 1 dimension for .* 'categorical_crossent"),
        ({"kind": 1 + np.arange(ROWS) % 4}, "from 0 to 3 .* Received: 4. Subtract 1 from all"),
        ({"kind": np.full(ROWS, -1)}, "'kind' must be class indices .* Received: -1.$"),
        ({"kind": np.where(np.arange(ROWS) % 2, np.nan, 0.5)}, "class indices .* Received: 0.5.$"),
        (TWOS, "'churned' must be 0 and 1, .* Received: 2.$"),
    ],
)
def test_label_errors_say_what_to_do(labels, message):
    x, y = rows_of_kinds()
    y = labels if "churned" in labels else {**y, **labels}
    with pytest.raises((DataError, ConfigError), match=message):
        compiled().fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("balancer", "name"),
    [
        ("gls", "gls"),
        (balancers.MGDA(normalisation="loss+"), "mgda"),
        (balancers.CRMOGM(balancer=balancers.MGDA(normalisation="loss")), "cr_mogm"),
    ],
    ids=["gls", "mgda", "cr_mogm"],
)
def test_a_negative_loss_is_named(balancer, name):
    model = network(balancer)
    options = {"balancer": balancer, "run_eagerly": True}
    model.compile("sgd", loss=lambda y, p: tf.reduce_mean(p, -1) - 5, **options)
    x, y = rows()
    with pytest.raises(TrainingError, match=rf"task 'a' is negative.*'{name}'"):
        model.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "nash_mlt"}, "Did you mean 'nash_mtl'"),
        ({"kind": "mgda", "normalisation": "l3"}, "`normalisation` must be one of"),
        ({"kind": "pcgrad", "update_every": 0}, "`update_every` must be an integer >= 1"),
        ({"kind": "graddrop", "gradients": "representation"}, "`gradients` must be one of"),
        ({"kind": "cagrad", "radius": 1.0}, "Unknown key of balancer 'cagrad': 'radius'"),
        ({"kind": "dst", "weights": {"speed": 1}}, "`weights` must have keys among"),
    ],
)
def test_errors_of_balancers(arguments, message):
    with pytest.raises(ConfigError, match=message):
        balancers.get(arguments)


def test_a_class_that_a_loss_ignores_is_no_index():
    loss = TaskLoss("kind", keras.losses.SparseCategoricalCrossentropy(ignore_class=255))
    loss.check_classes(np.array([0, 2, 255]), np.zeros((3, 3)))
    with pytest.raises(DataError, match="Received: 254"):
        loss.check_classes(np.array([0, 254, 255]), np.zeros((3, 3)))
