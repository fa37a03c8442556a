"""Blocks on several replicas: a call of many batches, in which replicas agree on each step.

Every replica holds a copy of the weights and gets its part of each batch. Sums of losses, and what
a balancer measures, are added up over the replicas before it decides, so that all decide alike and
take the step that one device takes on the whole batch.
"""

import contextlib
import functools
import os
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.eager import context as eager  # has no public name

from mtl_keras.errors import check
from mtl_keras.feeding.batch_loop import graph_of, rows_between
from mtl_keras.feeding.blocks import Blocks, Share
from mtl_keras.model.step import Step


def dataset(model: keras.Model, blocks: Blocks) -> Any:
    """The data set of blocks, divided among a model's replicas.

    Several processes divide the rows first, each then divides its part among its replicas.
    """
    strategy = model.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return blocks.dataset()

    def of_this_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
        processes = context.num_input_pipelines
        share = Share(context.input_pipeline_id, processes, replicas // processes)
        endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        return blocks.dataset(share).apply(endless)  # else all would be asked whether one ends

    return strategy.distribute_datasets_from_function(of_this_process)


def agreed(strategy: tf.distribute.Strategy, number: int) -> int:
    """A number that differs between processes, as the first one has it."""
    if strategy.num_replicas_in_sync == 1:
        return number
    meet()
    return int(strategy.experimental_local_results(_of_first(strategy)(tf.constant(number)))[0])


@functools.cache
def _of_first(strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], Any]:
    """A function of a number that returns the number of the first replica, on each."""

    @tf.function(autograph=False)
    def of_first(number: tf.Tensor) -> Any:
        def mine(number: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            first = tf.equal(context.replica_id_in_sync_group, 0)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.where(first, number, 0))

        return strategy.run(mine, args=(number,))

    return of_first


def meet() -> None:
    """Wait until all processes that train together have come here.

    A process that is killed, or stopped as a whole, is missed by TensorFlow itself. One that hangs
    in its own work, such as a file that never answers, is missed where the others meet it.

    Raises:
        tf.errors.DeadlineExceededError: if one does not come within `patience()` seconds; its
            message names it.
        ConfigError: if `MTL_KERAS_PATIENCE` is no number of seconds.
    """
    if eager.context().coordination_service is not None:  # several processes
        # If one has already ended with an error, the collective operation that follows tells it.
        with contextlib.suppress(tf.errors.FailedPreconditionError):
            eager.context().wait_at_barrier("mtl_keras", int(1000 * patience()))


def patience() -> float:
    """For how many seconds processes that train together wait for one another.

    The environment variable `MTL_KERAS_PATIENCE` says so; without it, they are 600.
    """
    text = os.environ.get("MTL_KERAS_PATIENCE", "600")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    check(1 <= seconds < float("inf"), "MTL_KERAS_PATIENCE", "be seconds, at least 1", text)
    return seconds


def block_function(model: keras.Model, step: Step, training: bool) -> Callable[[Any], Any]:
    """A function that runs all batches of a block on all replicas.

    Args:
        model: The model.
        step: Its step.
        training: Whether to train on a batch.
    """
    strategy = model.distribute_strategy

    def batch(number: tf.Tensor, block: Any) -> None:
        *data, ruler = block
        size = ruler.shape[1]
        step.run(rows_between(tuple(data), number * size, (number + 1) * size), training)

    made: dict[str, Callable[[Any], dict[str, tf.Tensor]]] = {}

    def compiled(element_spec: Any) -> Callable[[Any], dict[str, tf.Tensor]]:
        def run_block(block: Any) -> dict[str, tf.Tensor]:
            batches = tf.shape(strategy.experimental_local_results(block[-1])[0])[0]

            def body(number: tf.Tensor) -> tuple[tf.Tensor]:
                def run() -> tf.Tensor:
                    strategy.run(batch, args=(number, block))
                    return number + 1

                return (step.by_what_is_due(run) if training else run(),)

            tf.while_loop(lambda number: number < batches, body, (0,), parallel_iterations=1)
            return model.get_metrics_result()

        return graph_of(run_block, input_signature=[element_spec])

    def function(iterator: Any) -> dict[str, tf.Tensor]:
        spec = iterator.element_spec
        if repr(spec) not in made:
            made[repr(spec)] = compiled(spec)
        block = next(iterator)
        meet()  # with their rows in hand, processes do not wait for one another's files
        return made[repr(spec)](block)

    return function


def batch_function(model: keras.Model, training: bool) -> Callable[[Any], Any]:
    """A train or test function for data sets: a batch per call, divided among the replicas.

    It stands for the one that Keras makes, whose logs cannot be added up over several processes.

    Args:
        model: The model.
        training: Whether to train on a batch.
    """
    strategy = model.distribute_strategy
    step = model.train_step if training else model.test_step

    def run_one(batch: Any) -> Any:
        def run() -> Any:
            logs = strategy.run(step, args=(batch,))
            local = strategy.experimental_local_results
            return keras.tree.map_structure(lambda value: local(value)[0], logs)

        return model.step.by_what_is_due(run) if training and model.balanced else run()

    run_batch = graph_of(run_one, reduce_retracing=True)

    def function(iterator: Any) -> dict[str, tf.Tensor]:
        for _ in range(model.steps_per_execution):
            # Fetched before the step: see `keras_private.with_blocks`.
            logs = run_batch(next(iterator))
        return logs

    return function
