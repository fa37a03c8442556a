"""Calls of Keras's own `fit` and `evaluate` in which arrays run in blocks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import ConfigError
from mtl_keras.feeding.batch_loop import graph_of, run_batches
from mtl_keras.feeding.blocks import BlockProgress, Blocks, blocks_of_arrays, in_memory, row_count
from mtl_keras.model import keras_private, replicas, step_choice, xla
from mtl_keras.model.monitor import Monitor
from mtl_keras.model.rows import BATCH_SIZE, Rows, Validation, checked
from mtl_keras.model.step import Step
from mtl_keras.model.task_loss import Masked

BLOCKS_ALONE = (
    "`Blocks` are run as they are, in a compiled graph. Leave out `steps_per_epoch`, `steps` and "
    "`run_eagerly`."
)


class KerasCall(NamedTuple):
    """A call of Keras's own `fit` or `evaluate` for a model.

    Attributes:
        model: The model.
        arguments: Arguments of the call, by name.
        batches: Batches per call of the train or test function; None for the number set in
            `compile`.
    """

    model: keras.Model
    arguments: dict[str, Any]
    batches: int | None = None

    def run(self, method: Callable[..., Any]) -> Any:
        """Call Keras's method."""
        batches = self.batches or self.model.steps_per_execution
        with keras_private.batches_per_call(self.model, batches):
            return method(**self.arguments)


def fit_call(
    model: keras.Model,
    rows: Rows,
    validation: Validation,
    *,
    class_weight: Mapping[Any, Any] | None,
    batch_size: int | None,
    shuffle: bool,
    callbacks: Any,
    steps_per_epoch: int | None,
    **common: Any,
) -> KerasCall:
    """The call of Keras's `fit` that `MultiTaskModel.fit` makes.

    Args:
        model: The model.
        rows: The training rows, as passed by the user.
        validation: What to validate on.
        common: Arguments passed on to Keras unchanged: `epochs`, `verbose`, `initial_epoch` and
            `validation_freq`. The others are as in `MultiTaskModel.fit`.
    """
    if not model.balanced or step_choice.own_step(model, training=True):
        return KerasCall(
            model,
            {
                **common,
                **rows._asdict(),
                "class_weight": class_weight,
                "batch_size": batch_size,
                "shuffle": shuffle,
                "steps_per_epoch": steps_per_epoch,
                "callbacks": _with_monitor(model, _as_list(callbacks)),
                "validation_split": validation.split,
                "validation_data": validation.data,
                "validation_steps": validation.steps,
                "validation_batch_size": validation.batch_size,
            },
        )
    step, callbacks = model.step, _as_list(callbacks)
    step.check_variables()
    train, held_out = validation.held_out(checked(rows, step)[0])
    if class_weight is not None:  # of training rows alone
        train, class_weight = checked(train, step, class_weight)
    if not step_choice.own_step(model, training=False):
        held_out, _ = checked(held_out, step)
    validation_batch_size = validation.batch_size or batch_size
    arguments = {
        **common,
        "class_weight": class_weight,
        "callbacks": _with_monitor(model, callbacks),
        "validation_data": held_out.as_keras(),
        "validation_steps": validation.steps,
    }
    if not _by_blocks(model, train, training=True) or steps_per_epoch is not None:
        if isinstance(train.x, Blocks):
            raise ConfigError(BLOCKS_ALONE)
        arguments |= {
            **train.as_arguments(),
            "batch_size": batch_size,
            "shuffle": shuffle and train.y is not None,  # a data set has its own order
            "steps_per_epoch": steps_per_epoch,
            "validation_batch_size": validation_batch_size,
        }
        return KerasCall(model, arguments)
    seed = replicas.agreed(model.distribute_strategy, np.random.randint(2**31)) if shuffle else 0
    first = common["initial_epoch"]
    per_block = _batches_per_block(step, callbacks, common["verbose"])
    if isinstance(train.x, Blocks):
        size, steps = train.x.batch_size, train.x.steps
    else:
        size = batch_size or BATCH_SIZE
        steps = -(-row_count(train.x) // size)
    xla.decide(model, size, common["epochs"], steps, possible=per_block is None)
    for_xla = model.jit_compile or model.xla_pays
    blocks = _blocks(train, batch_size, per_block, for_xla, shuffle, seed, first)
    if _by_blocks(model, held_out, training=False):
        held_out = held_out.first(validation.steps, validation_batch_size)
        held_out_blocks = _blocks(
            held_out, validation_batch_size, blocks.batches_per_block, model.jit_compile
        )
        arguments["validation_data"] = replicas.dataset(model, held_out_blocks)
        arguments["validation_steps"] = held_out_blocks.steps
    else:
        arguments["validation_batch_size"] = validation_batch_size
        by_batches = keras_private.OtherBatchesPerCall(batches_per_call(model))
        arguments["callbacks"] = [by_batches, *arguments["callbacks"]]
    arguments |= {
        "x": replicas.dataset(model, blocks),
        "shuffle": False,  # the blocks are shuffled
        "steps_per_epoch": blocks.steps,
    }
    if common["verbose"] != 0:
        arguments["callbacks"] = [BlockProgress(), *arguments["callbacks"]]
    return KerasCall(model, arguments, blocks.batches_per_block)


def evaluate_call(
    model: keras.Model,
    rows: Rows,
    batch_size: int | None,
    steps: int | None,
    **common: Any,
) -> KerasCall:
    """The call of Keras's `evaluate` that `MultiTaskModel.evaluate` makes.

    Args:
        model: The model.
        rows: The rows, as passed by the user.
        batch_size: Rows per batch.
        steps: Batches to evaluate on, or None for all.
        common: Arguments passed on to Keras unchanged.
    """
    plain = not model.balanced or step_choice.own_step(model, training=False)
    if not plain:
        rows, _ = checked(rows, model.step)
    if plain or not _by_blocks(model, rows, training=False):
        arguments = rows._asdict() if plain else rows.as_arguments()
        arguments |= {**common, "batch_size": batch_size, "steps": steps}
        return KerasCall(model, arguments, batches_per_call(model))
    rows = rows.first(steps, batch_size)
    within_fit = isinstance(common["callbacks"], keras.callbacks.CallbackList)
    callbacks = _as_list(common["callbacks"])
    per_block = _batches_per_block(model.step, callbacks, 0)
    blocks = _blocks(rows, batch_size, per_block, model.jit_compile)
    if common["verbose"] != 0 and not within_fit:
        common["callbacks"] = [BlockProgress(), *callbacks]
    arguments = {"x": replicas.dataset(model, blocks), "steps": blocks.steps}
    return KerasCall(model, {**common, **arguments}, blocks.batches_per_block)


def batches_per_call(model: keras.Model) -> int:
    """Batches per call of a data set, also while `fit` runs on blocks: as `compile` says."""
    if not model.balanced:
        return int(model.steps_per_execution)
    return model.step.batches_per_block or 1


def block_function(
    model: keras.Model, keras_function: keras_private.BatchFunction, training: bool
) -> keras_private.BatchFunction:
    """A train or test function of a model that accepts blocks as well as batches.

    Args:
        model: The model.
        keras_function: The function made by Keras, for batches.
        training: Whether to train on a batch.
    """
    several = model.distribute_strategy.num_replicas_in_sync > 1
    if several and not model.run_eagerly:
        keras_function = replicas.batch_function(model, training)
    if not model.balanced or step_choice.own_step(model, training):
        return keras_function
    run_block = (replicas.block_function if several else on_one_device)(model, model.step, training)
    batches = model.step.batches_per_block or 1
    return keras_private.with_blocks(model, keras_function, run_block, batches)


def on_one_device(model: keras.Model, step: Step, training: bool) -> keras_private.BatchFunction:
    """A function that runs all batches of a block."""

    def run_batch(x: Any, masked: Mapping[str, Masked]) -> Any:
        predictions, vector = (step.train if training else step.test)(x, masked)
        step.task_metrics.add(masked, predictions, by_batch=True)
        return predictions, vector

    def run_block(iterator: Any) -> dict[str, tf.Tensor]:
        x, y, sample_weight, ruler = iterator.get_next()
        _, batch_size, most, _ = ruler.shape
        masked = step.mask(y, sample_weight)
        predictions, vectors = run_batches(
            run_batch,
            (x, masked),
            batch_size=batch_size,
            outputs=step.outputs if step.task_metrics.by_block else {},
            sums=step.vector_size(training),
            jit_compile=model.jit_compile or (training and model.xla_pays),
            most=most,
        )
        step.track(vectors)
        if predictions:  # once per block: most of a metric's cost is per call
            step.task_metrics.add(masked, predictions, by_batch=False)
        return model.get_metrics_result()

    return graph_of(run_block)


def build_optimizer(model: keras.Model) -> None:
    """Build the optimizer's variables now; else TensorFlow would trace the whole step twice."""
    if model.optimizer is not None and model.built and not model.optimizer.built:
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)


def _by_blocks(model: keras.Model, rows: Rows, training: bool) -> bool:
    """Whether to feed in blocks: arrays, or `Blocks`, in a compiled graph."""
    possible = not model.run_eagerly and not step_choice.own_step(model, training)
    if isinstance(rows.x, Blocks):
        if not possible:
            raise ConfigError(BLOCKS_ALONE)
        return True
    return possible and rows.y is not None and in_memory(rows.x)


def _batches_per_block(step: Step, callbacks: Sequence[Any], verbose: Any) -> int | None:
    """Batches per compiled call: one if a callback acts on batches, unless `compile` says more."""
    if step.batches_per_block is not None:
        return step.batches_per_block
    acting = step_choice.acting_on_batches(callbacks)
    if not acting:
        return None
    if verbose != 0 and not step.told_of_slow_callbacks:
        step.told_of_slow_callbacks = True
        print(
            f"{' and '.join(acting)} acts on each batch, so that one batch runs per call: up to 3 "
            "times slower for a small network. `compile(steps_per_execution=...)` calls it less "
            "often."
        )
    return 1


def _with_monitor(model: keras.Model, callbacks: list[Any]) -> list[Any]:
    """The callbacks, after the one that every training of the model's own step has."""
    if not model.balanced:
        return callbacks
    stops = any(isinstance(callback, keras.callbacks.TerminateOnNaN) for callback in callbacks)
    return [Monitor(model.step, raises=not stops), *callbacks]


def _blocks(
    rows: Rows,
    batch_size: int | None,
    batches_per_block: int | None,
    for_xla: bool,
    shuffle: bool = False,
    seed: int = 0,
    first_epoch: int = 0,
) -> Blocks:
    if isinstance(rows.x, Blocks):
        return rows.x
    data = (rows.x, rows.y, rows.sample_weight or {})
    size = batch_size or BATCH_SIZE
    return blocks_of_arrays(data, size, shuffle, seed, first_epoch, batches_per_block, for_xla)


def _as_list(callbacks: Any) -> list[Any]:
    """Callbacks as a list, from any form that Keras accepts."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, (list, tuple)):
        return list(callbacks)
    return [callbacks] if callbacks else []
