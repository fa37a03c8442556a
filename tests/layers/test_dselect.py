"""The gate of DSelect-k: few sources, no preference at first, and codes of no source."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import layers


@pytest.mark.parametrize("spare_codes", ["penalised", "reused"])
@pytest.mark.parametrize("experts", [4, 5, 6])
@pytest.mark.parametrize("code", [0.7, -0.7])
def test_a_saturated_static_dselect_gate_chooses_at_most_k(experts, code, spare_codes):
    gate = dselect_gate(experts, spare_codes)
    gate.code.assign(tf.where(tf.range(gate.code.shape[0]) % 2 == 0, 0.7, code))
    weights = gate(tf.ones([2, 3]), training=True).numpy()
    assert (weights > 1e-6).sum(-1).max() <= 2
    chosen = weights.sum(-1)
    if spare_codes == "reused" or experts == 4:
        np.testing.assert_allclose(chosen, 1.0, atol=1e-5)
    penalty = float(sum(gate.losses))  # 999 for each selector at a code of no expert
    assert penalty < 1e-4 if chosen.min() > 0.99 else penalty > 998
    gate(tf.ones([2, 3]))
    assert not gate.losses  # there is nothing to be learned


def dselect_gate(experts, spare_codes="penalised", **arguments):
    sources = [str(number) for number in range(experts)]
    gate = layers.DSelectGate("a", sources, entropy=1.0, spare_codes=spare_codes, **arguments)
    gate(tf.ones([1, 3]))
    return gate


@pytest.mark.parametrize("conditional", [False, True])
def test_a_dselect_gate_starts_without_a_preference_and_leaves_codes_of_no_expert(conditional):
    keras.utils.set_random_seed(1)
    gate, x = dselect_gate(3, conditional=conditional), tf.ones([4, 3])
    np.testing.assert_allclose(gate(x), 0.25, atol=0.04)
    optimizer = keras.optimizers.Adam(0.05)
    for _ in range(60):
        with tf.GradientTape() as tape:
            gate(x, training=True)
            loss = sum(gate.losses)
        variables = [v for v in gate.trainable_variables if "code" in v.name]
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
    np.testing.assert_allclose(tf.reduce_sum(gate(x), -1), 1.0, atol=1e-3)


def test_a_dselect_gate_of_an_earlier_release_is_what_it_was():
    config = dselect_gate(3).get_config()
    del config["spare_codes"], config["use_bias"]
    again = layers.DSelectGate.from_config({**config, "conditional": True})
    np.testing.assert_allclose(tf.reduce_sum(again(tf.ones([1, 3]))), 1.0, atol=1e-6)
    assert [v.name for v in again.weights] == ["code_kernel", "code_bias", "weight_kernel"]
