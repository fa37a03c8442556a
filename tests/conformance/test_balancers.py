"""Every balancer: it fits, does not retrace, leaves absent tasks alone, and its state is saved."""

import keras
import numpy as np
import pytest

from mtl_keras import balancers
from mtl_keras.balancers import Setup
from tests import cases
from tests.model.networks import small

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
    model, (x, y) = small(balancer, optimizer=keras.optimizers.Adam(0.01)), rows()
    traces = []
    train = model.step.train
    model.step.train = lambda *args: traces.append(1) or train(*args)
    history = model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0).history
    traced = len(traces)
    assert all(np.isfinite(history[f"{task}_loss"]).all() for task in "abc")
    assert history["loss"][-1] < history["loss"][0]
    assert not any(history.get("balancer_failures", []))

    own = model.partition.own[1]
    before = [v.numpy() for v in own]
    model.optimizer.learning_rate = 0.0  # what is left of momentum would move them
    learned = [v for v in model.balancer.variables if v.shape == (3,) and "steps" in v.name]
    steps = [v.numpy() for v in learned]
    model.fit(x, {**y, "b": np.full(ROWS, np.nan)}, batch_size=32, verbose=0)
    for v, old in zip(own, before):
        np.testing.assert_array_equal(v.numpy(), old)
    for v, old in zip(learned, steps):
        assert v.numpy()[1] == old[1] and v.numpy()[0] > old[0]
    assert len(traces) == traced <= 2


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
