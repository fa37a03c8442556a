"""Two replicas take the steps that one device takes."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import balancers
from mtl_keras.feeding import Feed
from mtl_keras.model import backward, measuring
from mtl_keras.model.forward import over_replicas
from tests.model.networks import network, rows, small


@pytest.fixture(scope="module")
def replicas():
    """One for all tests: TensorFlow mixes up the collectives of several in one process."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def by_products(losses, present, gramian):
    """Weights that show all of the Gramian, without a solver."""
    return tf.math.rsqrt(1.0 + tf.reduce_sum(gramian**2, axis=1))


@pytest.mark.parametrize(
    ("balancer", "sent_of_shared"),
    [
        (balancers.FAMO(), 1),
        (balancers.GramianFunction(by_products, update_every=2), None),
        (balancers.GramianFunction(by_products, gradients="representation"), None),
        (balancers.GramianFunction(by_products, gradients="last_layer"), None),
        (balancers.GradDrop(), 3),
    ],
    ids=["losses", "some steps", "representation", "last layer", "jacobian"],
)
def test_two_replicas_take_the_step_of_one_device(balancer, sent_of_shared, replicas, monkeypatch):
    """A gradient that is summed over the replicas to be measured is not sent once more."""
    sent = []

    def counted(values, count):
        if count > 1:
            leaves = keras.tree.flatten(values)
            sent.append(sum(leaf.shape.num_elements() for leaf in leaves))
        return over_replicas(values, count)

    for module in (backward, measuring):
        monkeypatch.setattr(module, "over_replicas", counted)
    x, y = rows()
    y["c"][:16] = np.nan  # the replicas have different numbers of labels

    def run(scope, **options):
        with scope:
            model = network(balancer, regularised=True, towers=False, **options)
        dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
        history = model.fit(dataset, verbose=0).history
        return np.concatenate([w.reshape(-1) for w in model.get_weights()]), history, model

    one, history, _ = run(contextlib.nullcontext(), run_eagerly=True)
    assert replicas.num_replicas_in_sync == 2
    two, its, model = run(replicas.scope())
    np.testing.assert_allclose(two, one, atol=2e-5)
    for key in ("loss", "b_loss", "c_loss"):
        np.testing.assert_allclose(its[key], history[key], rtol=1e-4)
    if sent_of_shared is not None:
        shared = sum(v.shape.num_elements() for v in model.step.partition.shared)
        own = sum(v.shape.num_elements() for v in model.trainable_variables) - shared
        regularised = 4 * 8 if sent_of_shared > 1 else 0  # apart from what is measured
        per_replica = sent_of_shared * shared + own + regularised
        assert sum(sent) == 2 * per_replica  # each replica traces the step


def test_two_replicas_divide_the_batches_of_a_stream(replicas):
    x, y = rows()

    def read(group, first):
        chosen = slice(20 * group + first, 20 * group + 20)
        yield x[chosen], {task: labels[chosen] for task, labels in y.items()}, {}

    feed = Feed(read, [20, 20, 20], next(read(0, 0)), buffer_rows=8, batches_per_block=2)
    became = []
    for scope in (contextlib.nullcontext(), replicas.scope()):
        with scope:
            model = small("fixed")
        log = model.fit(feed.blocks(16), epochs=2, verbose=0).history
        weights = np.concatenate([w.reshape(-1) for w in model.get_weights()])
        became.append((weights, int(model.optimizer.iterations.numpy()), log["loss"]))
    (one, steps, losses), (two, its_steps, its_losses) = became
    assert steps == its_steps == 2 * 4  # the last of 12 rows
    np.testing.assert_allclose(two, one, atol=1e-5)
    np.testing.assert_allclose(its_losses, losses, rtol=1e-5)
