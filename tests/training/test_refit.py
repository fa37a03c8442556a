"""The last epochs are trained again, with the validation rows."""

import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.runs.networks import recipe
from mtl_keras.training import BestEpoch, Data, Fitting, Training
from mtl_keras.training.refit import described, refitted

ROWS = np.eye(2, dtype="float32")
X = {"train": np.repeat(ROWS[:1], 40, axis=0), "validation": np.repeat(ROWS, 10, axis=0)}
Y = {  # what the second input means is known to the validation rows alone
    part: {"a": 1.0 + rows[:, 1], "b": 2.0 - rows[:, 1]} for part, rows in X.items()
}
DATA = Data({part: {"x": rows} for part, rows in X.items()}, Y, {"train": {}, "validation": {}})
RECIPE = Training(epochs=8, batch_size=8, learning_rate=0.1, warmup=0, average=0, weight_decay=0)


def network(optimizer) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    rows = keras.Input((2,), name="x")
    shared = keras.layers.Dense(2, use_bias=False, kernel_initializer="identity", name="s")(rows)
    heads = {task: keras.layers.Dense(1, name=task)(shared) for task in "ab"}
    model = mtl.MultiTaskModel({"x": rows}, heads)
    model.compile(optimizer, loss="mse")
    return model


def fit(**changes):
    said: list[str] = []
    training = dataclasses.replace(RECIPE, **changes)
    fitting = Fitting(DATA, training, show=said.append)
    return fitting.fit(network(training.optimizer(DATA.training_rows))), said


def error(outputs) -> float:
    return float(np.mean([(outputs[task][:, 0] - Y["validation"][task]) ** 2 for task in "ab"]))


@pytest.mark.parametrize("average", [0.0, 1.0])
def test_the_validation_rows_are_learned_after_they_have_chosen_the_epoch(average):
    plain, said = fit(refit=0, average=average)
    assert not any("again" in line for line in said)
    again, said = fit(refit=3, average=average)
    assert any(line.endswith("again, with the 20 validation rows") for line in said)
    before = error(plain.validation)
    for task in "ab":  # what thresholds are learned from are outputs for rows not trained on
        np.testing.assert_array_equal(again.validation[task], plain.validation[task])
    assert error(plain.model.predict(DATA.x["validation"], verbose=0)) == pytest.approx(before)
    assert error(again.model.predict(DATA.x["validation"], verbose=0)) < 0.7 * before
    pd.testing.assert_frame_equal(again.history, plain.history)


def test_all_epochs_again_are_a_training_on_all_rows():
    model, other = (network(keras.optimizers.SGD(0.1)) for _ in range(2))  # which has no moments
    keras.utils.set_random_seed(1)
    done = Fitting(DATA, dataclasses.replace(RECIPE, refit=8), show=lambda line: None).fit(model)
    epochs = {int(done.history.loc[done.history[f"{t}_best"], "epoch"].iloc[0]) for t in "ab"}
    assert len(epochs) == 1
    both = DATA.training_and_validation()
    keras.utils.set_random_seed(1)
    other.fit(both.x["train"], both.y["train"], batch_size=8, epochs=max(epochs), verbose=0)
    for one, two in zip(done.model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5)


def test_a_task_that_was_finished_is_trained_no_further_in_the_refit_either():
    best, model = BestEpoch(["a", "b"], patience=9, before=1), network(keras.optimizers.SGD(0.1))
    best.set_model(model)
    best.snapshots, best.finished = {2: model.get_weights()}, {"a": 2}
    before = {task: model.get_layer(task).get_weights() for task in "ab"}
    done = refitted(model, {"a": 3, "b": 3}, best, DATA, dataclasses.replace(RECIPE, refit=1))
    changed = {t: (done.get_layer(t).get_weights()[0] != before[t][0]).any() for t in "ab"}
    assert changed == {"a": False, "b": True}


@pytest.mark.parametrize("options, refit", [({}, 3), ({"interval": 0.9}, 0)])
def test_coverage_is_guaranteed_by_rows_that_were_not_trained_on(options, refit):
    tasks = [mtl.tasks.Binary("b"), mtl.tasks.Regression("a", **options)]
    plan = mtl.Experiment(tasks=tasks)
    assert recipe(plan, SimpleNamespace(tasks=tasks)).refit == refit


def test_the_weights_that_the_last_epochs_began_with_are_kept():
    best = BestEpoch(["a"], patience=9, before=2)
    model = network("sgd")
    best.set_model(model)
    best.on_train_begin()
    assert set(best.snapshots) == {-1}
    for epoch, loss in enumerate([5.0, 4.0, 3.0, 3.5, 3.6, 3.7, 2.0]):
        model.set_weights([np.full_like(w, epoch) for w in model.get_weights()])
        best.on_epoch_end(epoch, {"val_loss": loss, "val_a_loss": loss})
        chosen = best.chosen()["a"]
        assert {chosen, best.start(chosen)} <= set(best.snapshots) <= set(range(-1, epoch + 1))
        assert len(best.snapshots) <= 4
    assert {epoch: weights[0].flat[0] for epoch, weights in best.snapshots.items()} == {
        4: 4.0,
        5: 5.0,
        6: 6.0,
    }


def test_the_epochs_are_told():
    best = BestEpoch(["a", "b"], patience=6, before=3)
    assert described({"a": 0, "b": 7}, best, 40).startswith("training epochs 1 and 6 to 8 again")
    assert described({"a": 0, "b": 0}, best, 40).startswith("training epoch 1 again")
