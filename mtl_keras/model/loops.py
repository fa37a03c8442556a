"""Calls of Keras's own `fit` and `evaluate` in which arrays run in blocks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import ConfigError
from mtl_keras.feeding.batch_loop import run_batches
from mtl_keras.feeding.blocks import (
    Blocks,
    ExactBatchNumbers,
    Share,
    blocks_of_arrays,
    in_memory,
)
from mtl_keras.model import keras_private, labels, replicas
from mtl_keras.model.monitor import Monitor
from mtl_keras.model.step import Step

BATCH_SIZE = 32  # Keras's default


class Rows(NamedTuple):
    """Inputs, labels and sample weights; or a data set as `x`, without the others."""

    x: Any
    y: Any = None
    sample_weight: Any = None

    def as_arguments(self) -> dict[str, Any]:
        """As arguments of Keras's own `fit` or `evaluate`."""
        weights = labels.weights_of_all(self.sample_weight, self.y)
        return {"x": self.x, "y": self.y, "sample_weight": weights}

    def as_keras(self) -> Any:
        """As the `validation_data` of Keras's own `fit`."""
        return self.x if self.y is None else tuple(self.as_arguments().values())


class Validation(NamedTuple):
    """What to validate on, as given to `fit`: `validation_split`, `validation_data` and so on."""

    split: float
    data: Any
    steps: int | None
    batch_size: int | None

    def held_out(self, train: Rows, tasks: Sequence[str]) -> tuple[Rows, Rows]:
        """The rows to train on, and the rows to validate on."""
        if self.split and self.data is None:
            first, last = labels.split_last(tuple(train), self.split)
            return Rows(*first), Rows(*last)
        if isinstance(self.data, (tuple, list)):
            rows = Rows(*keras.utils.unpack_x_y_sample_weight(tuple(self.data)))
            return train, _checked(rows, tasks)
        return train, Rows(self.data)


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
    step: Step,
    rows: Rows,
    validation: Validation,
    *,
    class_weight: Mapping[str, Mapping[int, float]] | None,
    batch_size: int | None,
    shuffle: bool,
    callbacks: Any,
    steps_per_epoch: int | None,
    **common: Any,
) -> KerasCall:
    """The call of Keras's `fit` that `MultiTaskModel.fit` makes.

    Args:
        model: The model.
        step: Its step.
        rows: The training rows, as passed by the user.
        validation: What to validate on.
        common: Arguments passed on to Keras unchanged: `epochs`, `verbose`, `initial_epoch` and
            `validation_freq`. The others are as in `MultiTaskModel.fit`.
    """
    train = _checked(rows, step.tasks, class_weight)
    train, held_out = validation.held_out(train, step.tasks)
    validation_batch_size = validation.batch_size or batch_size
    callbacks = [Monitor(step), *_as_list(callbacks)]
    arguments = {
        **common,
        "callbacks": callbacks,
        "validation_data": held_out.as_keras(),
        "validation_steps": validation.steps,
    }
    if not _by_blocks(model, train) or steps_per_epoch is not None:
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
    blocks = _blocks(model, train, batch_size, step.batches_per_block, shuffle, seed, first)
    if _by_blocks(model, held_out):
        held_out_blocks = _blocks(model, held_out, validation_batch_size, blocks.batches_per_block)
        arguments["validation_data"] = held_out_blocks.dataset
        arguments["validation_steps"] = held_out_blocks.steps
    arguments |= {
        "x": blocks.dataset,
        "shuffle": False,  # the blocks are shuffled
        "steps_per_epoch": blocks.steps,
        "callbacks": ExactBatchNumbers(
            callbacks,
            steps=blocks.steps,
            add_history=True,
            add_progbar=common["verbose"] != 0,
            verbose=common["verbose"],
            epochs=common["epochs"],
            model=model,
        ),
    }
    return KerasCall(model, arguments, blocks.batches_per_block)


def evaluate_call(
    model: keras.Model,
    step: Step,
    rows: Rows,
    batch_size: int | None,
    steps: int | None,
    **common: Any,
) -> KerasCall:
    """The call of Keras's `evaluate` that `MultiTaskModel.evaluate` makes.

    Args:
        model: The model.
        step: Its step.
        rows: The rows, as passed by the user.
        batch_size: Rows per batch.
        steps: Batches to evaluate on, or None for all.
        common: Arguments passed on to Keras unchanged.
    """
    rows = _checked(rows, step.tasks)
    if not _by_blocks(model, rows) or steps is not None:
        arguments = {**rows.as_arguments(), "batch_size": batch_size, "steps": steps}
        return KerasCall(model, {**common, **arguments})
    blocks = _blocks(model, rows, batch_size, step.batches_per_block)
    arguments = {"x": blocks.dataset, "steps": blocks.steps}
    return KerasCall(model, {**common, **arguments}, blocks.batches_per_block)


def block_function(
    model: keras.Model, step: Step, keras_function: keras_private.BatchFunction, training: bool
) -> keras_private.BatchFunction:
    """A train or test function of a model that accepts blocks as well as batches.

    Args:
        model: The model.
        step: Its step.
        keras_function: The function made by Keras, for batches.
        training: Whether to train on a batch.
    """

    if model.distribute_strategy.num_replicas_in_sync > 1:
        return keras_private.with_blocks(
            model,
            replicas.batch_function(model, training),
            replicas.block_function(model, step, training),
        )

    @tf.function(autograph=False)
    def run_block(iterator: Any) -> dict[str, tf.Tensor]:
        x, y, sample_weight, ruler = iterator.get_next()
        masked = step.mask(y, sample_weight)
        predictions, vectors = run_batches(
            step.train if training else step.test,
            (x, {task: (part.y, part.weight) for task, part in masked.items()}),
            batch_size=ruler.batch.shape[0],
            outputs=step.outputs if step.task_metrics else {},
            sums=step.vector_size(training),
            jit_compile=model.jit_compile,
        )
        step.track(vectors)
        if predictions:  # once per block: most of a metric's cost is per call
            step.task_metrics.update_state(masked, predictions)
        return model.get_metrics_result()

    return keras_private.with_blocks(model, keras_function, run_block)


def build_optimizer(model: keras.Model) -> None:
    """Build the optimizer's variables now; else TensorFlow would trace the whole step twice."""
    if not model.optimizer.built:
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)


def _checked(rows: Rows, tasks: Sequence[str], class_weight: Any = None) -> Rows:
    """Arrays with labels and weights by task, class weights multiplied in; data sets unchanged."""
    if rows.y is not None:
        checked = labels.checked(rows.y, rows.sample_weight, tasks, class_weight)
        return Rows(rows.x, *checked)
    if class_weight is not None:
        raise ConfigError("`class_weight` needs `y` as arrays; put weights into the data set.")
    return rows


def _by_blocks(model: keras.Model, rows: Rows) -> bool:
    """Whether to feed the rows in blocks: for arrays, in a compiled graph."""
    return rows.y is not None and in_memory(rows.x) and not model.run_eagerly


def _blocks(
    model: keras.Model,
    rows: Rows,
    batch_size: int | None,
    batches_per_block: int | None,
    shuffle: bool = False,
    seed: int = 0,
    first_epoch: int = 0,
) -> Blocks:
    def of(share: Share) -> Blocks:
        data = (rows.x, rows.y, rows.sample_weight or {})
        size = batch_size or BATCH_SIZE
        return blocks_of_arrays(data, size, shuffle, seed, first_epoch, batches_per_block, share)

    return replicas.blocks(model, of)


def _as_list(callbacks: Any) -> list[Any]:
    """Callbacks as a list, from any form that Keras accepts."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, (list, tuple)):
        return list(callbacks)
    return [callbacks] if callbacks else []
