"""Every private name of Keras, and every habit of its loops, that the library relies on.

Nothing of the kind stands anywhere else, so that a new version of Keras is a matter of one file;
`tests/model/test_keras_private.py` says of each in plain words what broke.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.feeding.blocks import is_block

BatchFunction = Callable[[Any], dict[str, tf.Tensor]]


def made_by(tensor: Any) -> Any:
    """The node (one call of a layer) that made a symbolic tensor; None for one that none made.

    Keras tells which layers a model has, and a layer's own inputs and outputs where it is called
    once. Which *call* made a tensor, which is what "shared" is read from, stands in
    `KerasTensor._keras_history` and `Operation._inbound_nodes` alone.

    Args:
        tensor: A `KerasTensor`.

    Returns:
        A node with `operation`, `input_tensors`, `outputs` and `is_input`.
    """
    history = tensor._keras_history
    return None if history.operation is None else history.operation._inbound_nodes[history[1]]


def calls_of(layer: Any) -> list[Any]:
    """The nodes of all calls of a layer, those in other models too (`_inbound_nodes`)."""
    return list(layer._inbound_nodes)


def element_spec(iterator: Any) -> Any:
    """The element spec of what Keras hands to a train or test function; None where it has none.

    In `fit` and `evaluate` that is the data set's own iterator, from which the function takes as
    many batches as it likes; in `train_on_batch`, and when running eagerly, a Python iterator.
    """
    return getattr(iterator, "element_spec", None)


@contextlib.contextmanager
def batches_per_call(model: keras.Model, batches: int) -> Iterator[None]:
    """Within, Keras's loops take one call of the train or test function for so many batches.

    `steps_per_execution` is public as an argument of `compile`. That the loops read the attribute
    when they start, and count batches and end epochs by it alone, is a habit of theirs.
    """
    before = model.steps_per_execution
    model.steps_per_execution = batches
    try:
        yield
    finally:
        model.steps_per_execution = before


def with_blocks(
    model: keras.Model, keras_function: BatchFunction, run_block: BatchFunction
) -> BatchFunction:
    """A train or test function that runs a whole block at once where the iterator has blocks.

    `fit` and `evaluate` call `model.train_function` and `model.test_function`, which
    `make_train_function` and `make_test_function` set, with an iterator, and take the logs that
    they return; the end of the data is a `StopIteration` or an `OutOfRangeError`.

    Args:
        model: The model.
        keras_function: The function that Keras made: `steps_per_execution` batches to a call.
        run_block: A function of an iterator that takes one block from it.
    """

    def function(iterator: Any) -> dict[str, tf.Tensor]:
        if is_block(element_spec(iterator)):
            return run_block(iterator)
        if isinstance(iterator, tf.data.Iterator) and model.steps_per_execution == 1:
            # Fetched before the step: at the end of the data, what does not need them (weight
            # decay, the step count) would run once more inside Keras's function.
            iterator = iter([next(iterator)])
        return keras_function(iterator)

    return function
