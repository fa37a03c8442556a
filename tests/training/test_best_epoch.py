"""Each task's own best epoch, in one network; several networks in one."""

import itertools

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import layers
from mtl_keras.training import BestEpoch, assembled, greedy, own_parameters, weighted_mean
from mtl_keras.training.best_epoch import FinishedTasks


def model(seed=0) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(seed)
    rows = keras.Input((3,), name="rows")
    inputs = {"rows": rows}
    hidden = keras.layers.Dense(4, activation="relu", name="trunk")(rows)
    members = layers.Members(2, name="members")(hidden)
    outputs = {
        "a": keras.layers.Dense(1, activation="sigmoid", name="a")(hidden),
        "b": layers.MemberMean(name="b")(layers.MemberDense(1, name="b_head")(members)),
        "c": keras.layers.Dense(2, name="c")(hidden),
    }
    made = mtl.MultiTaskModel(inputs, outputs)
    made.compile("adam", loss={"a": "binary_crossentropy", "b": "mse", "c": "mse"})
    return made


X = {"rows": np.random.default_rng(0).normal(size=(12, 3)).astype("float32")}
Y = {"a": np.ones(12), "b": np.arange(12.0), "c": np.ones((12, 2))}


def watched(curves, patience=50, **options) -> BestEpoch:
    """A callback that has seen these validation losses of the tasks a, b, ..."""
    best = BestEpoch(list(curves[0]), patience, **options)
    made = model()
    best.set_model(made)
    for epoch, losses in enumerate(curves):
        made.set_weights([np.full_like(w, epoch) for w in made.get_weights()])
        logs = {f"val_{task}_loss": loss for task, loss in losses.items()}
        best.on_epoch_end(epoch, {"val_loss": np.nansum(list(losses.values())), **logs})
        if best.stopped:
            break
    return best


def test_a_task_leaves_the_common_epoch_only_for_a_gain():
    curves = [{"a": 0.50, "b": 9.0}, {"a": 0.80, "b": 4.0}, {"a": 0.801, "b": 3.99}]
    assert watched(curves).chosen() == {"a": 0, "b": 2}
    assert watched(curves, together=True).chosen() == {"a": 2, "b": 2}
    close = [{"a": 0.500, "b": 9.0}, {"a": 0.504, "b": 4.0}]
    assert watched(close).chosen() == {"a": 1, "b": 1}
    assert watched(close, tolerance=0.001).chosen() == {"a": 0, "b": 1}


def test_what_a_weak_task_may_lose_is_little_beside_what_it_gains():
    curves = [{"a": 0.980, "b": 9.0}, {"a": 0.985, "b": 4.0}]
    assert watched(curves).chosen() == {"a": 1, "b": 1}  # 0.5% of its loss
    assert watched(curves, constants={"a": 1.0, "b": 10.0}).chosen() == {"a": 0, "b": 1}
    assert watched(curves, constants={"a": 2.0, "b": 10.0}).chosen() == {"a": 1, "b": 1}
    useless = {"a": 0.9, "b": 10.0}  # nothing is gained, so nothing may be lost
    assert watched(curves, constants=useless).chosen() == {"a": 0, "b": 1}


def test_only_weights_of_best_epochs_are_kept():
    best = watched([{"a": 3.0, "b": 1.0}, {"a": 2.0, "b": 2.0}, {"a": 9.0, "b": 9.0}])
    assert set(best.snapshots) == {0, 1}
    assert best.snapshots[1][0].max() == 1


def test_training_stops_when_no_task_has_improved():
    falling = [{"a": 1.0 + n, "b": 5.0 - n / 10} for n in range(6)]
    assert not watched(falling, patience=2).stopped
    best = watched([{"a": 1.0, "b": 1.0}, *[{"a": 2.0, "b": 2.0}] * 5], patience=2)
    assert best.stopped and len(best.curves) == 3


OVERFITTING = [{"a": a, "b": 5.0 - n / 10} for n, a in enumerate([2.0, 1.0, 1.02, 1.005, 1.02, 1])]


@pytest.mark.parametrize(
    ("options", "finished"),
    [
        ({"patience": 2}, {"a": 4}),  # in the third epoch after its best it is within the tolerance
        ({"patience": 2, "tolerance": 0.001}, {"a": 3}),
        ({"patience": 2, "tolerance": 0.03}, {}),
        ({"patience": 2, "constants": {"a": 1.4, "b": 9.0}}, {"a": 3}),  # it gained .4
        ({"patience": 4}, {}),
        ({"patience": 2, "together": True}, {}),
    ],
)
def test_a_task_that_overfits_is_finished(options, finished):
    best = watched(OVERFITTING, **options)
    assert best.finished == finished and not best.stopped
    again = BestEpoch(["a", "b"], 2)
    again.restore(best.state(), best.arrays())
    assert again.finished == finished


def test_a_finished_task_is_predicted_from_an_epoch_that_trained_it():
    """Though its loss, by what others changed, is lower or within the tolerance later."""
    curves = {"a": [1.0, 1.1, 1.2, 0.9, 1.0], "b": [9.0, 8.0, 7.0, 6.0, 5.0]}
    best = watched([{"a": a, "b": b} for a, b in zip(*curves.values())], patience=2)
    assert best.finished == {"a": 2} and best.chosen() == {"a": 0, "b": 4}


def test_training_stops_when_all_tasks_are_finished():
    """Though one of them, trained no further, improves once more by what another changed."""
    curves = {"a": [1.0, 1.1, 1.2, 1.3, 0.9, 1.0], "b": [9.0, 8.0, 7.0, 7.5, 7.6, 7.7]}
    best = watched([{"a": a, "b": b} for a, b in zip(*curves.values(), strict=True)], patience=2)
    assert best.finished == {"a": 2, "b": 4} and best.stopped and len(best.curves) == 5


def test_a_finished_task_takes_no_part_in_later_epochs():
    best, made, heads = BestEpoch(["a", "b", "c"], 9), model(), []
    made.compile("sgd", loss={"a": "binary_crossentropy", "b": "mse", "c": "mse"})
    best.finished = {"a": 1}

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert np.isfinite(logs["a_loss"])
            heads.append(self.model.get_layer("a").kernel.numpy())

    made.fit(X, Y, epochs=4, verbose=0, callbacks=[FinishedTasks(best), Look()])
    assert [(one != two).any() for one, two in itertools.pairwise(heads)] == [True, False, False]
    made.fit(X, Y, verbose=0)  # which knows nothing of this
    assert (made.get_layer("a").kernel.numpy() != heads[-1]).any()


def test_a_task_without_validation_labels_follows_the_others():
    best = watched([{"a": 1.0, "b": np.nan}, {"a": 0.5, "b": np.nan}, {"a": 0.9, "b": np.nan}])
    assert best.chosen() == {"a": 1, "b": 1}


def test_its_state_can_be_restored():
    best = watched([{"a": 3.0, "b": 1.0}, {"a": 2.0, "b": 2.0}])
    again = BestEpoch(["a", "b"], 50)
    again.restore(best.state(), best.arrays())
    assert again.chosen() == best.chosen() and set(again.snapshots) == set(best.snapshots)
    np.testing.assert_array_equal(again.snapshots[0][0], best.snapshots[0][0])


def test_one_network_holds_each_task_as_it_was(tmp_path):
    made, snapshots, answers = model(), {}, {}
    for epoch in range(2):
        made.fit(X, Y, epochs=3, verbose=0)
        snapshots[epoch], answers[epoch] = made.get_weights(), made.predict(X)
    network = assembled(made, {"a": 0, "b": 1, "c": 0}, snapshots)
    found = network.predict(X)
    for task, epoch in {"a": 0, "b": 1, "c": 0}.items():
        np.testing.assert_allclose(found[task], answers[epoch][task], atol=1e-6)
    assert list(network.output) == ["a", "b", "c"] and list(network.input) == ["rows"]
    assert len([layer for layer in network.layers if layer.name.startswith("trunk")]) == 2
    assert own_parameters(network) == own_parameters(made) == made.count_params()
    assert network.count_params() > made.count_params()
    assert set(network.step.inside.output["members"]) == {"b"}  # still trained member by member
    network.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(X)["b"], found["b"])
    network.fit(X, Y, verbose=0)
    assert assembled(made, {"a": 1, "b": 1, "c": 1}, snapshots) is made


def test_tasks_of_different_epochs_are_no_cause_for_a_warning(recwarn):
    """They share nothing in the end, and were balanced while they did."""
    made, snapshots = model(), {}
    made.compile("adam", loss="mse", balancer="nash_mtl")
    for epoch in range(3):
        snapshots[epoch] = made.get_weights()
    network = assembled(made, {"a": 0, "b": 1, "c": 2}, snapshots)
    assert not network.partition.shared
    assert not [each for each in recwarn if "shared by two outputs" in str(each.message)]


def test_a_weighted_mean_of_networks():
    models = [model(seed) for seed in range(3)]
    outputs = [one.predict(X) for one in models]
    weights = {"a": [0.25, 0.75, 0.0], "b": [0.0, 0.0, 1.0], "c": [0.5, 0.0, 0.5]}
    network = weighted_mean(models, weights)
    found = network.predict(X)
    for task, shares in weights.items():
        expected = sum(share * output[task] for share, output in zip(shares, outputs))
        np.testing.assert_allclose(found[task], expected, atol=1e-6)
    network.fit(X, Y, verbose=0)


def test_greedy_selection_never_loses_to_the_best_single():
    random = np.random.default_rng(0)
    truth = random.normal(size=200)
    outputs = [truth + random.normal(0, s, 200) for s in (1.0, 0.7, 2.0, 0.9)]

    def loss(output):
        return float(np.mean((output - truth) ** 2))

    weights = greedy(outputs, loss)
    assert sum(weights) == pytest.approx(1)
    mixed = loss(sum(w * o for w, o in zip(weights, outputs)))
    assert mixed < min(map(loss, outputs))


def test_the_average_is_validated_and_kept_not_trained_on():
    made = model()
    training = mtl.Training(average=2.0, epochs=4, batch_size=4, patience=9)
    made.compile(training.optimizer(12), loss={"a": "binary_crossentropy", "b": "mse", "c": "mse"})
    best = BestEpoch(made.tasks, 9)
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights()[0])

    made.fit(
        X, Y, validation_data=(X, Y), batch_size=4, epochs=4, verbose=0,
        callbacks=[best, *training.callbacks(), Look()],
    )  # fmt: skip
    kept = best.snapshots[best.chosen()["b"]]
    assert np.abs(kept[0] - seen[best.chosen()["b"]]).max() > 0
    made.set_weights(kept)
    evaluated = made.evaluate(X, Y, return_dict=True, verbose=0)["b_loss"]
    assert evaluated == pytest.approx(best.curves[best.chosen()["b"]]["val_b_loss"], rel=1e-5)
