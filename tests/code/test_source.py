"""Code of a network builds the same network."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import architectures, tasks
from mtl_keras.architectures import embedder
from mtl_keras.code import About, source
from mtl_keras.errors import ConfigError
from mtl_keras.layers import MemberMean
from tests import cases

TASKS = ("churned", "likes_tea")
RANDOM = np.random.default_rng(0)
ROWS = {
    "numeric": RANDOM.normal(size=(9, 3)).astype("float32"),
    "categorical": RANDOM.integers(0, 6, (9, 1)).astype("int32"),
}
BIASED = {"counts": (3, 1), "classes": ("no", "yes")}


def network(architecture, names=TASKS) -> mtl.MultiTaskModel:
    inputs = {
        "numeric": keras.Input((3,), name="numeric"),
        "categorical": keras.Input((1,), dtype="int32", name="categorical"),
    }
    embed = embedder(architecture, inputs, [6], ROWS["numeric"])
    parts = architecture.represent(embed, names)
    heads = {name: tasks.Binary(name, **BIASED).head(parts[name]) for name in names}
    outputs = {
        name: output if len(output.shape) == 2 else MemberMean(name=f"{name}_mean")(output)
        for name, output in architecture.connect(heads).items()
    }
    model = mtl.MultiTaskModel(inputs, outputs)
    model.compile("adam", loss=dict.fromkeys(names, "binary_crossentropy"))
    return model


def built(text, compiled=False) -> keras.Model:
    names: dict = {"__name__": "model"}
    exec(compile(text, "model.py", "exec"), names)
    model = names["build_model"]()
    if compiled:
        names["compile_model"](model)
    return model


def shake(model) -> None:
    """Give all weights other values than they start with."""
    for weight in model.weights:
        if weight.dtype == "float32" and "variance" not in weight.path:
            weight.assign_add(RANDOM.normal(0, 0.3, weight.shape))


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # of one layer
@pytest.mark.parametrize("architecture", cases.ARCHITECTURES, ids=lambda a: type(a).__name__)
def test_code_builds_the_same_network(architecture):
    model = network(architecture)
    shake(model)
    text = source(model, About("A network."))
    assert len(text.splitlines()) < 160 and max(map(len, text.splitlines())) <= 88
    again = built(text)
    for layer in again.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    assert again.count_params() == model.count_params()
    trained = {weight.path for weight in model.trainable_weights}
    assert {weight.path for weight in again.trainable_weights} == trained
    expected = model(ROWS)
    assert float(tf.math.reduce_std(expected["churned"])) > 1e-3
    tf.nest.map_structure(
        lambda mine, theirs: np.testing.assert_allclose(mine, theirs, atol=1e-6),
        again(ROWS),
        expected,
    )


def test_code_reads_as_a_person_writes_it():
    experts = architectures.MMoE(experts=4, layers=(8, 4), tower=(4,), **cases.PLAIN)
    text = source(network(experts), About("A network."))
    assert "experts = [expert_block(shared_features, number) for number in range(1, 5)]" in text
    assert text.count("layers.Dense(") == 1 + len(TASKS)  # in a helper, and the heads
    assert 'churned_tower = tower_block(shared_features, experts, "churned")' in text
    assert re.search(r"# Shared by all tasks\n.*# For churned alone\n", text, re.DOTALL)


def test_code_starts_heads_where_the_library_does():
    again = built(source(network(cases.ARCHITECTURES[0]), About("A network.")))
    assert np.isclose(again.get_layer("churned_head").bias.numpy(), np.log(1 / 3))


def test_code_says_how_the_model_is_compiled():
    rows = keras.Input((3,), name="rows")
    shared = keras.layers.Dense(2)(rows)
    outputs = {name: keras.layers.Dense(1, name=f"{name}_head")(shared) for name in ("a", "say")}
    model = mtl.MultiTaskModel({"rows": rows}, outputs)
    model.compile(
        keras.optimizers.SGD(0.25, momentum=0.5),
        loss={"a": keras.losses.Huber(delta=2.0), "say": "mse"},
        loss_weights={"say": 3.0},
        metrics={"a": ["mae"]},
        balancer={"kind": "cagrad", "c": 0.25},
    )
    again = built(source(model, About("A network.")), compiled=True).get_compile_config()
    expected = model.get_compile_config()
    expected["loss_weights"]["a"] = 1.0
    for config in (again, expected):
        for part in ("optimizer", "balancer"):
            config[part]["config"].pop("name")
    for key in ("optimizer", "loss", "loss_weights", "balancer"):
        assert again[key] == expected[key], key
    assert again["metrics"] == {"a": ["mae"]}


def test_hostile_names_stay_within_their_texts():
    name = 'x"""; raise SystemExit #\n\\'
    rows = keras.Input((3,), name="rows")
    model = mtl.MultiTaskModel({"rows": rows}, {name: keras.layers.Dense(1)(rows)})
    model.compile("adam", loss={name: "mse"})
    about = About(
        title=f"Of {name}", notes=[name], columns={"rows": [name, "\n    raise SystemExit"]}
    )
    assert list(built(source(model, about)).output) == [name]


class Own(keras.layers.Layer):
    """A layer that no file could import, as of a notebook."""

    __module__ = "__main__"

    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: x * 2.0, "the operation 'multiply"),
        (lambda x: Own()(x), "class 'Own'"),
        (lambda x: keras.Model(x, keras.layers.ReLU()(x), name="inner")(x), "'inner' is a model"),
    ],
    ids=["operation", "class", "model"],
)
def test_what_cannot_be_written_is_refused(make, message):
    rows = keras.Input((3,), name="rows")
    model = mtl.MultiTaskModel({"rows": rows}, {"a": keras.layers.Dense(1)(make(rows))})
    model.compile("adam", loss={"a": "mse"})
    with pytest.raises(ConfigError, match=message):
        source(model, About("A network."))


def test_a_trained_run_and_its_artifact_have_the_same_code(run, artifact, predictor):
    text = predictor.code()
    assert text == run.code(artifact)
    assert "numeric: age" in text and "town × member" in text  # what each input holds
    again, outputs = built(text), {}
    x = run.encoder.encode(run.test.head(20))
    found = run.model.predict(x, verbose=0)
    for task, epoch in run.metrics()["best_epochs"].items():
        for layer in again.layers:
            copy = f"{layer.name}_epoch_{epoch}"
            if layer.weights and copy in {each.name for each in run.model.layers}:
                layer.set_weights(run.model.get_layer(copy).get_weights())
        outputs[task] = again.predict(x, verbose=0)[task]
    for task, expected in found.items():
        np.testing.assert_allclose(outputs[task], expected, rtol=1e-5, atol=1e-5, err_msg=task)
