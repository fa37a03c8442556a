"""Balancers in real trainings: toys with a known end, and the schedules of loss-based methods."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import balancers
from mtl_keras.balancers import Setup
from mtl_keras.balancers.decision import Measured
from mtl_keras.errors import ConfigError
from tests.model.networks import rows, small

BOTH = tf.constant([True, True])


@pytest.fixture(scope="module")
def toy():
    path = Path(__file__).parents[2] / "benchmarks" / "toy.py"
    spec = importlib.util.spec_from_file_location("toy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.xla
def test_the_toy_of_the_papers_in_few_steps(toy):
    """With 20 times the papers' learning rate few more than a twentieth of their steps."""
    model = toy.model_at((-7.5, -0.5), toy.METHODS["Nash-MTL"], learning_rate=0.01)
    x = np.zeros((1000, 1), "float32")
    labels = {"L1": np.zeros(len(x)), "L2": np.zeros(len(x))}
    model.fit(x, labels, batch_size=1, verbose=0)
    x1, x2 = model.get_layer("point").at.numpy()[0]
    assert abs(x2 + 8.355) < 0.35 and abs(x1) <= 7.05


@pytest.mark.parametrize("name", ["mgda", "nash_mtl", "config"])  # others: `test_methods.py`
def test_three_quadratics_end_in_the_triangle_of_their_minima(toy, name):
    minima = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]], "float32")
    rows = keras.Input((1,))
    point = toy.Point((5.0, 5.0), name="point")(rows)
    model = mtl.MultiTaskModel(
        rows, {f"t{i}": keras.layers.Identity(name=f"i{i}")(point) for i in range(3)}
    )
    scale = [1.0, 10.0, 0.1]
    model.compile(
        keras.optimizers.Adam(0.15),
        loss={
            f"t{i}": lambda y, p, i=i: scale[i] * tf.reduce_sum((p - minima[i]) ** 2, -1)
            for i in range(3)
        },
        balancer=name,
    )
    x = np.zeros((250, 1), "float32")
    model.fit(
        x, {f"t{i}": np.zeros((250, 2), "float32") for i in range(3)}, batch_size=1, verbose=0
    )
    a, b = model.get_layer("point").at.numpy()[0]
    assert a > -0.1 and b > -0.1 and a / 4 + b / 3 < 1.1


def test_dwa_weighs_by_how_slowly_losses_fall():
    balancer = balancers.DWA(temperature=2.0)
    balancer.setup(Setup(["a", "b"]))
    np.testing.assert_allclose(balancer.weigh(tf.ones(2), BOTH), [1, 1])
    balancer.end_epoch(np.array([2.0, 2.0]), np.ones(2))
    np.testing.assert_allclose(balancer.weigh(tf.ones(2), BOTH), [1, 1])
    balancer.end_epoch(np.array([1.0, np.nan]), np.ones(2))
    expected = np.exp([0.25, 0.5])
    np.testing.assert_allclose(
        balancer.weigh(tf.ones(2), BOTH), 2 * expected / expected.sum(), rtol=1e-6
    )


def test_stch_warms_up_and_then_follows_the_worst():
    balancer = balancers.STCH(mu=0.1, warmup_epochs=1)
    balancer.setup(Setup(["a", "b"]))
    losses = tf.constant([2.0, 4.0])
    np.testing.assert_allclose(balancer.weigh(losses, BOTH), [0.5, 0.25])
    balancer.end_epoch(np.array([2.0, 4.0]), np.ones(2))
    a = np.log([2 / 2, 8 / 4])
    soft = np.exp(a / 0.1) / np.exp(a / 0.1).sum()
    np.testing.assert_allclose(
        balancer.weigh(tf.constant([2.0, 8.0]), BOTH), 2 * soft / [2, 8], rtol=1e-5
    )


def test_famo_gives_less_to_a_task_that_improved_more():
    balancer = balancers.FAMO(weight_decay=0.0)
    balancer.setup(Setup(["a", "b"]))
    for _ in range(20):
        balancer.look_back(tf.constant([1.0, 1.0]), tf.constant([0.5, 0.9]), BOTH)
    weights = balancer.weigh(tf.constant([1.0, 1.0]), BOTH).numpy()
    assert weights[0] < weights[1]
    np.testing.assert_allclose(weights.sum(), 2, rtol=1e-5)


def test_dst_drops_by_its_four_metrics_and_a_floor():
    def probabilities(metric, epochs=()):
        balancer = balancers.DST(weights={metric: 1.0})
        balancer.setup(Setup(["a", "b"], depths=[4, 2]))
        for losses in epochs:
            balancer.end_epoch(np.array(losses), np.array([100.0, 25.0]))
        return balancer.probabilities.numpy()

    np.testing.assert_allclose(probabilities("depth"), [1, 0.5])
    np.testing.assert_allclose(probabilities("count", [(1, 1)]), [1, 0.25])
    two = [(1.0, 1.0), (0.9, 0.3)]
    np.testing.assert_allclose(probabilities("incompleteness", two), [1, 0.5], rtol=1e-6)
    np.testing.assert_allclose(probabilities("stagnancy", two), [1, 0.4 / 0.7], rtol=1e-6)
    np.testing.assert_allclose(probabilities("floor", two), [1, 1])

    balancer = balancers.DST(weights={"depth": 1.0}, unbiased=True)
    balancer.setup(Setup(["a", "b"], depths=[4, 1]))
    drawn = np.array([balancer.weigh(tf.ones(2), BOTH).numpy() for _ in range(400)])
    np.testing.assert_allclose(drawn.mean(0), [1, 1], atol=0.25)
    np.testing.assert_allclose((drawn > 0).mean(0), [1, 0.25], atol=0.06)
    shallow = tf.constant([False, True])
    kept = [balancer.weigh(tf.ones(2), shallow).numpy()[1] for _ in range(20)]
    assert all(weight == 4 for weight in kept)  # all dropped: the likeliest is kept


def test_gradnorm_evens_out_the_gradients():
    balancer = balancers.GradNorm(alpha=0.0, learning_rate=0.05)
    balancer.setup(Setup(["a", "b"]))
    balancer.end_epoch(np.ones(2), np.ones(2))
    gramian = tf.constant([[9.0, 0.0], [0.0, 1.0]], tf.float64)
    for _ in range(300):
        weights = balancer.weigh(tf.ones(2), BOTH, gramian)
    np.testing.assert_allclose(weights.numpy() * [3, 1], [1.5, 1.5], atol=0.15)


def test_imtl_l_reaches_its_optimum():
    balancer = balancers.IMTLL(learning_rate=0.05)
    balancer.setup(Setup(["a", "b"]))
    for _ in range(600):
        weights = balancer.weigh(tf.constant([4.0, 0.5]), BOTH)
    np.testing.assert_allclose(weights, [0.25, 2.0], rtol=2e-3)


@pytest.mark.parametrize("name", ["imtl_g", "sdmgrad", "mgda", "nash_mtl", "gls", "moco", None])
def test_a_task_of_weight_0_is_as_absent(name):
    def trained(weight, labels):
        model = small(name, tasks="abc", loss_weights={"c": weight}, run_eagerly=True)
        x, y = rows()
        y["c"] = np.nan_to_num(y["c"]) if labels else np.full(len(x), np.nan)
        logs = model.fit(x, y, batch_size=24, shuffle=False, verbose=0).history
        return model.get_weights(), logs

    without, of_weight_0 = trained(1.0, False), trained(0.0, True)
    for one, other in zip(without[0], of_weight_0[0]):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.isfinite(of_weight_0[1]["c_loss"]).all()


@pytest.mark.parametrize("weight", [-1.0, np.nan])
def test_a_balancer_takes_no_negative_weights(weight):
    with pytest.raises(ConfigError, match=r"`loss_weights\['b'\]` must be finite, >= 0"):
        small("mgda", loss_weights={"b": weight})
    if np.isfinite(weight):
        small(None, loss_weights={"b": weight})


def test_a_task_without_labels_when_weights_are_found_is_trained_until_they_are_found_again():
    """Its weight in that step is 0, which was kept for the next ones."""
    random = np.random.default_rng(0)
    x = random.normal(size=(16, 3)).astype("float32")
    y = {task: random.normal(size=16).astype("float32") for task in "ab"}
    y["b"][:8] = np.nan  # the first of two batches
    weights = []
    for balancer in ("fixed", mtl.balancers.PCGrad(update_every=2)):
        keras.utils.set_random_seed(0)
        rows = keras.Input((3,))
        shared = keras.layers.Dense(4, name="shared")(rows)
        heads = {task: keras.layers.Dense(1, name=task)(shared) for task in "ab"}
        model = mtl.MultiTaskModel(rows, heads)
        model.compile(keras.optimizers.SGD(0.1), loss="mse", balancer=balancer)
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        weights.append(model.get_layer("shared").get_weights()[0])
    np.testing.assert_allclose(*weights, rtol=1e-5)


@pytest.mark.parametrize("balancer", [balancers.GradNorm(alpha=1.0), balancers.STCH()])
def test_a_task_whose_labels_come_later_is_measured_by_its_own_first_loss(balancer):
    """It was measured by a loss of 1, as if it had grown or fallen to what it is."""
    balancer = balancer.fresh()
    balancer.setup(Setup(["a", "b"]))
    gramian = tf.eye(2, dtype=tf.float64)
    for losses in [[2.0, np.nan]] * 4 + [[2.0, 500.0]] * 2:
        balancer.end_epoch(np.array(losses), np.isfinite(losses) * 9.0)
    for _ in range(3):
        weights = balancer.weigh(tf.constant([2.0, 500.0]), BOTH, gramian)
    relative = weights * [2.0, 500.0] if isinstance(balancer, balancers.STCH) else weights
    np.testing.assert_allclose(relative, [1, 1], rtol=1e-4)


def test_before_its_weight_is_found_a_task_has_its_preference():
    facts = Setup(["a", "b"], loss_weights=[1.0, 0.01])
    balancer = balancers.PCGrad(update_every=4)
    balancer.setup(facts)
    gramian, present = tf.constant([[2.0, 0], [0, 0]]), tf.constant([True, False])
    balancer.keep(balancer.decided(gramian, tf.ones(2), present), present)
    decision = balancer.kept_decision(BOTH)
    np.testing.assert_allclose([decision.weights, decision.own_weights], [[1, 0.01]] * 2)


def test_kept_weights_of_moco_are_those_of_the_gradients():
    """They were those of the normalised ones that it tracks, so that a step had another length."""
    gradients = np.array([[30.0, 0], [0, 20]])
    balancer = balancers.MoCo(beta=1.0, update_every=2)
    balancer.setup(Setup(["a", "b"], shared_size=2))
    jacobian = tf.constant(gradients, tf.float32)
    decision = balancer.decide(Measured(tf.constant([3.0, 4.0]), jacobian=jacobian), BOTH)
    np.testing.assert_allclose(decision.weights.numpy() @ gradients, decision.direction, rtol=1e-5)


def test_imtl_learns_its_scales_also_where_weights_are_those_of_the_shared_ones():
    scales = []
    for scale_heads in (False, True):
        balancer = balancers.CRMOGM(balancer="imtl", scale_heads=scale_heads)
        balancer.setup(Setup(["a", "b"]))
        for _ in range(2):
            decision = balancer.decided(tf.eye(2) * 2, tf.constant([5.0, 0.1]), BOTH)
        scales.append(balancer.balancer.log_scale.numpy())
        assert scale_heads == np.array_equal(decision.weights, decision.own_weights)
    np.testing.assert_allclose(*scales)
    assert scales[0].all()
    alone = balancers.IMTL(scale_heads=True)  # the option had no effect
    alone.setup(Setup(["a", "b"]))
    decision = alone.decided(tf.eye(2) * [[2.0], [3.0]], tf.ones(2), BOTH)
    np.testing.assert_array_equal(decision.weights, decision.own_weights)
