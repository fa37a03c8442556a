"""A task predicts the same wherever it is: in training, in the exported model, read back."""

import json

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, tasks
from mtl_keras.balancers import Uncertainty
from mtl_keras.evaluation import regions_of
from tests import cases

each_task = pytest.mark.parametrize("name", [task.name for task in cases.TASKS])


@pytest.fixture(scope="module")
def outputs(run):
    return run.model.predict(run.encoder.encode(run.test), verbose=0)


@pytest.fixture(scope="module")
def exported(run, predictor):
    return predictor.predictions(run.test)


@pytest.fixture(scope="module")
def network(artifact):
    return keras.models.load_model(artifact / "model.keras")


@pytest.fixture(scope="module")
def reloaded(run, network):
    return network.predict(run.encoder.encode(run.test), verbose=0)


@pytest.fixture(scope="module")
def evaluated(run, predictor):
    return predictor.evaluate(run.test)


def close(predicted, expected):
    assert predicted.shape == expected.shape
    np.testing.assert_allclose(predicted, expected, rtol=1e-4, atol=1e-5)


@each_task
def test_trained_served_and_reloaded_predictions_are_equal(name, run, outputs, exported, reloaded):
    (task,) = [task for task in run.tasks if task.name == name]
    expected = np.asarray(task.prediction(outputs[name]))
    close(np.asarray(run.predictions[name]), expected)
    answers = {key: np.asarray(value) for key, value in task.answers(outputs[name]).items()}
    close(task.prediction_from(answers), expected)
    close(exported[name], expected)
    again = tasks.get(json.loads(json.dumps(task.get_config())))
    close(np.asarray(again.prediction(reloaded[name])), expected)


def test_the_reloaded_model_has_the_state_of_the_trained_one(run, network):
    assert isinstance(network, MultiTaskModel) and isinstance(network.balancer, Uncertainty)
    assert network.optimizer.iterations == run.model.optimizer.iterations


def test_trained_served_and_reloaded_intervals_and_sets_are_equal(
    run, predictor, reloaded, evaluated
):
    covering = [task.name for task in cases.TASKS if task.nominal_coverage is not None]
    answers = predictor.predict(run.test)
    again = [tasks.get(json.loads(json.dumps(task.get_config()))) for task in run.tasks]
    reread = regions_of(again, reloaded)
    assert [*run.regions] == [*reread] == covering
    for task in again:
        if task.name not in covering:
            assert not {f"{task.name}_low", f"{task.name}_high", f"{task.name}_set"} & {*answers}
        elif run.regions[task.name].dtype == bool:
            np.testing.assert_array_equal(reread[task.name], run.regions[task.name])
            sets = [json.loads(text) for text in answers[f"{task.name}_set"]]
            expected = [np.array(task.classes)[each].tolist() for each in run.regions[task.name]]
            assert sets == expected and all(sets)
        else:
            close(reread[task.name], run.regions[task.name])
            bounds = answers[[f"{task.name}_low", f"{task.name}_high"]].to_numpy()
            close(bounds, run.regions[task.name])
            assert (bounds[:, 0] <= bounds[:, 1]).all()
    expected, served = run.evaluation.joint, evaluated.joint
    assert served == expected and list(served.tasks) == covering


@each_task
def test_trained_and_exported_models_are_judged_alike(name, run, evaluated):
    expected, exported = run.evaluation[name], evaluated[name]
    assert exported.keys() == expected.keys()
    for score, value in expected.items():
        assert exported[score] == pytest.approx(value, rel=1e-3, abs=1e-4, nan_ok=True), score


@each_task
def test_all_of_a_tasks_predictions_are_named(name, run):
    (task,) = [task for task in run.tasks if task.name == name]
    named = task.named_predictions(np.asarray(run.predictions[name]))
    assert all(key == name or key.startswith(f"{name}: ") for key in named)
    assert all(values.shape == (len(run.test),) for values in named.values())


@each_task
def test_no_row_has_a_better_constant_output_than_the_average_one(name, run, outputs):
    (task,) = [task for task in run.tasks if task.name == name]
    labels = task.encode(cases.table(300))
    loss = run.model.loss_of(name, labels)

    def constant(output):
        return loss(np.repeat(output, len(labels), axis=0))

    lowest = min(constant(outputs[name][row : row + 1]) for row in range(10))
    average = constant(task.average_output())
    assert average <= lowest + 0.03 * abs(lowest)
