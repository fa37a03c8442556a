"""Blocks on several replicas: a call of many batches, in which replicas agree on each step.

Every replica holds a copy of the weights and gets its part of each batch. Sums of losses, and what
a balancer measures, are added up over the replicas before it decides, so that all decide alike and
take the step that one device takes on the whole batch.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.feeding.batch_loop import rows_between
from mtl_keras.feeding.blocks import Blocks, Share
from mtl_keras.model.step import Step


def divided(model: keras.Model, blocks: Blocks) -> Blocks:
    """Blocks, divided among a model's replicas."""
    strategy = model.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return blocks

    def of_this_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
        here = replicas // context.num_input_pipelines
        return blocks.divided(Share(context.input_pipeline_id * here, here, replicas)).dataset

    return blocks._replace(dataset=strategy.distribute_datasets_from_function(of_this_process))


def agreed(strategy: tf.distribute.Strategy, number: int) -> int:
    """A number that differs between processes, as the first one has it."""
    if strategy.num_replicas_in_sync == 1:
        return number

    @tf.function(autograph=False)
    def of_first() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        mine = tf.where(tf.equal(context.replica_id_in_sync_group, 0), number, 0)
        return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

    return int(strategy.experimental_local_results(strategy.run(of_first))[0])


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
        rows = rows_between(tuple(data), number * ruler.size, (number + 1) * ruler.size)
        step.run(rows, training)

    @tf.function(autograph=False)
    def run_block(iterator: Any) -> dict[str, tf.Tensor]:
        block = next(iterator)
        batches = strategy.experimental_local_results(block[-1].batches)[0]

        def body(number: tf.Tensor) -> tuple[tf.Tensor]:
            def run() -> tf.Tensor:
                strategy.run(batch, args=(number, block))
                return number + 1

            return (step.by_what_is_due(run) if training else run(),)

        tf.while_loop(lambda number: number < batches, body, (0,), parallel_iterations=1)
        return model.get_metrics_result()

    return run_block


def batch_function(model: keras.Model, training: bool) -> Callable[[Any], Any]:
    """A train or test function for data sets: a batch per call, divided among the replicas.

    It stands for the one that Keras makes, whose logs cannot be added up over several processes.

    Args:
        model: The model.
        training: Whether to train on a batch.
    """
    strategy = model.distribute_strategy
    step = model.train_step if training else model.test_step

    @tf.function(autograph=False, reduce_retracing=True)
    def run_batch(batch: Any) -> Any:
        def run() -> Any:
            logs = strategy.run(step, args=(batch,))
            local = strategy.experimental_local_results
            return keras.tree.map_structure(lambda value: local(value)[0], logs)

        return model.step.by_what_is_due(run) if training and model.balanced else run()

    def function(iterator: Any) -> dict[str, tf.Tensor]:
        for _ in range(model.steps_per_execution):
            # Fetched before the step: see `keras_private.with_blocks`.
            logs = run_batch(next(iterator))
        return logs

    return function
