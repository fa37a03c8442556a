"""A balancer given to `compile` is a declaration: each model has its own, with its own state."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import balancers
from mtl_keras.errors import ConfigError
from tests.model.networks import rows, small


def fit(model):
    x, y = rows()
    model.fit(x, {task: y[task] for task in model.tasks}, batch_size=32, verbose=0)


@pytest.mark.parametrize(
    "declared",
    [
        balancers.Uncertainty(),
        balancers.GradNorm(gradients="parameters"),
        balancers.MoCo(),
        balancers.IMTLG(update_every=2),
    ],
    ids=lambda balancer: type(balancer).__name__,
)
def test_one_object_in_two_models_has_no_state_and_theirs_are_apart(declared):
    two, three = small(declared, "ab"), small(declared, "abc")
    assert declared.variables == [] and declared.tasks == []
    assert (two.balancer.tasks, three.balancer.tasks) == (["a", "b"], ["a", "b", "c"])
    assert two.balancer.get_config() == declared.get_config()
    before = [v.numpy() for v in two.balancer.variables]
    for variable in three.balancer.variables:
        variable.assign(variable + 1)
    for variable, value in zip(two.balancer.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_one_object_trains_two_models_one_after_the_other():
    declared = balancers.Uncertainty(learning_rate=0.1)
    first, second = (small(declared, tasks, run_eagerly=True) for tasks in ("ab", "abc"))
    for model in (first, second):
        fit(model)
    assert declared.variables == []
    assert first.balancer.log_variance.shape == (2,) and second.balancer.log_variance.shape == (3,)
    assert (first.balancer.log_variance.numpy() != 0).all()


def test_a_models_own_balancer_is_a_declaration_to_another_model():
    first = small(balancers.DWA(temperature=3.0))
    first.balancer.end_epoch(np.ones(3), np.ones(3))
    second = small(first.balancer)
    assert second.balancer.temperature == 3.0
    assert float(first.balancer.epochs) == 1 and float(second.balancer.epochs) == 0


def test_compiling_again_starts_anew():
    model = small("dwa")
    model.balancer.end_epoch(np.ones(3), np.ones(3))
    model.compile("sgd", loss="mse", balancer=model.balancer)
    assert float(model.balancer.epochs) == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda losses, present: 2.0 * tf.ones_like(losses),
        lambda losses, present, gramian: 2.0 * tf.ones_like(losses),
    ],
    ids=["of losses", "of the Gramian"],
)
def test_a_function_is_a_balancer(function):
    model = small(function)
    fit(model)
    assert model.balancing[0]["weights"] == [2.0, 2.0, 2.0]
    again = small(model.balancer)
    assert again.balancer.function is function


class Forgetful(balancers.Balancer):
    """Does not keep its argument."""

    def __init__(self, strength=1.0, **kwargs):
        super().__init__(**kwargs)
        self.power = strength


class Silent(balancers.Balancer):
    """Leaves its argument out of its config."""

    def __init__(self, strength=1.0, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength

    def get_config(self):
        return {"name": self.name}


class Doubling(balancers.Balancer):
    """Keeps something else than it was given."""

    def __init__(self, strength=1.0, **kwargs):
        super().__init__(**kwargs)
        self.strength = 2 * strength


class Strict(balancers.Balancer):
    """Does not take what every layer takes."""

    def __init__(self, strength=1.0, name=None):
        super().__init__(name=name)
        self.strength = strength


@pytest.mark.parametrize(
    ("balancer", "message"),
    [
        (Forgetful(), "Forgetful .*no attribute `strength`.*`self.strength = strength`"),
        (Silent(2.0), "Silent .*`get_config` lacks `strength`"),
        (Doubling(2.0), r"Doubling .*4\.0 becomes 8\.0, a changed `strength`"),
        (Strict(), "(?s)Strict .*unexpected keyword.*for `trainable`.*takes `..kwargs`"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, balancers.Balancer) else "",
)
def test_a_balancer_that_cannot_be_rebuilt_is_refused_with_its_argument(balancer, message):
    with pytest.raises(ConfigError, match=message):
        small(balancer)


class Kept(balancers.Balancer):
    """One of a user's own, with an array, and a `from_config` of its own."""

    def __init__(self, table, **kwargs):
        super().__init__(**kwargs)
        self.table = np.asarray(table)

    def objective(self, losses, present):
        return tf.reduce_sum(losses * self.table)

    def get_config(self):
        return {"name": self.name, "wrapped": self.table.tolist()}

    @classmethod
    def from_config(cls, config):
        return cls(config["wrapped"], name=config["name"])


def test_one_of_a_users_own_is_copied_by_its_own_config():
    declared = Kept([1.0, 2.0, 3.0])
    model = small(declared, run_eagerly=True)
    fit(model)
    assert model.balancing[0]["weights"] == [1.0, 2.0, 3.0]
    assert model.balancer is not declared
