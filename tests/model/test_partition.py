"""What is shared is read from the graph."""

import keras
import pytest
import tensorflow as tf

from mtl_keras.errors import ConfigError
from mtl_keras.model.partition import partition_variables
from tests.model.networks import rows, small

Dense = keras.layers.Dense


def names(variables) -> set[str]:
    return {v.path.split("/")[0] for v in variables}


def partitioned(inputs, outputs):
    model = keras.Model(inputs, outputs)
    return partition_variables(model, outputs)


def test_towers():
    x = keras.Input((3,))
    trunk = Dense(4, name="trunk")(x)
    a, b = Dense(1, name="a")(Dense(2, name="ta")(trunk)), Dense(1, name="b")(trunk)
    parts = partitioned(x, [a, b])
    assert names(parts.shared) == {"trunk"}
    assert [names(own) for own in parts.own] == [{"ta", "a"}, {"b"}]
    assert [id(t) for t in parts.boundary] == [id(trunk)]
    assert names(parts.last) == {"trunk"}
    assert parts.depths == [3, 2]
    assert not parts.late
    assert not parts.nested


def test_two_inputs_a_skip_and_a_shared_embedding():
    ids, x = keras.Input((2,), dtype="int32"), keras.Input((3,))
    table = keras.layers.Flatten()(keras.layers.Embedding(5, 4, name="table")(ids))
    trunk = Dense(4, name="trunk")(keras.layers.Concatenate()([table, x]))
    skip = keras.layers.Concatenate()([trunk, x, table])
    a, b, c = Dense(1, name="a")(skip), Dense(1, name="b")(trunk), Dense(1, name="c")(x)
    parts = partitioned([ids, x], [a, b, c])
    assert names(parts.shared) == {"table", "trunk"}
    assert [names(own) for own in parts.own] == [{"a"}, {"b"}, {"c"}]
    assert {id(t) for t in parts.boundary} == {id(trunk), id(table)}
    assert parts.nested  # the trunk is made from the table


def test_a_gate_of_one_task_is_its_own():
    x = keras.Input((3,))
    experts = [Dense(4, name=f"expert{i}")(x) for i in range(2)]
    outputs = []
    for task in "ab":
        gate = Dense(2, activation="softmax", name=f"gate_{task}")(x)
        mixed = sum(gate[:, i : i + 1] * experts[i] for i in range(2))
        outputs.append(Dense(1, name=task)(mixed))
    parts = partitioned(x, outputs)
    assert names(parts.shared) == {"expert0", "expert1"}
    assert names(parts.own[0]) == {"gate_a", "a"}
    assert {id(t) for t in parts.boundary} == {id(e) for e in experts}


def test_a_layer_used_twice_is_shared_and_late():
    x = keras.Input((3,))
    trunk = Dense(4, name="trunk")(x)
    twice = Dense(4, name="twice")
    a = Dense(1, name="a")(twice(Dense(4, name="ta")(trunk)))
    b = Dense(1, name="b")(twice(Dense(4, name="tb")(trunk)))
    parts = partitioned(x, [a, b])
    assert names(parts.shared) == {"trunk", "twice"}
    assert names(parts.late) == {"twice"}


def test_frozen_layers_and_shared_outputs():
    x = keras.Input((3,))
    frozen = Dense(4, name="frozen", trainable=False)(x)
    trunk = Dense(4, name="trunk")(frozen)
    parts = partitioned(x, [trunk, Dense(1, name="b")(trunk)])
    assert names(parts.shared) == {"trunk"}
    assert [names(own) for own in parts.own] == [set(), {"b"}]
    assert [id(t) for t in parts.boundary] == [id(trunk)]


@pytest.mark.parametrize("depth", [1, 200])
def test_nothing_shared_and_very_deep(depth):
    x = keras.Input((3,))
    a, b = Dense(1, name="a")(x), x
    for _ in range(depth):
        b = keras.layers.Identity()(b)
    parts = partitioned(x, [a, Dense(1, name="b")(b)])
    assert parts.shared == [] and parts.boundary == [] and parts.last == []
    assert parts.depths == [1, depth + 1]


class Half(keras.layers.Layer):
    """Learns a shift; its scale is held constant."""

    def build(self, shape):
        self.scale, self.shift = (
            self.add_weight(shape=(shape[-1],), name=name) for name in ("scale", "shift")
        )

    def call(self, x):
        return x * tf.stop_gradient(tf.convert_to_tensor(self.scale)) + self.shift


def model_that_stops():
    x = keras.Input((2, 4))
    return keras.Model(x, keras.ops.stop_gradient(keras.layers.Identity()(x)))


@pytest.mark.parametrize(
    ("stop", "passes"),
    [
        (keras.layers.Lambda(tf.stop_gradient), False),
        (keras.layers.Lambda(tf.round), False),
        (keras.layers.Lambda(lambda x: tf.cast(x > 0, tf.int32)), False),
        (keras.layers.TimeDistributed(keras.layers.Lambda(tf.stop_gradient)), False),
        (keras.Sequential([keras.layers.Lambda(tf.stop_gradient)]), False),
        (keras.ops.stop_gradient, False),
        (model_that_stops(), False),
        (keras.ops.argmax, False),
        (keras.layers.Lambda(lambda x: 2 * x), True),
        (lambda x: x + keras.ops.stop_gradient(x), True),
    ],
)
def test_only_what_gradients_reach_is_shared(stop, passes):
    x = keras.Input((2, 3))
    trunk = Dense(4, name="trunk")(x)
    behind = stop(trunk)
    if behind.dtype != "float32":
        behind = keras.layers.CategoryEncoding(9)(keras.ops.reshape(behind, (-1, 1)))
    outputs = [Dense(1, name="a")(trunk), Dense(1, name="b")(behind)]
    parts = partitioned(x, outputs)
    assert names(parts.shared) == ({"trunk"} if passes else set())
    assert [names(own) for own in parts.own] == [{"a"} if passes else {"trunk", "a"}, {"b"}]


def test_a_variable_behind_a_stopped_gradient_belongs_to_no_task():
    x = keras.Input((3,))
    half = Half(name="half")(x)
    parts = partitioned(x, [Dense(1, name="a")(half), Dense(1, name="b")(half)])
    assert [v.path for v in parts.shared] == ["half/shift"]
    assert [names(own) for own in parts.own] == [{"a"}, {"b"}]


@pytest.mark.parametrize(("balancer", "frozen"), [("pcgrad", True), ("uncertainty", False)])
@pytest.mark.filterwarnings("ignore:No variable is shared")
def test_layers_frozen_or_unfrozen_after_compile_are_refused_with_a_balancer(balancer, frozen):
    model = small(balancer)
    x, y = rows()
    layer = model.layers[1]
    if not frozen:
        layer.trainable = False
        model.compile("sgd", loss="mse", balancer=balancer)
    layer.trainable = not frozen
    with pytest.raises(ConfigError, match="Call `compile` again"):
        model.fit(x, y, verbose=0)
    with pytest.raises(ConfigError, match="Call `compile` again"):
        model.train_on_batch(x, y)
    model.compile("sgd", loss="mse")  # constant weights need not know what is shared
    layer.trainable = frozen
    model.fit(x, y, verbose=0)
