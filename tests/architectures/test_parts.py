"""Architectures that treat some features, or some tasks, in another way than the rest."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import architectures, errors, layers, tasks
from mtl_keras.features.encoder import Encoder
from mtl_keras.model.keras_private import made_by
from tests import cases

PLAIN = {"number_embedding": "none", "dropout": 0.0}


@pytest.fixture(scope="module")
def encoder():
    table = cases.rich_table()
    numbered = [
        dataclasses.replace(feature, name=f"{feature.name} {n}", column=feature.source)
        for n, feature in enumerate(cases.FEATURES)
    ]
    return Encoder([feature.fit(feature.select(table)) for feature in numbered])


def embedder(encoder, inputs, **arguments):
    architecture = architectures.PEPNet(**{"number_embedding": "periodic", **arguments})
    return architectures.embedder(
        architecture,
        inputs,
        encoder.category_sizes,
        own=encoder.own,
        features=encoder.columns,
    )


def selected(part) -> set[int]:
    return set(made_by(part).operation.indices)


@pytest.mark.parametrize("members", [1, 2])
def test_features_of_every_kind_are_parts_of_the_vector_of_all(encoder, members):
    embed = embedder(
        encoder, encoder.inputs(), members=members, number_dimension=3, category_dimension=2
    )
    vector = embed("shared")
    names = [feature.name for feature in encoder.features]
    parts = [embed.part(vector, [name], f"part_{n}") for n, name in enumerate(names)]
    places = [selected(part) for part in parts]
    assert all(part.shape[:-1] == vector.shape[:-1] for part in parts)
    assert sorted(place for each in places for place in each) == list(range(vector.shape[-1]))
    together = selected(embed.part(vector, names[:3], "together"))
    assert together == set.union(*places[:3])
    (category,) = [n for n, f in enumerate(encoder.features) if f.kind == "categorical"]
    assert selected(embed.part(vector, [], "unnamed")) == places[category]


def test_a_part_moves_with_its_feature_alone(encoder):
    inputs = encoder.inputs()
    embed = embedder(encoder, inputs, members=1)
    vector = embed("shared")
    names = [feature.name for feature in encoder.features]
    found = keras.Model(inputs, [embed.part(vector, [n], f"p{i}") for i, n in enumerate(names)])
    table = cases.rich_table().head(20)
    before = found(encoder.encode(table))
    after = found(encoder.encode(table.assign(age=table["age"] + 5.0)))
    moved = {n for n, a, b in zip(names, before, after) if not np.array_equal(a, b)}
    assert moved == {f.name for f in encoder.features if f.source == "age"}


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (("ages",), "Unknown feature 'ages'. Did you mean 'age'"),
        ((), "'pepnet' finds no categorical feature among 'age', 'member'"),
    ],
)
def test_prior_features_that_do_not_exist_are_refused(prior, message):
    table = cases.table()
    architecture = architectures.PEPNet(prior=prior, layers=(4,), **PLAIN)
    experiment = mtl.Experiment(
        tasks={"left": "binary"},
        features=[mtl.features.Numeric("age"), mtl.features.Boolean("member")],
        architecture=architecture,
    )
    with pytest.raises(errors.ConfigError, match=message):
        experiment.run(table, show=None)


def test_names_of_features_are_a_list():
    with pytest.raises(errors.ConfigError, match=r"`prior` must be a list of names.*'town'"):
        architectures.PEPNet(prior="town")


def network(architecture, names) -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = {
        "numeric": keras.Input((5,), name="numeric"),
        "categorical": keras.Input((1,), dtype="int32", name="categorical"),
    }
    columns = {"kind": {"categorical": [0]}, "sizes": {"numeric": [0, 1, 2, 3, 4]}}
    embed = architectures.embedder(architecture, inputs, [6], features=columns)
    parts = architecture.represent(embed, names)
    return mtl.MultiTaskModel(
        inputs, {task: tasks.Binary(task).head(part) for task, part in parts.items()}
    )


def rows(count=9):
    random = np.random.default_rng(0)
    return {
        "numeric": random.normal(size=(count, 5)).astype("float32"),
        "categorical": random.integers(2, 6, (count, 1)).astype("int32"),
    }


def taught(model, output) -> set[str]:
    """The layers whose variables an output, or a layer's, has a gradient for that is not zero."""
    inside = keras.Model(model.inputs, output)
    variables = inside.trainable_variables
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(inside(rows()) ** 2)
    found = zip(variables, tape.gradient(value, [v.value for v in variables]))
    moved = [v for v, g in found if g is not None and np.abs(tf.convert_to_tensor(g)).max() > 0]
    return {v.path.split("/")[0] for v in moved}


@pytest.mark.parametrize("gate", ["a_1_gate", "domain_gate"])
def test_a_gate_of_pepnet_teaches_the_prior_features_alone(gate):
    architecture = architectures.PEPNet(
        domain=("kind",), layers=(4,), number_embedding="periodic", dropout=0.0, members=1
    )
    model = network(architecture, ["a", "b"])
    assert "shared_numbers" in taught(model, model.output["a"])
    assert taught(model, model.get_layer(gate).output) == {
        "shared_categories",
        f"{gate}_hidden",
        gate,
    }


def test_an_untouched_gate_of_pepnet_changes_nothing():
    architecture = architectures.PEPNet(layers=(4, 3), members=1, **PLAIN)
    model = network(architecture, ["a", "b"])
    for layer in model.layers:
        if layer.name.endswith("_gate"):
            layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
        if isinstance(layer, layers.Modulation):
            np.testing.assert_allclose(
                *(keras.Model(model.inputs, t)(rows()) for t in (layer.input[0], layer.output)),
                atol=1e-6,
            )


def test_experts_of_home_belong_to_all_to_a_group_or_to_a_task():
    architecture = architectures.HoME(
        groups=(("a", "b"), ("c",)), layers=(4,), tower=(), members=1, **PLAIN
    )
    model = network(architecture, ["a", "b", "c"])
    for task, own in (("a", "group_1"), ("c", "group_2")):
        level_2 = {name for name in taught(model, model.output[task]) if "level_2" in name}
        experts = {name for name in level_2 if name.endswith("_expert_1_1")}
        assert experts == {f"level_2_{owner}_expert_1_1" for owner in ("shared", own, task)}
    sharing = model.sharing(rows())
    read = sharing[sharing["layer"] == "level_1_group_1_gate"]["source"]
    assert list(read) == ["level_1_group_1_expert_1", "level_1_shared_expert_1"]


def test_groups_of_home_name_each_task_once():
    with pytest.raises(errors.ConfigError, match=r"each task once. Not named: \['spend'\]"):
        mtl.Experiment(
            tasks={"left": "binary", "spend": "regression"},
            architecture=architectures.HoME(groups=(("left",),)),
        )


@pytest.mark.parametrize("members", [1, 2])
def test_mtl_lora_starts_as_the_shared_trunk_and_its_parts_differ(members):
    architecture = architectures.MTLLoRA(layers=(6, 4), rank=2, members=members, **PLAIN)
    bottom = architectures.SharedBottom(layers=(6, 4), members=members, **PLAIN)
    model, plain = network(architecture, ["a", "b"]), network(bottom, ["a", "b"])
    for layer in plain.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    for task, answer in plain(rows()).items():
        np.testing.assert_allclose(model(rows())[task], answer, atol=1e-6)
    ups = [model.get_layer(f"lora_1_up_{i}").kernel.value for i in (1, 2)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(rows(), training=True)["a"] ** 2)
    one, other = (g.numpy() for g in tape.gradient(loss, ups))
    assert np.abs(one - other).max() > 0.1 * np.abs(one).max()


def test_crossings_say_nothing_before_they_are_trained_and_belong_to_no_feature():
    inputs = {
        "numeric": keras.Input((1,), name="numeric"),
        "categorical": keras.Input((1,), dtype="int32", name="categorical"),
        "crossed": keras.Input((2,), dtype="int32", name="crossed"),
    }
    columns = {"size": {"numeric": [0]}, "kind": {"categorical": [0]}}
    embed = architectures.embedder(
        architectures.SharedBottom(members=1, number_embedding="none"),
        inputs,
        [4],
        features=columns,
        crossing_sizes=[5, 4],
    )
    vector = embed("shared")
    kinds = embed.part(vector, [], "kinds")  # all categorical features
    model = keras.Model(inputs, [vector, kinds])
    layer = model.get_layer("shared_crossings")
    assert len(selected(kinds)) + 1 + sum(layer.widths) == vector.shape[-1]
    x = {"numeric": tf.ones([3, 1]), "categorical": tf.constant([[2]] * 3)}
    crossed = tf.constant([[0, 1], [3, 2], [4, 3]])
    start, _ = model({**x, "crossed": crossed})
    np.testing.assert_array_equal(start[0], start[1])
    layer.table.assign(np.arange(9.0)[:, None] * np.ones(layer.table.shape))
    trained, kinds = model({**x, "crossed": crossed})
    assert sorted({*trained.numpy().ravel()} - {*start.numpy().ravel()}) == [3, 4, 6, 7, 8]
    np.testing.assert_array_equal(kinds[0], kinds[2])
