"""Every private name of Keras, and every undocumented behaviour of its loops, that is relied on.

They are all here, so that a new version of Keras affects one file only; for each,
`tests/model/test_keras_private.py` says in plain words what broke.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.feeding.blocks import is_block

BatchFunction = Callable[[Any], dict[str, tf.Tensor]]


def made_by(tensor: Any) -> Any:
    """The node (one call of a layer) that made a symbolic tensor; None if no layer made it.

    Keras tells publicly which layers a model has, and the inputs and outputs of a layer that is
    called once. Which *call* made a tensor, from which sharing is determined, is only in
    `KerasTensor._keras_history` and `Operation._inbound_nodes`.

    Args:
        tensor: A `KerasTensor`.

    Returns:
        A node with `operation`, `input_tensors`, `outputs` and `is_input`.
    """
    history = tensor._keras_history
    return None if history.operation is None else history.operation._inbound_nodes[history[1]]


def calls_of(layer: Any) -> list[Any]:
    """The nodes of all calls of a layer, including those in other models (`_inbound_nodes`)."""
    return list(layer._inbound_nodes)


def element_spec(iterator: Any) -> Any:
    """The element spec of what Keras passes to a train or test function; None if it has none.

    In `fit` and `evaluate` that is the data set's own iterator, from which the function may take
    any number of batches; in `train_on_batch`, and when running eagerly, a Python iterator.
    """
    return getattr(iterator, "element_spec", None)


@contextlib.contextmanager
def batches_per_call(model: keras.Model, batches: int) -> Iterator[None]:
    """Within the block, a call of the train or test function counts as `batches` batches to Keras.

    `steps_per_execution` is public as an argument of `compile`. Not documented is that the loops
    read the attribute when they start, and count batches and end epochs by it alone.
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
    """A train or test function that runs a whole block per call if the iterator has blocks.

    `fit` and `evaluate` call `model.train_function` and `model.test_function`, which
    `make_train_function` and `make_test_function` set, with an iterator, and take the logs that
    they return; the end of the data is a `StopIteration` or an `OutOfRangeError`.

    Args:
        model: The model.
        keras_function: The function made by Keras, which runs `steps_per_execution` batches per
            call.
        run_block: A function of an iterator that takes one block from it.
    """

    def function(iterator: Any) -> dict[str, tf.Tensor]:
        if is_block(element_spec(iterator)):
            return run_block(iterator)
        if isinstance(iterator, tf.data.Iterator) and model.steps_per_execution == 1:
            # Fetched before the step: at the end of the data, operations that need no batch (weight
            # decay, the step count) would run once more inside Keras's function.
            iterator = iter([next(iterator)])
        return keras_function(iterator)

    return function


@contextlib.contextmanager
def summed_gradients(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Within the block, an optimizer takes gradients as already summed over the replicas.

    By itself an optimizer sums them in `_all_reduce_sum_gradients`, after each replica has clipped
    its own. Where there is a single replica, TensorFlow keeps the graph of that sum, and with it
    that of the whole step, as long as the process lives.
    """
    summing = getattr(optimizer, "inner_optimizer", optimizer)
    summing.__dict__["_all_reduce_sum_gradients"] = list
    try:
        yield
    finally:
        summing.__dict__.pop("_all_reduce_sum_gradients", None)  # replicas are threads


class BuiltFromOneReplica:
    """Builds a model under a strategy from one replica's batch, and not at all from blocks.

    `fit` and `evaluate` pass their iterator to `_maybe_symbolic_build`, which takes the mean of the
    replicas' batches: of texts, there is none.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        data = getattr(iterator, "_distributed_dataset", None)
        if data is None or is_block(data.element_spec):
            return
        local = tf.distribute.get_strategy().experimental_local_results
        for _, _, batches in iterator:
            data_batch = keras.tree.map_structure(lambda value: local(value)[0], next(batches))
            break
        super()._maybe_symbolic_build(data_batch=data_batch)  # type: ignore[misc]
