"""Every private name of Keras, and every undocumented behaviour of its loops, that is relied on.

They are all here (those of its optimizers in `keras_private_optimizers.py`), so that a new version
of Keras affects no other file; for each, `tests/model/test_keras_private.py` says in plain words
what broke.
"""

import contextlib
import itertools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.src.models.functional import Functional
from keras.src.models.model import functional_init_arguments
from keras.src.trainers.compile_utils import CompileMetrics
from keras.src.trainers.trainer import model_supports_jit
from keras.src.utils.tracking import DotNotTrackScope

from mtl_keras.feeding.blocks import is_block

# `CompileMetrics` is what `evaluate` flattens into a list, in the order of its metrics; of
# `Functional`, which is what `keras.Model(inputs, outputs)` makes, only the name is private.
__all__ = ["CompileMetrics", "Functional"]

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


def called_again(node: Any, tensors: Sequence[Any], values: Sequence[Any]) -> Any:
    """A call of a layer with other inputs, and what it returns.

    Nothing is kept of the call: neither updates of variables nor added losses.

    Args:
        node: The call, from `made_by`.
        tensors: The symbolic tensors that it reads.
        values: A tensor in place of each.
    """
    arguments, options = arguments_with(node, tensors, values)
    with keras.StatelessScope():
        return node.operation(*arguments, **options)


def arguments_with(
    node: Any, tensors: Sequence[Any], values: Sequence[Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call with other tensors in place of its inputs (`Node.arguments.fill_in`).

    Args:
        node: The call, from `made_by`.
        tensors: The symbolic tensors that it reads.
        values: A tensor in place of each.
    """
    return node.arguments.fill_in({id(t): value for t, value in zip(tensors, values)})


def calls_of(layer: Any) -> list[Any]:
    """The nodes of all calls of a layer, including those in other models (`_inbound_nodes`)."""
    return list(layer._inbound_nodes)


def is_functional_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a model is made of these arguments by the Functional API: inputs and outputs.

    `functional_init_arguments` of `keras.src.models.model` is the rule of `keras.Model`.
    """
    return functional_init_arguments(args, kwargs)


def make_functional(cls: type, base: type, functional: type) -> None:
    """Put `functional` in the place of `base` among the base classes of `cls`.

    Keras's `inject_functional_model_class` does so with `keras.Model` itself, when a subclass first
    calls `super().__init__(inputs, outputs)`. It would change our class, too, for all subclasses.
    """
    bases = [functional if parent is base else parent for parent in cls.__bases__]
    for parent in bases:
        if parent is not functional and issubclass(parent, base):
            make_functional(parent, base, functional)
    cls.__bases__ = tuple(bases)


def mask_of(tensor: Any) -> Any:
    """The mask that layers such as `Embedding(mask_zero=True)` attach to a tensor; else None."""
    return getattr(tensor, "_keras_mask", None)


def set_trackers(model: keras.Model, loss: Any, metrics: Any, by_output: list[Any]) -> None:
    """Make a compiled model log with these trackers instead of those of Keras.

    `Trainer.compile` makes `_loss_tracker`, `_compile_metrics` and `_compile_loss`, which its own
    `train_step`, `compute_metrics` and `metrics` use; the latter for its `metrics` alone where
    `compute_loss` is overridden.

    Args:
        model: The model.
        loss: Tracker of the loss.
        metrics: Tracker of the metrics; None if there are none.
        by_output: Trackers of the losses of single outputs.
    """
    with DotNotTrackScope():
        model._loss_tracker, model._compile_metrics = loss, metrics
        model._compile_loss = types.SimpleNamespace(built=True, metrics=by_output)


def supports_jit(model: keras.Model) -> bool:
    """Whether XLA can compile a model: `"auto"` asks `model_supports_jit` where there is a GPU.

    The layers must support it, and deterministic operations not be asked for.
    """
    return bool(model_supports_jit(model))


def profiles_batches(callback: keras.callbacks.TensorBoard) -> bool:
    """Whether a TensorBoard callback profiles some batches, by number."""
    return bool(callback._should_trace or callback._start_batch or callback._stop_batch)


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


class OtherBatchesPerCall(keras.callbacks.Callback):
    """Changes `batches_per_call` once `fit` has begun, for everything but its training.

    `fit` reads the number for its training before the callbacks hear of it, and for its validation
    after that. With the number of a block, a validation of `validation_steps=2` batches would run
    all batches of its first call.

    Args:
        batches: Batches per call.
    """

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.batches = batches

    def on_train_begin(self, logs: Any = None) -> None:
        self.model.steps_per_execution = self.batches


def with_blocks(
    model: keras.Model, keras_function: BatchFunction, run_block: BatchFunction, batches: int
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
        batches: The `steps_per_execution` that `keras_function` was made with.
    """

    def function(iterator: Any) -> dict[str, tf.Tensor]:
        if is_block(element_spec(iterator)):
            return run_block(iterator)
        now = model.steps_per_execution
        if isinstance(iterator, tf.data.Iterator) and (now == 1 or now != batches):
            # Fetched before the step: at the end of the data, operations that need no batch (weight
            # decay, the step count) would run once more inside Keras's function. Of a Python
            # iterator it takes as many batches as are asked for now.
            iterator = itertools.chain([next(iterator)], iterator)
        return keras_function(iterator)

    return function


class BuiltFromOneReplica:
    """Builds a model under a strategy from one replica's batch, and not at all from blocks.

    `fit` and `evaluate` pass their iterator to `_maybe_symbolic_build`, which takes the mean of the
    replicas' batches: of texts, there is none.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        strategy = self.distribute_strategy  # type: ignore[attr-defined]
        if strategy.num_replicas_in_sync > 1 and iterator is not None:
            if is_block(iterator._distributed_dataset.element_spec):
                return
            local = strategy.experimental_local_results
            for _, _, batches in iterator:
                data_batch = keras.tree.map_structure(lambda value: local(value)[0], next(batches))
                break
            iterator = None
        super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)  # type: ignore[misc]
