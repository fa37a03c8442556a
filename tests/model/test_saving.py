"""A model goes on where it was: saved and loaded, pickled, copied, resumed; and what is exported.

One balancer for each kind of state: averages over epochs, weights that are kept for some steps, a
Jacobian's state; learned variables where a killed training goes on. That every balancer's state
is saved is in `tests/conformance/test_balancers.py`.
"""

import copy
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import balancers
from mtl_keras.training import BestEpoch
from mtl_keras.training.checkpoint import Checkpoint
from tests.model.networks import rows, small

STATES = [
    balancers.STCH(warmup_epochs=1),
    balancers.IMTLG(update_every=2),
    balancers.MoCo(),
]


def go_on(model, epochs=1, **options):
    x, y = rows()
    model.fit(x, y, batch_size=32, epochs=epochs, shuffle=False, verbose=0, **options)
    return model


def same_state(one, other, atol=0.0):
    pairs = [
        (one.get_weights(), other.get_weights()),
        (
            [v.numpy() for v in one.optimizer.variables],
            [v.numpy() for v in other.optimizer.variables],
        ),
        (one.balancer.get_weights(), other.balancer.get_weights()),
    ]
    for mine, its in pairs:
        for a, b in zip(mine, its, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3 if atol else 0, atol=atol)


@pytest.mark.parametrize("balancer", STATES, ids=lambda balancer: type(balancer).__name__)
def test_a_loaded_model_goes_on_from_the_same_state(balancer, tmp_path):
    model = go_on(small(balancer, optimizer=keras.optimizers.Adam(0.01), run_eagerly=True))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again, mtl.MultiTaskModel)
    assert again.balancer.get_config() == model.balancer.get_config()
    same_state(model, again)
    same_state(go_on(model), go_on(again), atol=1e-5)


def test_a_loaded_model_answers_and_evaluates_alike(tmp_path):
    model, (x, y) = small("famo"), rows()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    keras.tree.map_structure(np.testing.assert_array_equal, again.predict(x), model.predict(x))
    evaluated = [m.evaluate(x, y, return_dict=True, verbose=0) for m in (model, again)]
    assert evaluated[0] == evaluated[1]


@pytest.mark.parametrize(
    "copied",
    [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy],
    ids=["pickle", "copy"],
)
def test_a_copy_has_the_state_and_leads_a_life_of_its_own(copied):
    model = small(balancers.GradNorm())
    model.optimizer.build(model.trainable_variables)
    for number, variable in enumerate(model.balancer.variables):
        variable.assign(variable + number)
    again = copied(model)
    same_state(model, again)
    before = [v.numpy() for v in model.balancer.variables]
    for variable in again.balancer.variables:
        variable.assign(variable + 1)
    for mine, was in zip(model.balancer.variables, before):
        np.testing.assert_array_equal(mine.numpy(), was)


def test_a_clone_is_compiled_like_the_first_and_starts_anew():
    model = small(balancers.DWA(temperature=3.0))
    model.balancer.end_epoch(np.ones(3), np.ones(3))
    clone = keras.models.clone_model(model)
    assert isinstance(clone, mtl.MultiTaskModel)
    assert clone.balancer is not model.balancer and clone.balancer.temperature == 3.0
    assert float(clone.balancer.epochs) == 0 and float(model.balancer.epochs) == 1


def test_a_training_that_was_killed_goes_on_with_the_balancers_state(tmp_path):
    def training(model, epochs, first=0):
        saved = Checkpoint(tmp_path / "state.npz", "same", BestEpoch(model.tasks, 9))
        model.optimizer.build(model.trainable_variables)
        start, _ = saved.load(model)
        assert start == first
        validation = {"validation_data": rows()}
        return go_on(
            model, epochs, initial_epoch=start, callbacks=[saved.best, saved], **validation
        )

    whole, killed, fresh = (small("uncertainty", run_eagerly=True) for _ in range(3))
    go_on(whole, epochs=2, validation_data=rows())
    training(killed, epochs=1)
    resumed = training(fresh, epochs=2, first=1)
    same_state(whole, resumed, atol=1e-5)


def test_an_exported_model_has_neither_balancer_nor_optimizer(tmp_path):
    model, (x, _) = small("uncertainty", optimizer=keras.optimizers.SGD(momentum=0.9)), rows()
    model.optimizer.build(model.trainable_variables)
    model.predict(x)  # what predicting keeps is not exported either
    model.export(tmp_path / "exported", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "exported")
    assert len(loaded.variables) == len(model.variables)
    names = " ".join(v.name for v in loaded.variables)
    assert "log_variance" not in names and "momentum" not in names
    np.testing.assert_allclose(loaded.serve(tf.constant(x))["b"], model.predict(x)["b"], atol=1e-6)


def test_an_uncompiled_model_says_so():
    x = keras.Input((2,))
    model = mtl.MultiTaskModel(x, {"a": keras.layers.Dense(1)(x)})
    assert not hasattr(model, "balancer") and model.metrics == []
    with pytest.raises(AttributeError, match="Call `compile` first"):
        _ = model.partition
