"""Experiments whose training XLA compiles without a GPU."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.model import xla
from mtl_keras.runs.build import build

pytestmark = pytest.mark.skipif(
    bool(tf.config.list_physical_devices("GPU")), reason="with a GPU, Keras decides"
)


def table(rows=200):
    random = np.random.default_rng(0)
    age, shop = random.normal(40, 9, rows), random.choice(list("abc"), rows)
    spend = np.where(random.random(rows) < 0.3, 0, np.exp(age / 20 + (shop == "a")))
    return pd.DataFrame(
        {
            "age": age,
            "shop": shop,
            "churned": np.where(age > 40, "yes", "no"),
            "size": pd.cut(spend, [-1, 1, 6, 1e9], labels=["S", "M", "L"]).astype(str),
            "segment": np.where(age > 50, "old", np.where(age < 30, "young", "middle")),
            "orders": np.round(spend),
            "spend": np.where(age > 60, np.nan, spend),
            "value": spend,
            "said": np.where(age > 40, "good and dear", np.where(age > 30, "bad", "")),
        }
    )


def experiment(said="categorical", **architecture):
    small = {"kind": "shared_bottom", "layers": [8], "members": 2, "bins": 4, "dropout": 0.0}
    return mtl.Experiment(
        data=table(),
        tasks={
            "churned": "binary",
            "size": {"kind": "ordinal", "classes": ["S", "M", "L"]},
            "segment": "multiclass",
            "orders": "count",
            "spend": "quantiles",
            "value": "zero_inflated_log_normal",
        },
        architecture={**small, **architecture},
        features={"said": said, "age": "numeric", "shop": "categorical"},
    )


def trained(prepared, plan, compiled):
    keras.utils.set_random_seed(3)
    network, data = build(plan, prepared), prepared.data
    network.xla_pays = compiled
    log = network.fit(
        data.x["train"],
        data.y["train"],
        sample_weight=data.weights["train"],
        batch_size=32,
        epochs=2,
        verbose=0,
    )
    return network, log.history


def test_a_compiled_training_takes_the_same_steps_for_all_kinds_of_tasks():
    encoder = {"kind": "gru", "units": 2, "dropout": 0.0}
    plan = experiment(said={"kind": "text", "encoder": encoder, "word_dropout": 0.0})
    prepared = plan.prepare()
    (by_xla, logs), (without, expected) = (
        trained(prepared, plan, compiled) for compiled in (True, False)
    )
    for name, values in expected.items():
        np.testing.assert_allclose(logs[name], values, rtol=1e-3, err_msg=name)
    for one, other in zip(by_xla.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "epochs", "steps", "chosen"),
    [
        ({}, 60, 50, True),  # trainings end after 20 epochs or so
        ({}, 60, 49, False),
        ({}, 12, 50, False),
        ({"dropout": 0.2, "members": 1}, 60, 50, True),
        ({"number_embedding": "periodic"}, 60, 50, True),
        ({"said": {"kind": "text", "encoder": {"kind": "lstm", "units": 2}}}, 60, 25, True),
        ({"said": {"kind": "text", "encoder": {"kind": "transformer"}}}, 60, 50, False),
        ({"number_embedding": "none", "members": 1}, 60, 50, False),  # no longer steps than others
        ({"kind": "mmoe"}, 60, 50, False),  # not measured
    ],
    ids=str,
)
def test_experiments_are_compiled_if_an_epoch_has_many_steps(changes, epochs, steps, chosen):
    plan = experiment(**changes)
    network = build(plan, plan.prepare())
    assert xla.pays(network, network.step, 32, epochs, steps) is chosen
