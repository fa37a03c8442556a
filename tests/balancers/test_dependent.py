"""Gradients that depend on each other or differ greatly in size: bounds, and what the logs say."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.balancers import IMTL, IMTLG, MGDA, AlignedMTL, CAGrad, ConFIG, Setup, UPGrad
from mtl_keras.balancers.decision import Measured
from tests.balancers.jacobians import B, matrices, name, residual, solved

ALIGNED = [AlignedMTL(scale=scale) for scale in ("min", "median", "rmse")]


@pytest.mark.parametrize("tasks", [2, 3, 4])
@pytest.mark.parametrize("balancer", [*ALIGNED, ConFIG(), IMTLG(), MGDA(), UPGrad()], ids=name)
def test_gradients_of_one_direction_are_one_gradient(balancer, tasks):
    np.testing.assert_allclose(solved(balancer, np.vstack([B[0]] * tasks)), 1, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e4, 1e-4])
def test_aligned_mtl_as_compiled_is_exact_where_one_gradient_is_far_longer(scale):
    """The eigenvalues that XLA finds are off by about 1e-6 of the largest one."""
    jacobian = np.random.default_rng(0).normal(size=(3, 40)) * [[1.0], [scale], [1.0]]
    values, vectors = np.linalg.eigh(jacobian @ jacobian.T)
    expected = (vectors * np.sqrt(values[0] / values)) @ vectors.T @ np.ones(3)
    balancer = AlignedMTL()
    balancer.setup(Setup(["a", "b", "c"]))
    gramian = tf.constant(jacobian @ jacobian.T, tf.float32)
    weights = balancer.decide(Measured(tf.ones(3), gramian), tf.constant([True] * 3)).weights
    found, wanted = weights.numpy() @ jacobian, expected @ jacobian
    assert np.linalg.norm(found - wanted) < 1e-3 * np.linalg.norm(wanted)


@pytest.mark.parametrize("lengths", [(1, 1), (1, 5), (3, 1e-4), (1, 1, 1), (1e4, 1, 2)])
def test_parallel_gradients_with_preferences_keep_their_direction(lengths):
    jacobian = np.outer(lengths, B[0])
    preferences = [1.0, 2.0, 3.0][: len(lengths)]
    unit = B[0] / np.linalg.norm(B[0])
    d = solved(ConFIG(), jacobian, preferences) @ jacobian
    np.testing.assert_allclose(d, np.linalg.norm(jacobian, axis=1).sum() * unit, rtol=1e-4)
    d = solved(IMTLG(), jacobian, preferences) @ jacobian / len(lengths)
    assert 0 < d @ unit <= 1.0001 * np.linalg.norm(jacobian, axis=1).max()
    np.testing.assert_allclose(d, d @ unit * unit, rtol=1e-4, atol=1e-4 * (d @ unit))


@pytest.mark.parametrize("balancer", [ConFIG(), IMTLG()], ids=name)
def test_where_no_direction_serves_all_there_is_no_step_and_the_residual_says_so(balancer):
    opposite = np.array([[1.0, 2.0], [-2.0, -4.0]])
    np.testing.assert_array_equal(solved(balancer, opposite), [0, 0])
    assert residual(balancer, opposite) == 1
    assert residual(balancer, B) < 1e-3


def test_imtl_g_is_never_longer_than_the_longest_gradient():
    random = np.random.default_rng(0)
    for angle in (1e-1, 1e-3, 1e-5):
        for _ in range(30):
            jacobian = np.sign(random.normal(size=(3, 1))) * B[0] + angle * random.normal(
                size=(3, 4)
            )
            jacobian *= 10 ** random.uniform(-1, 1, (3, 1))
            d = solved(IMTLG(), jacobian) @ jacobian / 3
            assert np.linalg.norm(d) < 1.001 * np.linalg.norm(jacobian, axis=1).max()


@pytest.mark.parametrize("balancer", [CAGrad(), CAGrad(c=5.0, rescale=False), MGDA()], ids=name)
def test_the_residual_is_a_gap_that_no_scale_hides(balancer):
    for jacobian in matrices(sizes=(40,), spread=4.0):
        assert residual(balancer, jacobian) < 1e-6
        other = type("Other", (type(balancer),), {"weigh": worse})
        assert residual(other.from_config(balancer.get_config()), jacobian) > 1e-3


def worse(self, losses, present, gramian):
    """Equal weights in place of the method's."""
    return tf.cast(present, gramian.dtype) / gramian.shape[0]


def test_imtl_uses_one_scale_for_trunk_and_heads():
    """That of before the step: 1 in the first."""
    balancer = IMTL(learning_rate=0.5)
    balancer.setup(Setup(["a", "b"], loss_weights=[1.0, 3.0]))
    losses, both = tf.constant([4.0, 0.1]), tf.constant([True, True])
    gramian = tf.constant([[4.0, 0.0], [0.0, 1.0]])
    first = balancer.decided(gramian, losses, both)
    np.testing.assert_allclose(first.own_weights, [1, 3])
    scale = np.exp(balancer.log_scale.numpy())
    assert scale[0] < 1 < scale[1]
    second = balancer.decided(gramian, losses, both)
    np.testing.assert_allclose(second.own_weights, scale * [1, 3], rtol=1e-6)
    slopes = second.weights * [2, 1]  # of unit gradients: projections are as 1 to 3
    np.testing.assert_allclose(slopes[1] / slopes[0], 3, rtol=1e-5)
