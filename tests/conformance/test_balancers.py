"""Every balancer: it fits, does not retrace, absent tasks change nothing, its state is saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import balancers
from mtl_keras.balancers import Setup
from mtl_keras.balancers.decision import Decision, Measured
from tests import cases
from tests.model.networks import batches, small

ROWS = 96
every_balancer = pytest.mark.parametrize(
    "balancer", cases.BALANCERS, ids=lambda case: type(case).__name__
)


def rows():
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 4)).astype("float32")
    y = {"a": x[:, 0] + 1, "b": x.sum(1), "c": 2 * random.normal(size=ROWS).astype("float32")}
    for task, start in zip(y, range(3)):
        y[task][start::4] = np.nan
    y["b"][:40] = np.nan  # a whole batch without a label
    return x, y


@every_balancer
def test_it_fits_without_retracing_and_leaves_an_absent_task_alone(balancer):
    model, (x, y) = small(balancer, optimizer=keras.optimizers.SGD(0.03)), rows()
    traces = []
    train = model.step.train
    model.step.train = lambda *args: traces.append(1) or train(*args)
    history = model.fit(batches(x, y, 32), epochs=3, verbose=0).history
    traced = len(traces)
    assert all(np.isfinite(history[f"{task}_loss"]).all() for task in "abc")
    assert history["loss"][-1] < history["loss"][0]
    assert not any(history.get("balancer_failures", []))

    own = model.partition.own[1]
    before = [v.numpy() for v in own]
    learned = [v for v in model.balancer.variables if v.shape == (3,) and "steps" in v.name]
    steps = [v.numpy() for v in learned]
    model.fit(batches(x, {**y, "b": np.full(ROWS, np.nan)}, 32), verbose=0)
    for v, old in zip(own, before):
        np.testing.assert_array_equal(v.numpy(), old)
    for v, old in zip(learned, steps):
        assert v.numpy()[1] == old[1] and v.numpy()[0] > old[0]
    assert len(traces) == traced <= 2


ORDERED = (balancers.PCGrad, balancers.GradVac)  # draw an order of all tasks, present or not


def in_order(balancer: balancers.Balancer) -> balancers.Balancer:
    """A balancer that takes tasks in their own order, not in one drawn at random."""
    if not isinstance(balancer, ORDERED):
        return balancer
    return type(balancer).from_config({**balancer.get_config(), "shuffle": False})


compiled_balancer = pytest.mark.parametrize(
    "balancer",
    [case for case in cases.BALANCERS if getattr(case, "xla", False)],
    ids=lambda case: type(case).__name__,
)


@pytest.mark.xla
@compiled_balancer
def test_xla_knows_all_operations_of_its_decision(balancer):
    """Translated for XLA, but not compiled: some are, and run, in
    `tests/balancers/test_training.py`; all are in the test below."""
    fresh = balancer.fresh()
    fresh.setup(Setup(["a", "b", "c"], shared_size=5))
    gramian = tf.eye(3)
    halves = gramian if balancer.needs == "halves" else None
    arguments = (gramian, tf.ones(3), tf.constant([True] * 3), halves)
    assert "HloModule" in fresh._compiled.experimental_get_compiler_ir(*arguments)(stage="hlo")


@pytest.mark.slow  # a second of compiling for each
@pytest.mark.xla
@compiled_balancer
def test_a_compiled_decision_is_the_one_that_is_not_compiled(balancer):
    jacobian = np.random.default_rng(1).normal(size=(3, 5))
    gramian = tf.constant(jacobian @ jacobian.T, tf.float32)
    halves = gramian if balancer.needs == "halves" else None
    arguments = (gramian, tf.constant([1.0, 2.0, 0.5]), tf.constant([True] * 3), halves)

    def made():
        fresh = in_order(balancer).fresh()
        fresh.setup(Setup(["a", "b", "c"], shared_size=5))
        return fresh

    found, expected = made()._compiled(*arguments), made().decided(*arguments)
    for one, other in zip(found, expected, strict=True):
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@every_balancer
def test_all_its_state_is_in_its_variables(balancer, monkeypatch):
    """So it is in a `.keras` file and in a checkpoint; that a training goes on from there is in
    `tests/model/test_saving.py`, for each kind of state."""
    made = []
    add_state = balancers.Balancer.add_state

    def noted(self, *args, **kwargs):
        made.append(add_state(self, *args, **kwargs))
        return made[-1]

    monkeypatch.setattr(balancers.Balancer, "add_state", noted)
    fresh = balancer.fresh()
    fresh.setup(Setup(["a", "b", "c"], shared_size=5))
    assert [id(v) for v in fresh.variables] == [id(v) for v in made]
    assert fresh.get_config() == balancer.get_config()


def decided(balancer: balancers.Balancer, losses, jacobian, present) -> Decision:
    """A balancer's decision on float32 numbers, without a model and without compiling."""
    losses, jacobian = tf.constant(losses, tf.float32), tf.constant(jacobian, tf.float32)
    present = tf.constant(present)
    gramian = tf.matmul(jacobian, jacobian, transpose_b=True)
    if isinstance(balancer, balancers.GramianBalancer):
        halves = gramian if balancer.needs == "halves" else None
        return balancer.decided(gramian, losses, present, halves)
    return balancer.decide(Measured(losses, gramian, jacobian), present)


def over_epochs(balancer: balancers.Balancer, tasks: int):
    """Weights of both parts and directions of two epochs; the tasks after the third are absent."""
    random = np.random.default_rng(5)
    fresh = balancer.fresh()
    fresh.setup(Setup([f"t{i}" for i in range(tasks)], shared_size=6))
    present = np.arange(tasks) < 3
    for _ in range(2):
        for _ in range(2):
            losses, jacobian = np.zeros(tasks), np.zeros((tasks, 6))
            losses[:3] = random.uniform(0.5, 2, 3)
            jacobian[:3] = random.normal(size=(3, 6)) + 0.3
            decision = decided(fresh, losses, jacobian, present)
            own = decision.weights if decision.own_weights is None else decision.own_weights
            yield decision.weights[:3], own[:3], decision.direction
            if fresh.looks_back:
                before = tf.constant(losses, tf.float32)
                fresh.look_back(before, before * [0.9, 0.8, 0.7, 1.0][:tasks], present)
        mean = np.where(present, 1 + np.arange(tasks) / 3, np.nan)
        fresh.end_epoch(mean, np.where(present, 9.0, 0.0))


@every_balancer
def test_a_task_that_is_absent_changes_nothing_for_the_others(balancer):
    """As if the model did not have it: weights, directions and what is learned from both."""
    balancer = in_order(balancer)
    for without, beside in zip(over_epochs(balancer, 3), over_epochs(balancer, 4)):
        for expected, value in zip(without, beside):
            if expected is not None:
                np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)


ALIKE = {  # where a weight is not 1, for three tasks with the gradient (2, 0)
    balancers.CAGrad: 1.4 / 1.16,
    balancers.NashMTL: 12**-0.5,
    balancers.FairGrad: 12**-0.6,
    balancers.MoCo: 0.5,
    balancers.Uncertainty: 0.5,
}


@every_balancer
def test_tasks_that_are_alike_weigh_one_each(balancer):
    fresh = balancer.fresh()
    fresh.setup(Setup(["a", "b", "c"], shared_size=2))
    weights = decided(fresh, np.ones(3), [[2.0, 0.0]] * 3, [True] * 3).weights
    kind = type(getattr(balancer, "balancer", balancer))  # of CRMOGM, what it goes around
    assert bool(fresh.weight_if_alike) == (kind in ALIKE)
    expected = ALIKE.get(kind, 1.0)
    if isinstance(balancer, balancers.RLW):  # only their sum
        weights = tf.reduce_mean(weights)
    np.testing.assert_allclose(weights, np.full(weights.shape, expected), rtol=1e-4)
