"""What the library relies on of Keras without a promise: if one of these fails, Keras changed it.

Each test says in its message what to look for. The functions are in `model/keras_private.py`; for
those of optimizers, see `test_keras_private_optimizers.py`.
"""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.model import keras_private
from tests.model.networks import rows, small

ROOT = Path(mtl.__file__).parent


def test_a_tensor_knows_the_call_that_made_it():
    x, other = keras.Input((3,)), keras.Input((3,))
    layer = keras.layers.Dense(3)
    first, second = layer(x), layer(other)
    node = keras_private.made_by(second)
    what = "`KerasTensor._keras_history` or `Operation._inbound_nodes` is another: which variables"
    assert node is not None and node.operation is layer, f"{what} are shared cannot be read"
    assert [id(t) for t in node.input_tensors] == [id(other)], f"{what} reach an output is wrong"
    assert [id(t) for t in node.outputs] == [id(second)], f"{what} meet own ones is wrong"
    assert keras_private.made_by(first) is not node, "two calls of a layer are taken for one"
    assert keras_private.made_by(x).is_input and not node.is_input, "depths of outputs are wrong"


def test_a_layer_knows_its_calls():
    x = keras.Input((3,))
    layer = keras.layers.Dense(3)
    layer(layer(x))
    calls = keras_private.calls_of(layer)
    assert len(calls) == 2, "`Operation._inbound_nodes` is another: the drawn network lacks arrows"
    assert id(calls[0].input_tensors[0]) == id(x)


def test_a_call_of_a_layer_can_be_made_again():
    x = keras.Input((3,))
    dropout = keras.layers.Dropout(0.5)
    kept = dropout(x, training=False)
    node = keras_private.made_by(dropout(kept, training=True))
    what = "`Node.arguments.fill_in` is another: what a layer stops the gradient of is not seen"
    again = keras_private.called_again(node, node.input_tensors, [tf.ones((4, 3))])
    assert set(np.unique(again)) == {0.0, 2.0}, what


class Seen(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)


def test_the_loops_hand_an_iterator_with_its_element_spec_to_the_train_function():
    model, (x, y) = small(None), rows()
    specs = []
    model.make_train_function()
    inner = model.train_function
    model.train_function = lambda iterator: (
        specs.append(keras_private.element_spec(iterator)) or inner(iterator)
    )
    model.fit(x, y, batch_size=16, verbose=0)
    assert len(specs[0]) == 4, (
        "`fit` no longer calls `model.train_function` with the data set's iterator: blocks of many "
        "batches would be taken for one batch"
    )
    specs.clear()
    model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(16), verbose=0)
    assert len(specs[0]) == 2 and len(specs) == 4, "a data set's batches no longer come one by one"


def test_the_loops_read_steps_per_execution_when_they_start():
    model, (x, y) = small(None), rows()
    seen = Seen()
    model.step.batches_per_block = 8
    model.fit(x, y, batch_size=16, epochs=2, callbacks=[seen], verbose=0)
    assert seen.batches == [7, 7] and model.optimizer.iterations == 8, (
        "`fit` no longer takes one call of the train function for `steps_per_execution` batches: "
        "with blocks, epochs end too late or callbacks see wrong batch numbers"
    )
    assert model.steps_per_execution == 1, "it is not as it was after a `fit`"
    with keras_private.batches_per_call(model, 5):
        assert model.steps_per_execution == 5
    assert model.steps_per_execution == 1


def test_validation_reads_steps_per_execution_after_on_train_begin():
    model, (x, y) = small(None), rows()
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    logs = model.fit(x, y, batch_size=16, verbose=0, validation_data=dataset, validation_steps=1)
    first = model.evaluate(dataset, steps=1, return_dict=True, verbose=0)
    assert np.isclose(logs.history["val_loss"][0], first["loss"]), (
        "with blocks, `validation_steps` counts calls of many batches"
    )


def test_fit_validates_by_evaluate_with_the_data_it_has_made_ready():
    """It passes `_use_cached_eval_dataset`, which our `evaluate` hands on unseen."""
    model, (x, y) = small(None), rows()
    passed = []
    keras_evaluate = keras.Model.evaluate

    def evaluate(self, *args, **kwargs):
        passed.append(kwargs)
        return keras_evaluate(self, *args, **kwargs)

    try:
        keras.Model.evaluate = evaluate
        logs = model.fit(x, y, batch_size=16, validation_data=(x, y), verbose=0).history
    finally:
        keras.Model.evaluate = keras_evaluate
    assert len(passed) == 1 and any(name.startswith("_") for name in passed[0]), (
        "`fit` validates in another way: our `evaluate` need not take further keyword arguments"
    )
    assert np.isfinite(logs["val_loss"]).all()


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's, where it cannot know
def test_the_end_of_the_data_is_an_exception_before_the_step():
    model, (x, y) = small(None, optimizer=keras.optimizers.AdamW(0.01)), rows()
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    unknown = batches.filter(lambda *_: True)
    assert unknown.cardinality() == tf.data.UNKNOWN_CARDINALITY
    model.fit(unknown, epochs=2, verbose=0)
    assert model.optimizer.iterations == 8, (
        "at the end of data of unknown length the optimizer takes a step too many"
    )


def test_keras_says_whether_xla_can_compile_a_model():
    rows = keras.Input((2,))
    model = keras.Model(rows, keras.layers.Dense(1)(rows))
    assert keras_private.supports_jit(model), "`auto` compiles nothing without a GPU any more"
    model.layers[1].supports_jit = False
    assert not keras_private.supports_jit(model), "`auto` compiles layers that XLA cannot compile"


def test_saving_finds_the_balancer_by_its_property(tmp_path):
    model = small("uncertainty")
    for variable in model.balancer.variables:
        variable.assign(variable + 1)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for mine, its in zip(model.balancer.variables, again.balancer.variables, strict=True):
        np.testing.assert_array_equal(
            mine.numpy(),
            its.numpy(),
            "saving no longer walks over `dir(model)`: the balancer's state is not in the file",
        )


def test_what_is_no_keras_object_stays_out_of_the_graph():
    model = small("uncertainty")
    names = [v.path for v in model.variables]
    assert len(names) == 8, (
        f"Keras tracks the plain object that holds the step: its state would be exported: {names}"
    )


def test_no_other_file_uses_a_private_name_of_keras():
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Dense(1)(x))
    model.compile("adam", loss="mse")
    keras_private_names = {
        name
        for thing in (model, model.layers[1], model.optimizer, x, keras_private.made_by(x),
                      keras.metrics.Mean(), keras.losses.MeanSquaredError())
        for name in dir(thing)
        if name.startswith("_") and not name.startswith("__")
    } | {"_use_cached_eval_dataset"}  # fmt: skip
    assert _private_names(Path(keras_private.__file__), keras_private_names)  # the scan sees them
    found = [
        place
        for path in ROOT.rglob("*.py")
        if not path.name.startswith("keras_private")
        for place in _private_names(path, keras_private_names)
    ]
    assert not found, f"Private names of Keras belong into model/keras_private.py: {found}"


def _private_names(path, names) -> list[str]:
    """Where a file uses one of the names, but for those that it defines itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = _defined(tree)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [getattr(node, "module", None), *(alias.name for alias in node.names)]
            private = [m for m in modules if m and m.startswith(("keras.src", "keras._"))]
        elif isinstance(node, ast.Attribute):
            itself = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            private = (
                [node.attr] if node.attr in names and not (itself and node.attr in own) else []
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            private = [node.value] if node.value in names else []
        else:
            continue
        found += [f"{path.relative_to(ROOT)}:{node.lineno} {name}" for name in private]
    return found


def _defined(tree) -> set[str]:
    """Names of functions, and of attributes that are set."""
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    attributes = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return functions | attributes


def test_no_file_reads_an_underscore_member_that_another_file_defines():
    found = []
    for path in ROOT.rglob("*.py"):
        if path.name.startswith("keras_private") or path.name == "mlserver_private.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = _defined(tree) | {"_replace", "_asdict", "_fields", "_exit"}  # public all the same
        found += [
            f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and ast.unparse(node.value) not in ("self", "cls", "super()")
            and node.attr not in own
        ]
    assert not found, f"An underscore says that no other file reads it: {found}"
