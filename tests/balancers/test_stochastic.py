"""Methods for noisy batches and for a main task: golden values, halves of a batch, smoothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import balancers
from mtl_keras.balancers import CRMOGM, GradientSimilarity, MoDo, SDMGrad, Setup
from mtl_keras.errors import ConfigError
from mtl_keras.model.measuring import Parameters, measuring_for
from tests.model.networks import network, small

FIRST = np.array([[1.0, 0, 2, -1], [-2, 1, 0, 0.5], [0.5, 0.5, -1, 3]])
SECOND = np.array([[1.5, -0.5, 1, 0], [-1, 2, 0.5, 0.5], [0, 0.5, -2, 2]])
ACROSS = [FIRST @ SECOND.T, SECOND @ FIRST.T * [[1.0], [0.5], [2.0]]]
ALL = tf.constant([True] * 3)


def ready(balancer, tasks="abc", **facts):
    balancer.setup(Setup(list(tasks), **facts))
    return balancer


def weights(balancer, products, present=ALL):
    products = tf.constant(products, tf.float64)
    return balancer.weigh(tf.ones(len(products)), present, products).numpy()


# Values of TorchJD 0.18's weightings in two steps on these matrices (J1 J2^T is not symmetric)
GOLDEN = [
    (MoDo(gamma=0.05), [(0.430556, 0.343056, 0.226389), (0.430119, 0.313152, 0.256730)]),
    (MoDo(), [(0.335278, 0.333528, 0.331194), (0.336489, 0.333706, 0.329805)]),
    (SDMGrad(), [(0.076923, 0.846154, 0.076923), (0.538241, 0.384836, 0.076923)]),
    (
        SDMGrad(strength=0.6, learning_rate=0.05, iterations=7),
        [(0.475833, 0.378637, 0.145530), (0.439528, 0.296176, 0.264296)],
    ),
]


@pytest.mark.parametrize(("balancer", "expected"), GOLDEN, ids=lambda c: "")
def test_double_sampling_as_in_torchjd(balancer, expected):
    balancer = ready(balancer.fresh())
    for products, values in zip(ACROSS, expected):
        np.testing.assert_allclose(weights(balancer, products), values, atol=2e-6)


@pytest.mark.parametrize("kind", [MoDo, SDMGrad])
def test_a_task_with_labels_in_one_half_keeps_its_share(kind):
    balancer, pair = ready(kind()), ready(kind(), "ab")
    one_half = ACROSS[0] * np.outer([1, 1, 0], [1, 1, 0])
    whole = weights(balancer, one_half)
    np.testing.assert_allclose(balancer.shares.whole.numpy()[2], 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(whole.sum(), 1, rtol=1e-6)
    weights(pair, one_half[:2, :2], ALL[:2])
    shares = balancer.shares.whole.numpy()[:2] * 1.5
    np.testing.assert_allclose(shares, pair.shares.whole, rtol=1e-5)
    nothing = weights(balancer, np.zeros((3, 3)))
    np.testing.assert_allclose(nothing, whole, rtol=1e-5)


def test_halves_are_the_even_and_the_odd_rows():
    model = network(MoDo(gamma=1.0))
    random = np.random.default_rng(4)
    x = random.normal(size=(23, 4)).astype("float32")
    y = {task: (random.random((23, 1)) > 0.5).astype("float32") for task in "abc"}
    y["c"][[0, 1, 4, 6, 7, 8]] = np.nan
    rows = random.uniform(0.2, 2, 23).astype("float32")

    def measured(part, measuring):
        labels = model.step.mask({t: tf.constant(y[t][part]) for t in y}, {"b": rows[part]})
        return measuring.measure(model.step.forward(x[part], labels))[0]

    both = measured(slice(None), measuring_for(model.balancer, model.partition))
    model.step.balancer = balancers.MoCo()
    one, other, whole = (
        measured(part, Parameters(model.partition, jacobian=True)).jacobian.numpy()
        for part in (slice(0, None, 2), slice(1, None, 2), slice(None))
    )
    np.testing.assert_allclose(both.halves, one @ other.T, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(both.gramian, whole @ whole.T, rtol=1e-4, atol=1e-6)


def test_a_task_without_labels_in_a_half_is_told_by_zeros():
    model = small(MoDo(), "ab")
    x, y = np.ones((6, 4), "float32"), {t: np.arange(6.0)[:, None] for t in "ab"}
    y["b"][::2] = np.nan
    labels = model.step.mask({t: tf.constant(v) for t, v in y.items()}, {})
    measuring = measuring_for(model.balancer, model.partition)
    found, _ = measuring.measure(model.step.forward(x, labels))
    halves = found.halves.numpy()
    assert halves[0, 0] and not halves[1].any() and not halves[:, 1].any()
    assert found.gramian.numpy()[1, 1] > 0


def test_cr_mogm_as_in_torchjd():
    balancer = ready(CRMOGM(balancer="upgrad", alpha=0.7))
    expected = [
        (0.781561, 0.536442, 0.504296),
        (0.774888, 0.514152, 0.480572),
        (0.786433, 0.507853, 0.476323),
    ]
    for rows, values in zip((FIRST, SECOND, FIRST + SECOND), expected):
        np.testing.assert_allclose(weights(balancer, rows @ rows.T), values, atol=2e-5)


@pytest.mark.parametrize("inner", ["mgda", "pcgrad", "nash_mtl", "imtl", "gradnorm", "sdmgrad"])
def test_without_smoothing_cr_mogm_is_what_it_goes_around(inner):
    alone, around = ready(balancers.get(inner)), ready(CRMOGM(balancer=inner, alpha=0.0))
    present = tf.constant(ALL)
    for rows in (FIRST, SECOND):
        gramian = tf.constant(rows @ rows.T, tf.float32)
        halves = gramian if alone.needs == "halves" else None
        one = alone.decided(gramian, tf.ones(3), present, halves)
        other = around.decided(gramian, tf.ones(3), present, halves)
        np.testing.assert_allclose(other.weights, one.weights, rtol=1e-5)
        np.testing.assert_allclose(other.own_weights, one.own_weights, rtol=1e-5)
        for balancer in (alone, around):
            balancer.end_epoch(np.ones(3), np.ones(3))


def test_an_absent_task_and_a_failure_stay_out_of_the_average():
    balancer = ready(CRMOGM(alpha=0.5))
    products = FIRST @ FIRST.T
    first = weights(balancer, products)
    without = products * np.outer([1, 1, 0], [1, 1, 0])
    second = weights(balancer, without, tf.constant([True, True, False]))
    np.testing.assert_allclose(balancer.average.numpy()[2], first[2], rtol=1e-6)
    assert not np.allclose(second[:2], first[:2])
    before = balancer.average.numpy()
    balancer.balancer.weigh = lambda *_: tf.constant([1.0, np.nan, 1.0])
    assert np.isnan(weights(balancer, products)).any()
    np.testing.assert_array_equal(balancer.average, before)


def test_cr_mogm_is_declared_saved_and_read_back(tmp_path):
    declared = balancers.declared(CRMOGM(balancer=balancers.CAGrad(c=0.4), alpha=0.8))
    inner = {"kind": "cagrad", "c": 0.4}
    assert declared == {"kind": "cr_mogm", "balancer": inner, "alpha": 0.8}
    model = small(balancers.get({"kind": "cr_mogm", "balancer": {"kind": "sdmgrad"}}))
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    y = {task: x.sum(1) * i for i, task in enumerate("abc")}
    model.fit(x, y, batch_size=16, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert type(loaded.balancer.balancer) is SDMGrad
    for name in ("average", "known"):
        value = getattr(model.balancer, name).numpy()
        np.testing.assert_array_equal(getattr(loaded.balancer, name), value)
        assert value.any()
    shares = model.balancer.balancer.shares.whole.numpy()
    np.testing.assert_array_equal(loaded.balancer.balancer.shares.whole, shares)
    assert not np.allclose(shares, 1 / 3)


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("uncertainty", "weighs gradients by their inner products.*Received: Uncertainty"),
        ("moco", "Received: MoCo"),
        (balancers.MGDA(clip_norm=1.0), "`clip_norm` must be set on CRMOGM.*Received"),
        ("mgdaa", "Unknown balancer 'mgdaa'"),
    ],
)
def test_cr_mogm_refuses_what_it_cannot_smooth(inner, message):
    with pytest.raises(ConfigError, match=message):
        CRMOGM(balancer=inner)


@pytest.mark.parametrize("weighted", [True, False])
def test_auxiliary_tasks_count_as_they_help_the_main_one(weighted):
    random = np.random.default_rng(2)
    for _ in range(5):
        rows = random.normal(size=(4, 6)) * 10 ** random.uniform(-2, 2, (4, 1))
        balancer = ready(GradientSimilarity(main="c", weighted=weighted), "abcd")
        found = weights(balancer, rows @ rows.T, tf.constant([True] * 4))
        cosines = rows @ rows[2] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[2])
        expected = np.maximum(cosines, 0) if weighted else cosines >= 0
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
        assert (found @ rows) @ rows[2] >= rows[2] @ rows[2] * 0.999


def test_without_labels_of_the_main_task_the_others_keep_their_weights():
    balancer = ready(GradientSimilarity())
    auxiliary = tf.constant([False, True, True])
    np.testing.assert_array_equal(weights(balancer, SECOND @ SECOND.T, auxiliary)[1:], [1, 1])
    last = weights(balancer, FIRST @ FIRST.T)
    np.testing.assert_allclose(weights(balancer, SECOND @ SECOND.T, auxiliary)[1:], last[1:])
    with pytest.raises(ConfigError, match=r"GradientSimilarity.*'clicks'"):
        ready(GradientSimilarity(main="clicks"))


def test_an_auxiliary_task_alone_keeps_its_weight():
    """Any other method gives the weight 1 to a task that takes part alone."""
    balancer = ready(GradientSimilarity(main="a"), "ab")
    apart, one = tf.constant([[1.0, -0.5], [-0.5, 1]]), tf.constant([[0.0, 0], [0, 1]])
    for products, present, expected in [(apart, [1, 1], [1, 0]), (one, [0, 1], [0, 0])]:
        decision = balancer.decided(products, tf.ones(2), tf.constant(present) > 0)
        np.testing.assert_array_equal(decision.weights, expected)


@pytest.mark.parametrize("kind", [MoDo, SDMGrad])
def test_tasks_whose_shares_fell_to_0_are_trained_where_the_others_are_absent(kind):
    balancer = ready(kind())
    balancer.shares.whole.assign([0.0, 1.0, 0.0])
    others = tf.constant([True, False, True])
    found = weights(balancer, np.diag([2.0, 0.0, 2.0]), others)
    np.testing.assert_allclose(found, [0.5, 0, 0.5], rtol=1e-6)
    assert (balancer.shares.whole.numpy() > 0).all()
