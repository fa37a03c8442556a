"""Balancers that look at gradients: golden values, and the properties that their papers prove."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.balancers import (
    DBMTL,
    IMTLG,
    MGDA,
    AlignedMTL,
    CAGrad,
    ConFIG,
    DualProj,
    FairGrad,
    GradDrop,
    GradVac,
    GramianBalancer,
    MoCo,
    NashMTL,
    PCGrad,
    Setup,
    UPGrad,
)
from mtl_keras.balancers.decision import Measured
from tests.balancers.jacobians import A, B, matrices, name, solved

# Weights on A, direction on A, weights on B. A is the matrix of TorchJD's own tests.
GOLDEN = [
    (MGDA(), (0.6, 0.4), (0, 1, 1), (0.4442, 0.3194, 0.2364)),
    (
        PCGrad(shuffle=False),
        (2.2222, 1.5789),
        (0.5848, 3.8012, 3.8012),
        (2.1667, 1.6429, 1.4666),
    ),
    (CAGrad(rescale=False), (0.7041, 0.5), (0.1835, 1.2041, 1.2041), (0.5614, 0.3792, 0.3333)),
    (IMTLG(), (0.5923, 0.4077), (0.0767, 1, 1), (0.4442, 0.2979, 0.2578)),
    (NashMTL(), (0.5915, 0.4071), (0.0766, 0.9985, 0.9985), (0.8239, 0.6109, 0.4895)),
    (FairGrad(alpha=2.0), (0.4714, 0.3195), (0.0313, 0.7908, 0.7908), (0.7225, 0.5283, 0.4084)),
    (AlignedMTL(), (0.5591, 0.4083), (0.2133, 0.9673, 0.9673), (0.3890, 0.3068, 0.2517)),
    (UPGrad(), (1.1109, 0.7894), (0.2929, 1.9004, 1.9004), (0.7816, 0.5364, 0.5043)),
    (DualProj(), (0.6109, 0.5), (0.5563, 1.1109, 1.1109), (0.3887, 0.3333, 0.3333)),
    (ConFIG(), (1.2265, 0.8441), (0.1588, 2.0706, 2.0706), (1.3604, 0.9123, 0.7895)),
]
METHODS = [
    *(row[0] for row in GOLDEN),
    CAGrad(c=0.3),
    FairGrad(alpha=1.0),
    AlignedMTL(scale="median"),
    AlignedMTL(scale="rmse"),
    GradVac(shuffle=False, beta=1e-9),
]


@pytest.mark.parametrize(("balancer", "on_a", "d", "on_b"), GOLDEN, ids=lambda c: "")
def test_golden_values(balancer, on_a, d, on_b):
    for jacobian, expected in ((A, on_a), (B, on_b)):
        scale = len(jacobian) if balancer.paper_reduction == "mean" else 1
        weights = solved(balancer, jacobian) / scale
        np.testing.assert_allclose(weights, expected, atol=1.2e-4, err_msg=name(balancer))
        if jacobian is A:
            np.testing.assert_allclose(weights @ A, d, atol=5e-4, err_msg=name(balancer))


@pytest.mark.parametrize("balancer", METHODS, ids=name)
def test_does_not_depend_on_the_order_of_tasks(balancer):
    if isinstance(balancer, PCGrad):
        pytest.skip("projects in an order")
    for jacobian in matrices(tasks=(3, 5)):
        order = np.random.default_rng(1).permutation(len(jacobian))
        weights = solved(balancer, jacobian)
        np.testing.assert_allclose(
            solved(balancer, jacobian[order]) @ jacobian[order],
            weights @ jacobian,
            rtol=2e-2,
            atol=2e-3 * np.abs(weights @ jacobian).max(),
        )


@pytest.mark.parametrize("balancer", [b for b in METHODS if b.non_conflicting], ids=name)
def test_no_loss_rises(balancer):
    for jacobian in matrices(spread=0.5, independent=isinstance(balancer, ConFIG)):
        weights = solved(balancer, jacobian)
        slopes = jacobian @ (weights @ jacobian)
        # Up to UPGrad's regularisation, and to rounding where the direction is 0.
        assert (slopes > -2e-4 * np.trace(jacobian @ jacobian.T) * weights.max()).all()


@pytest.mark.parametrize("balancer", [b for b in METHODS if b.scale_invariant], ids=name)
def test_the_direction_does_not_depend_on_the_scale_of_a_loss(balancer):
    for jacobian in matrices(spread=0.3, independent=True):
        scale = np.geomspace(0.1, 20, len(jacobian))[:, None]
        d = solved(balancer, jacobian) @ jacobian
        scaled = solved(balancer, scale * jacobian) @ (scale * jacobian)
        cosine = d @ scaled / np.linalg.norm(d) / np.linalg.norm(scaled)
        assert cosine > 1 - 1e-5
        if name(balancer) == "NashMTL":
            np.testing.assert_allclose(scaled, d, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("balancer", METHODS, ids=name)
def test_orthogonal_gradients_of_one_length_count_alike(balancer):
    weights = solved(balancer, np.eye(4))
    np.testing.assert_allclose(weights, weights[0] * np.ones(4), rtol=1e-4)
    if name(balancer) != "CAGrad":
        np.testing.assert_allclose(weights, np.ones(4), rtol=2e-4)


@pytest.mark.parametrize("balancer", METHODS, ids=name)
def test_absent_zero_and_infinite_gradients_take_no_part(balancer):
    jacobian = np.vstack([B, B[0] * 0, B[1] * 0])
    present = [True, True, True, False, True]
    expected = solved(balancer, B)
    np.testing.assert_allclose(
        solved(balancer, jacobian, present=present)[:3], expected, rtol=1e-3, atol=1e-4
    )
    broken = np.vstack([B, [np.inf, 0, 0, 0]])
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(solved(balancer, broken)[:3], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("balancer", METHODS, ids=name)
def test_one_task_nothing_and_twenty(balancer):
    np.testing.assert_allclose(solved(balancer, B[:1]), [1])
    np.testing.assert_allclose(solved(balancer, 0 * B), [1, 1, 1])
    np.testing.assert_allclose(solved(balancer, B, present=[False, True, False]), [0, 1, 0])
    many = np.random.default_rng(0).normal(size=(20, 30))
    assert np.isfinite(solved(balancer, many)).all()
    alike = np.vstack([B[0]] * 3)
    d = solved(balancer, alike) @ alike
    assert np.isfinite(d).all()
    assert d @ B[0] > 0


def test_mgda_fulfils_its_optimality_conditions():
    for jacobian in matrices():
        weights = solved(MGDA(), jacobian) / len(jacobian)
        slopes = jacobian @ jacobian.T @ weights
        least = weights @ slopes
        assert (slopes >= least - 1e-5 * np.max(jacobian @ jacobian.T)).all()


def test_nash_has_a_fixed_length_and_follows_preferences():
    for jacobian in matrices(independent=True):
        weights = solved(NashMTL(), jacobian)
        d = weights @ jacobian
        np.testing.assert_allclose(d @ d, len(jacobian), rtol=1e-4)
        weights = solved(NashMTL(), jacobian, preferences=[2.0] + [1.0] * (len(jacobian) - 1))
        gains = weights * (jacobian @ (weights @ jacobian))
        np.testing.assert_allclose(gains[0] / gains[1], 2.0, rtol=1e-3)


def test_two_tasks_meet_at_the_bisector():
    for jacobian in matrices(tasks=(2,), independent=True):
        units = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True)
        bisector = units.sum(0) / np.linalg.norm(units.sum(0))
        for balancer in (IMTLG(), NashMTL(), ConFIG()):
            d = solved(balancer, jacobian) @ jacobian
            assert abs(d @ bisector) / np.linalg.norm(d) > 1 - 1e-5


def test_cagrad_between_the_mean_and_mgda():
    np.testing.assert_allclose(solved(CAGrad(c=0.0), B), [1, 1, 1], rtol=1e-5)
    far, shortest = solved(CAGrad(c=100.0), B) @ B, solved(MGDA(), B) @ B
    assert far @ shortest / np.linalg.norm(far) / np.linalg.norm(shortest) > 0.999


def test_upgrad_is_half_of_pcgrad_for_two_tasks():
    for jacobian in matrices(tasks=(2,), spread=0.2, independent=True):
        up = solved(UPGrad(regularisation=1e-9), jacobian) / 2
        np.testing.assert_allclose(up, solved(PCGrad(), jacobian) / 2, rtol=1e-3)


def test_gradvac_without_a_target_is_pcgrad():
    np.testing.assert_allclose(
        solved(GradVac(shuffle=False), B), solved(PCGrad(shuffle=False), B), rtol=1e-5
    )


def test_gradvac_reaches_its_target():
    balancer = GradVac(shuffle=False, beta=1.0)
    balancer.setup(Setup(["a", "b"]))
    gramian = lambda cosine: tf.constant([[4.0, 2 * cosine], [2 * cosine, 1.0]])  # noqa: E731
    both = tf.constant([True, True])
    balancer.decide(Measured(tf.ones(2), gramian(0.8)), both)
    np.testing.assert_allclose(balancer.targets.numpy()[0, 1], 0.8, rtol=1e-6)
    rows = np.array([[2.0, 0.0], [0.1, np.sqrt(0.99)]])  # cosine 0.1, below the target
    measured = Measured(tf.ones(2), tf.constant(rows @ rows.T))
    weights = balancer.decide(measured, both).weights.numpy()
    share = weights - 1  # what each gradient added to the other
    for i, j in ((0, 1), (1, 0)):
        p = rows[i] + share[j] * rows[j]
        cosine = p @ rows[j] / np.linalg.norm(p) / np.linalg.norm(rows[j])
        np.testing.assert_allclose(cosine, 0.8, rtol=1e-4)


def test_imtl_g_never_climbs():
    jacobian = np.array([[1.0, 0, 0], [0, 1, 0], [0.01, 0.01, 0.001]])
    assert (jacobian @ (solved(IMTLG(), jacobian) @ jacobian) > 0).all()


def test_aligned_rows_are_orthogonal():
    balancer = AlignedMTL()
    d = [solved(balancer, B, preferences=[1e-9 + (i == j) for j in range(3)]) @ B for i in range(3)]
    products = np.array(d) @ np.array(d).T
    np.testing.assert_allclose(products, products[0, 0] * np.eye(3), atol=1e-2)


def test_db_mtl_without_averages():
    for jacobian, expected in ((A, (1.453, 1.0)), (B, (1.3229, 1.4142, 1.0))):
        balancer = DBMTL(beta=0.0)
        balancer.setup(Setup([str(i) for i in range(len(jacobian))], shared_size=4))
        present = tf.constant([True] * len(jacobian))
        measured = Measured(tf.ones(len(jacobian)), jacobian=tf.constant(jacobian, tf.float32))
        decision = balancer.decide(measured, present)
        np.testing.assert_allclose(decision.weights, expected, atol=1e-3)
        np.testing.assert_allclose(decision.direction, np.array(expected) @ jacobian, atol=5e-3)


def test_clipping_and_preferences_act_before_the_method():
    clipped = solved(MGDA(clip_norm=0.5), B)
    norms = np.linalg.norm(B, axis=1)
    shortened = B * np.minimum(1, 0.5 / norms)[:, None]
    np.testing.assert_allclose(
        clipped @ B, solved(MGDA(), shortened) @ shortened, rtol=1e-3, atol=1e-4
    )
    preferred = solved(PCGrad(shuffle=False), B, preferences=[2.0, 1.0, 1.0])
    doubled = B * np.array([[2.0], [1], [1]])
    np.testing.assert_allclose(
        preferred @ B, solved(PCGrad(shuffle=False), doubled) @ doubled, rtol=1e-4
    )
    np.testing.assert_allclose(
        solved(NashMTL(reduction="mean"), B), solved(NashMTL(), B) / 3, rtol=1e-5
    )


@pytest.mark.parametrize("balancer", [MGDA(clip_norm=0.5), NashMTL(clip_norm=0.5)], ids=name)
def test_the_gradient_of_a_task_alone_is_clipped_as_well(balancer):
    found = solved(balancer, A, preferences=[2.0, 1.0], present=[True, False])
    np.testing.assert_allclose(found, [2 * 0.5 / np.linalg.norm(A[0]), 0], rtol=1e-5)


@pytest.mark.parametrize("balancer", [GradDrop(reduction="mean"), MoCo(reduction="mean", beta=1.0)])
def test_a_mean_divides_by_the_number_of_tasks_with_labels(balancer):
    """Direction and weights alike, though a gradient of 0 takes no part."""
    balancer = balancer.fresh()
    balancer.setup(Setup(["a", "b", "c"], shared_size=2))
    gradients = np.array([[2.0, 0], [0, 3], [0, 0]], "float32")
    measured = Measured(tf.ones(3), jacobian=tf.constant(gradients))
    decision = balancer.decide(measured, tf.constant([True] * 3))
    np.testing.assert_allclose(decision.weights.numpy() @ gradients, decision.direction, rtol=1e-5)


class Broken(GramianBalancer):
    def weigh(self, losses, present, gramian=None):
        return gramian[0] / tf.zeros([], gramian.dtype)


def test_a_method_without_finite_weights_is_counted_and_weighs_alike():
    np.testing.assert_allclose(solved(Broken(), B), [1, 1, 1])
    balancer = Broken()
    balancer.setup(Setup(["a", "b", "c"]))
    measured = Measured(tf.ones(3), tf.constant(B @ B.T))
    decision = balancer.decide(measured, tf.constant([True] * 3))
    assert decision.record[-2] == 1
