"""Every architecture computes what its paper says, whatever its weights are."""

import dataclasses
import inspect

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import architectures, tasks
from tests.architectures.network import Network, softmax
from tests.architectures.papers import READINGS

TASKS = ("a", "b", "c")


def small(cls, **arguments) -> architectures.Architecture:
    """Without units that a ReLU keeps at zero, whose weights no test would see."""
    plain = {"number_embedding": "none", "category_dimension": 2, "tower": (3,)}
    accepted = {field.name for field in dataclasses.fields(cls)}
    defaults = {"activation": "tanh", "dropout": 0.0, **plain}
    return cls(**{k: v for k, v in defaults.items() if k in accepted} | arguments)


CASES = {
    "SharedBottom": small(
        architectures.SharedBottom,
        layers=(5, 8),
        tower=(8, 6),
        residual=True,
        normalisation="batch",
        activation="relu",
        dropout=0.3,
    ),
    "SingleTask": small(architectures.SingleTask, layers=(4, 3), skip=True, dropout=0.3),
    "OMoE": small(
        architectures.OMoE, experts=3, layers=(4,), temperature=0.7, gate_bias=True, dropout=0.3
    ),
    "MMoE": small(
        architectures.MMoE, experts=3, layers=(5, 4), temperature=1.5, gate_dropout=0.3, skip=True
    ),
    "CGC": small(architectures.CGC, task_experts=2, shared_experts=2, layers=(4,), temperature=0.7),
    "PLE": small(architectures.PLE, levels=3, shared_experts=2, layers=(4,), temperature=0.7),
    "DSelectK static": small(
        architectures.DSelectK, experts=5, layers=(4,), entropy=0.5, gamma=1.5
    ),
    "DSelectK conditional": small(
        architectures.DSelectK,
        experts=3,
        layers=(4,),
        selectors=3,
        entropy=0.5,
        conditional=True,
        dropout=0.3,
    ),
    "DSelectK reused codes": small(
        architectures.DSelectK, experts=3, layers=(4,), entropy=0.5, spare_codes="reused"
    ),
    "CrossStitch": small(architectures.CrossStitch, layers=(5, 4), skip=True, dropout=0.3),
    "Sluice": small(architectures.Sluice, width=6, depth=2, subspaces=3, orthogonality=0.1),
    "NDDR": small(architectures.NDDR, layers=(5, 4), skip=True, dropout=0.3),
    "MTAN": small(
        architectures.MTAN, layers=(5, 5), attention=3, residual=True, normalisation="batch"
    ),
    "AITM": small(
        architectures.AITM, layers=(5,), tower=(4,), calibrator=0.4, skip=True, dropout=0.3
    ),
    "AITM apart": small(
        architectures.AITM, tower=(5, 4), share_attention=False, normalisation="batch"
    ),
    "ESMM": small(architectures.ESMM, layers=(4, 3), skip=True, dropout=0.3),
    "STEM": small(architectures.STEM, task_experts=2, layers=(4,), gate=(4, 3), skip=True),
    "SoftSharing l2": small(architectures.SoftSharing, layers=(5, 5), strength=0.3, dropout=0.3),
    "SoftSharing trace": small(
        architectures.SoftSharing, layers=(5, 5), penalty="trace", strength=0.3
    ),
    "Adapters": small(
        architectures.Adapters, layers=(5, 4), bottleneck=3, normalisation="layer", residual=True
    ),
    "Grouped": small(
        architectures.Grouped, groups=(("b",), ("a", "c")), layers=(4, 3), skip=True, dropout=0.3
    ),
    "LoRA": small(architectures.LoRA, layers=(5, 4), rank=2, scale=3.0, residual=True, dropout=0.3),
    "MTLLoRA": small(
        architectures.MTLLoRA, layers=(5, 4), rank=2, scale=3.0, ups=2, temperature=1.5
    ),
    "HoME": small(architectures.HoME, layers=(5, 4), rank=2, skip=True, dropout=0.3),
    "HoME with groups": small(
        architectures.HoME, groups=(("b",), ("c", "a")), experts=2, layers=(4,), residual=False
    ),
    "PEPNet": small(architectures.PEPNet, layers=(5, 5), gate=3, skip=True, residual=True),
    "PEPNet with named features": small(
        architectures.PEPNet, prior=("age", "kind"), domain=("sizes",), layers=(5, 4), dropout=0.3
    ),
    "LearningToBranch": small(
        architectures.LearningToBranch, layers=(5, 4), branches=2, explore=0, skip=True, dropout=0.3
    ),
}


FEATURES = {
    "sizes": {"numeric": [0, 2]},
    "age": {"numeric": [1]},
    "kind": {"categorical": [0]},
}


def rows(random: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "numeric": random.normal(size=(16, 3)).astype("float32"),
        "categorical": random.integers(0, 6, (16, 1)).astype("int32"),
    }


def built(architecture: architectures.Architecture, random: np.random.Generator) -> keras.Model:
    """The network that an experiment builds, with the answers of each member and random weights."""
    inputs = {
        "numeric": keras.Input((3,), name="numeric"),
        "categorical": keras.Input((1,), dtype="int32", name="categorical"),
    }
    embed = architectures.embedder(architecture, inputs, category_sizes=[6], features=FEATURES)
    parts = architecture.represent(embed, TASKS)
    heads = {task: tasks.Binary(task).head(part) for task, part in parts.items()}
    model = mtl.MultiTaskModel(inputs, architecture.connect(heads))
    for weight in learned(model):
        inputs_of_a_unit = weight.shape[-2] if len(weight.shape) > 1 else 4
        values = random.normal(scale=1.5 * inputs_of_a_unit**-0.5, size=weight.shape)
        if "variance" in weight.path:
            values = 0.5 + np.abs(values)
        elif "scale" in weight.path or "gamma" in weight.path:
            values = 1 + 0.5 * values
        weight.assign(values)
    return model


def learned(model: keras.Model) -> list[keras.Variable]:
    """All weights but counters of steps."""
    return [weight for weight in model.weights if "int" not in weight.dtype]


def read(architecture, model, batch, training=False) -> Network:
    weights = {weight.path: weight.value.numpy().astype("float64") for weight in learned(model)}
    return Network(architecture, weights, batch, training)


def without_dropout(model: keras.Model) -> keras.Model:
    for layer in model.layers:
        for part in (layer, *vars(layer).values()):
            if isinstance(part, keras.layers.Dropout):
                part.rate = 0.0
    return model


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_answers_and_added_losses_are_those_of_the_paper(case, members):
    architecture = dataclasses.replace(CASES[case], members=members)
    random = np.random.default_rng(1)
    model, batch = built(architecture, random), rows(random)
    for mode in ("inference", "training"):
        training = mode == "training"
        if training:
            without_dropout(model)  # what is left of training: the batch's own mean and variance
        network = read(architecture, model, batch, training)
        expected = READINGS[type(architecture).__name__](network, TASKS)
        found = model(batch, training=True) if training else model(batch)
        losses = [float(loss) for loss in model.losses]
        assert list(found) == list(expected)
        for task in TASKS:
            message = f"{mode}, task {task}"
            np.testing.assert_allclose(found[task], expected[task], atol=1e-5, err_msg=message)
        np.testing.assert_allclose(sum(losses), sum(network.losses), rtol=1e-5, err_msg=mode)
        assert not network.unread, "the paper has no use for these weights"


def test_training_drops_units_and_hides_experts_from_gates():
    architecture = small(architectures.MMoE, layers=(4,), dropout=0.3, gate_dropout=0.4, members=1)
    random = np.random.default_rng(1)
    model, batch = built(architecture, random), rows(random)
    names = ("expert_1_1_tanh", "expert_1_1_dropout", "a_gate")
    inside = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    units, left, gate = (found.numpy() for found in inside(batch, training=True))
    assert 0.5 < (left != 0).mean() < 0.9
    np.testing.assert_allclose(left, units * (left != 0) / 0.7, atol=1e-5)
    network = read(architecture, model, batch)
    weights = softmax(network.features("shared") @ network["a_gate/logits/kernel"])
    kept = weights * (gate > 0)
    assert 0.4 < (gate > 0).mean() < 0.8
    np.testing.assert_allclose(gate, kept / kept.sum(-1, keepdims=True), atol=1e-5)


def test_every_public_architecture_has_a_reading_and_a_case():
    values = [getattr(architectures, name) for name in architectures.__all__]
    classes = {
        v for v in values if inspect.isclass(v) and issubclass(v, architectures.Architecture)
    }
    public = {cls.__name__ for cls in classes - {architectures.Architecture}}
    assert public == set(READINGS) == {type(case).__name__ for case in CASES.values()}
