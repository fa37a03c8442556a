"""What each architecture must be, whatever it learns."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import architectures, errors, layers, tasks
from mtl_keras.architectures import embedder
from mtl_keras.model.partition import partition_variables

PLAIN = {"members": 1, "number_embedding": "none", "dropout": 0.0}
TASKS = ["a", "b"]


def network(architecture, names=TASKS, activation=None) -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = {
        "numeric": keras.Input((5,), name="numeric"),
        "categorical": keras.Input((1,), dtype="int32", name="categorical"),
    }
    parts = architecture.represent(embedder(architecture, inputs, [6]), names)
    heads = {
        task: keras.layers.Dense(1, activation=activation, name=f"{task}_head")(part)
        for task, part in parts.items()
    }
    return mtl.MultiTaskModel(inputs, architecture.connect(heads))


def rows(count=7):
    random = np.random.default_rng(0)
    return {
        "numeric": random.normal(size=(count, 5)).astype("float32"),
        "categorical": random.integers(0, 6, (count, 1)).astype("int32"),
    }


def same_answers(one, other, renamed) -> None:
    """Equal outputs once `other` has the weights of the layers of `one`."""
    for layer in one.layers:
        name = renamed(layer.name)
        if layer.weights and name:
            other.get_layer(name).set_weights(layer.get_weights())
    mine, theirs = one.predict(rows()), other.predict(rows())
    for task in mine:
        np.testing.assert_allclose(mine[task], theirs[task], atol=1e-6)


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # of one expert
def test_mmoe_with_one_expert_is_shared_bottom():
    mmoe = network(architectures.MMoE(experts=1, layers=(8, 6), tower=(4,), **PLAIN))
    bottom = network(architectures.SharedBottom(layers=(8, 6), tower=(4,), **PLAIN))
    same_answers(mmoe, bottom, lambda n: "" if "gate" in n else n.replace("expert_1", "shared"))


def test_ple_with_one_task_is_a_mixture_of_experts():
    ple = network(architectures.PLE(levels=1, layers=(8,), tower=(4,), **PLAIN), ["a"])
    mmoe = network(architectures.MMoE(experts=2, layers=(8,), tower=(4,), **PLAIN), ["a"])
    names = {
        "level_1_a_expert_1_1": "expert_1_1",
        "level_1_shared_expert_1_1": "expert_2_1",
        "level_1_a_gate": "a_gate",
    }
    same_answers(ple, mmoe, lambda name: names.get(name, name))


def test_ple_with_one_level_is_cgc():
    options = {"task_experts": 2, "layers": (8,), "tower": (4,), **PLAIN}
    same_answers(
        network(architectures.PLE(levels=1, **options)),
        network(architectures.CGC(**options)),
        lambda name: name,
    )


def test_cross_stitch_that_keeps_its_own_is_single_task():
    stitched = network(architectures.CrossStitch(layers=(8, 6), own=1.0, **PLAIN))
    single = network(architectures.SingleTask(layers=(8, 6), **PLAIN))
    same_answers(stitched, single, lambda name: "" if "stitch" in name else name)


@pytest.mark.parametrize(
    "architecture",
    [
        architectures.Adapters(layers=(8, 6), bottleneck=2, **PLAIN),
        architectures.LoRA(layers=(8, 6), rank=2, **PLAIN),
    ],
    ids=["adapters", "lora"],
)
def test_adapters_and_lora_start_as_the_shared_trunk(architecture):
    bottom = network(architectures.SharedBottom(layers=(8, 6), **PLAIN))
    adapted = network(architecture)
    same_answers(bottom, adapted, lambda name: name)


@pytest.mark.parametrize("numbers", ["none", "periodic"])
@pytest.mark.parametrize("kind", ["adapters", "lora", "mtl_lora"])
def test_of_what_is_frozen_only_the_tasks_parts_are_trained(kind, numbers):
    declared = {"kind": kind, "layers": [8], "tower": [4], "members": 2, "normalisation": "layer"}
    frozen = architectures.get({**declared, "number_embedding": numbers, "freeze": True})
    model = network(frozen)
    trained = {v.path for v in model.trainable_variables}
    assert trained and all(path.startswith(("a_", "b_", "lora_")) for path in trained)
    again = keras.Model.from_config(model.get_config())
    assert {v.path for v in again.trainable_variables} == trained
    free = network(dataclasses.replace(frozen, freeze=False)).trainable_variables
    names = {v.path.split("/")[0] for v in free if v.path.startswith("shared")}
    made_of_numbers = {"shared_numbers"} if numbers == "periodic" else set()
    assert names == {"shared_categories", "shared_members", "shared_1"} | made_of_numbers


@pytest.mark.parametrize(
    "architecture",
    [
        architectures.OMoE(experts=3, layers=(4,), **PLAIN),
        architectures.MMoE(experts=3, layers=(4,), gate_dropout=0.5, **PLAIN),
        architectures.CGC(layers=(4,), **PLAIN),
        architectures.PLE(layers=(4,), temperature=0.5, **PLAIN),
        architectures.STEM(layers=(4,), **PLAIN),
        architectures.HoME(layers=(4,), tower=(), **PLAIN),
        architectures.LearningToBranch(layers=(4, 4), **PLAIN),
        architectures.DSelectK(experts=4, layers=(4,), **PLAIN),
        architectures.DSelectK(
            experts=5, layers=(4,), conditional=True, spare_codes="reused", **PLAIN
        ),
    ],
    ids=lambda architecture: type(architecture).__name__,
)
def test_gates_sum_to_one(architecture):
    model = network(architecture)
    gates = {layer.name: layer.output for layer in model.layers if isinstance(layer, layers.Gate)}
    found = keras.Model(model.inputs, gates)
    for training in (False, True):
        for weights in found(rows(), training=training).values():
            np.testing.assert_allclose(tf.reduce_sum(weights, -1), 1.0, atol=1e-5)
            assert float(tf.reduce_min(weights)) >= 0
    shared = model.sharing(rows())
    sums = shared.groupby(["layer", "reader"])["weight"].sum()
    np.testing.assert_allclose(sums, 1.0, atol=1e-5)
    assert len(sums) == len(gates)
    assert model.sharing().empty


def test_a_later_step_of_esmm_is_never_more_probable():
    model = network(architectures.ESMM(layers=(8,), **PLAIN), ["a", "b", "c"], "sigmoid")
    found = model.predict(rows(50))
    assert (found["b"] <= found["a"]).all() and (found["c"] <= found["b"]).all()


@pytest.mark.parametrize("kind", ["esmm", "aitm"])
def test_a_chain_is_of_binary_tasks(kind):
    with pytest.raises(errors.ConfigError, match=r"chain.*spend \(regression\)"):
        mtl.Experiment(tasks={"left": "binary", "spend": "regression"}, architecture=kind)


def gradient_paths(model, task) -> set[str]:
    """Variables that a task's output has a gradient for that is not zero."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(rows(), training=True)[task])
    variables = model.trainable_variables
    found = tape.gradient(loss, [v.value for v in variables])
    dense = [None if g is None else tf.convert_to_tensor(g).numpy() for g in found]
    return {v.path for v, g in zip(variables, dense) if g is not None and np.abs(g).max() > 0}


def test_stem_teaches_only_its_own_and_the_shared():
    model = network(architectures.STEM(layers=(8,), tower=(4,), **PLAIN))
    taught = gradient_paths(model, "a")
    assert any(path.startswith("a_categories") for path in taught)
    assert any(path.startswith("shared_categories") for path in taught)
    assert not any(path.startswith(("b_categories", "b_expert")) for path in taught)
    before = model.predict(rows())["a"]
    model.get_layer("b_expert_1_1").bias.assign_add(tf.ones([8]))
    assert np.abs(model.predict(rows())["a"] - before).max() > 1e-6  # it is read, though
    found = partition_variables(model, list(model.output.values()))
    assert any(v.path.startswith("b_expert") for v in found.own[1])
    assert any(v.path.startswith("shared_expert") for v in found.shared)


def test_aitm_teaches_the_step_before_unless_told_not_to():
    flowing = architectures.AITM(tower=(4,), **PLAIN)
    model = network(flowing, activation="sigmoid")
    assert any(path.startswith("a_tower") for path in gradient_paths(model, "b"))
    stopped = network(dataclasses.replace(flowing, stop_gradient=True), activation="sigmoid")
    assert not any(path.startswith("a_tower") for path in gradient_paths(stopped, "b"))


def test_aitm_shares_its_attention_and_no_trunk_unless_told_otherwise():
    names = ["a", "b", "c"]
    for share, layers_of in (
        (True, {"attention"}),
        (False, {"b_attention", "c_attention"}),
    ):
        architecture = architectures.AITM(tower=(4,), share_attention=share, **PLAIN)
        model = network(architecture, names, "sigmoid")
        found = {v.path.split("/")[0] for v in model.weights}
        assert {name for name in found if "attention" in name} == layers_of
        assert not any(name.startswith("shared_1") for name in found)


@pytest.mark.parametrize("penalty", ["l2", "trace"])
def test_soft_sharing_draws_its_trunks_together(penalty):
    architecture = architectures.SoftSharing(layers=(8,), penalty=penalty, strength=1.0, **PLAIN)
    model = network(architecture)
    one, other = model.get_layer("a_1"), model.get_layer("b_1")
    kernels = np.stack([layer.kernel.numpy().ravel() for layer in (one, other)])
    expected = (
        ((kernels - kernels.mean(0)) ** 2).sum()
        if penalty == "l2"
        else np.linalg.svd(kernels, compute_uv=False).sum()
    )
    np.testing.assert_allclose(float(sum(model.losses)), expected, rtol=1e-3)
    with tf.GradientTape() as tape:
        loss = sum(model.losses)
    gradient = tape.gradient(loss, one.kernel.value).numpy()
    toward = (other.kernel - one.kernel).numpy()
    assert np.sum(gradient * toward) < 0
    one.kernel.assign(other.kernel)
    assert np.isfinite(sum(model.losses)) and float(sum(model.losses)) < expected
    for layer in (one, other):
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    with tf.GradientTape() as tape:
        loss = sum(model.losses)
    gradient = tape.gradient(loss, one.kernel.value).numpy()
    assert float(loss) == 0 and not gradient.any()


def test_sluice_pays_for_subspaces_that_are_alike():
    penalty = layers.SubspaceOrthogonality(subspaces=2, strength=0.5)
    apart = tf.constant([[1.0, 0.0], [0.0, 1.0]])
    alike = tf.constant([[1.0, 1.0], [0.0, 0.0]])
    assert float(penalty(apart)) == 0.0 and float(penalty(alike)) == 0.5


def test_mixing_can_be_read():
    model = network(architectures.CrossStitch(layers=(8,), own=0.8, **PLAIN))
    found = model.sharing()
    assert list(found.columns) == ["layer", "reader", "source", "weight"]
    np.testing.assert_allclose(found["weight"], [0.8, 0.2, 0.2, 0.8], atol=1e-6)
    assert network(architectures.SharedBottom(layers=(8,), **PLAIN)).sharing(rows()).empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "mmoe", "experts": 0}, "`experts` must be >= 1"),
        ({"kind": "shared_bottom", "layers": []}, "`layers` must list at least one width"),
        ({"kind": "shared_bottom", "members": 0}, "`members` must be >= 1"),
        ({"kind": "ple", "normalisation": "bach"}, "`normalisation` must be one of"),
        ({"kind": "sluice", "width": 7}, "multiple of subspaces"),
        ({"kind": "home", "rank": 0}, "`rank` must be >= 1"),
        ({"kind": "mtl_lora", "temperature": 0.0}, "`temperature` must be > 0"),
        ({"kind": "learning_to_branch", "branches": 0}, "`branches` must be >= 1"),
        ({"kind": "dselect_k", "spare_codes": "lost"}, "`spare_codes` must be one of"),
        ({"kind": "dselect_k", "gate_dropout": 0.2}, "`gate_dropout` must be 0.0"),
        ({"kind": "mmo"}, "Did you mean 'mmoe'"),
        ({"kind": "mmoe", "expert": 3}, "Did you mean 'experts'"),
    ],
)
def test_a_bad_argument_is_named(arguments, message):
    with pytest.raises(errors.ConfigError, match=message):
        architectures.get(arguments)


def test_arguments_that_a_new_kind_would_refuse_are_left_out():
    """As in a search over kinds of architectures."""
    config = {**architectures.MMoE(temperature=2.0, experts=3).get_config(), "kind": "dselect_k"}
    made = architectures.get(config, only_accepted=True)
    assert made.experts == 3 and made.temperature == 1.0


def test_bins_need_the_training_rows():
    inputs = {"numeric": keras.Input((2,))}
    with pytest.raises(errors.ConfigError, match="needs the training rows' numbers"):
        embedder(architectures.SharedBottom(), inputs, [])


def test_heads_of_every_task_take_members():
    for task in (
        tasks.Binary("x", classes=("n", "y"), counts=(3, 1)),
        tasks.Ordinal("x", classes=(1, 2, 3), counts=(3, 1, 1)),
        tasks.Quantiles("x"),
        tasks.ZeroInflatedLogNormal("x", limits=(0.0, 5.0)),
    ):
        for shape in ((6,), (4, 6)):
            assert task.head(keras.Input(shape)).shape == (None, *shape[:-1], task.width)
