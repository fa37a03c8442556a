"""Batches from memory, many per call: the fast path of `fit` and `evaluate` on arrays.

On a small network, Keras's `fit` spends most of its time on one Python-to-TensorFlow call and one
slicing of rows per batch. Here the rows are shuffled and gathered in *blocks* of many batches, in
the input pipeline's own threads, and the step function loops over a block's batches inside one
graph. Shuffling by rows, the order of updates and the smaller last batch are the same as in Keras.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import ConfigError, DataError

BLOCK_BYTES = 32 * 2**20
BLOCK_BATCHES = 64

UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False
"""There is nothing to tune, and to delete a tuned iterator often takes .1 to 1 s, once an epoch."""

traced_as_it_is = tf.autograph.experimental.do_not_convert
"""Marks functions without loops or branches on tensors, which AutoGraph need not rewrite."""


class Share(NamedTuple):
    """The process that rows are for, and the replicas that each process feeds.

    Attributes:
        process: Number of the process. Default 0.
        processes: Number of processes. Default 1.
        replicas: Number of replicas of each process. Default 1.
    """

    process: int = 0
    processes: int = 1
    replicas: int = 1


WHOLE = Share()


class Blocks(NamedTuple):
    """Endless blocks of batches, with what `keras.Model.fit` needs to know about them.

    Attributes:
        of_process: A function of the number of a process and the number of processes, which returns
            the data set of the process's part of each batch. It yields `(x, y, sample_weight,
            ruler)`, epoch after epoch: nests of tensors with the process's rows of at most
            `batches_per_block` batches, and an empty tensor. The shape of the latter, `(batches,
            rows, most, 0)`, is the number of batches, of rows per batch, and of batches that a
            block has at most, for XLA, or 0; the last batch may have fewer rows, or none. All but
            the first are known when the graph is built.
        batch_size: Number of rows per batch, over all processes.
        steps: Batches per epoch; the last one may be smaller.
        batches_per_block: Batches per block.

    Example:

    >>> from mtl_keras.feeding import Feed
    >>> x = np.arange(10.0).reshape(10, 1)
    >>> def read(group, first):
    ...     yield x[first:], {"spend": x[first:, 0]}, {}
    >>> feed = Feed(read, rows=[10], like=next(read(0, 0)))
    >>> blocks = feed.blocks(batch_size=4)
    >>> blocks.batch_size, blocks.steps
    (4, 3)
    """

    of_process: Callable[[int, int], tf.data.Dataset]
    batch_size: int
    steps: int
    batches_per_block: int

    def dataset(self, share: Share = WHOLE) -> tf.data.Dataset:
        """Return the blocks of a process, with one for each of its replicas in turn.

        Args:
            share: The process. Default: the only one, with one replica.

        Raises:
            ConfigError: if the batches cannot be divided into equal parts.
        """
        parts = share.processes * share.replicas
        if self.batch_size % parts and self.steps > 1:
            raise ConfigError(
                f"`batch_size` must be a multiple of the {parts} replicas that share each batch. "
                f"Received: {self.batch_size}."
            )
        dataset = self.of_process(share.process, share.processes)
        if share.replicas == 1:
            return dataset.with_options(UNTUNED)

        def part(block: tuple[Any, ...], number: tf.Tensor) -> tuple[Any, ...]:
            *data, ruler = block
            _, size, most, _ = ruler.shape
            rows = tf.range(tf.shape(keras.tree.flatten(data)[0])[0])
            chosen = _part_of_each_batch(rows, size, tf.cast(number, tf.int32), share.replicas)
            own = keras.tree.map_structure(lambda t: tf.gather(t, chosen), data)
            return (*own, ruler_of(tf.shape(ruler)[0], -(-size // share.replicas), most))

        @traced_as_it_is
        def parts_of(*block: Any) -> tf.data.Dataset:
            return tf.data.Dataset.range(share.replicas).map(lambda number: part(block, number))

        return dataset.flat_map(parts_of).prefetch(2).with_options(UNTUNED)


def ruler_of(batches: tf.Tensor, rows: int, most: int) -> tf.Tensor:
    """Return the ruler of a block: see `Blocks`."""
    return tf.zeros(tf.stack([batches, rows, most, 0]), tf.int8)


def in_memory(x: Any) -> bool:
    """Return whether `x` is an array, or a list, tuple or dict of arrays."""
    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(isinstance(leaf, (np.ndarray, tf.Tensor)) for leaf in leaves)


def row_count(data: Any, what: str = "x, y and sample_weight") -> int:
    """Return the common number of rows of all arrays of `data`.

    Raises:
        DataError: if there are no rows, or if their numbers differ.
    """
    counts = {int(leaf.shape[0]) for leaf in keras.tree.flatten(data) if leaf is not None}
    if len(counts) != 1:
        raise DataError(
            f"All arrays of {what} must have the same number of rows. Received: {sorted(counts)}"
        )
    rows = counts.pop()
    if rows == 0:
        raise DataError(f"Expected at least one row in {what}. Received: 0 rows.")
    return rows


def blocks_of_arrays(
    data: Any,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    first_epoch: int = 0,
    batches_per_block: int | None = None,
    for_xla: bool = False,
) -> Blocks:
    """Return blocks of rows gathered from memory.

    The order of the rows is a function of `seed` and the epoch's number alone, so a training that
    resumes at `first_epoch` sees the same rows as an uninterrupted one.

    Args:
        data: `(x, y, sample_weight)`: nests of arrays with equal numbers of rows; None allowed.
        batch_size: Rows per batch.
        shuffle: Whether to shuffle all rows before each epoch.
        seed: Integer seed of the shuffling.
        first_epoch: Number of the first epoch that the data set yields.
        batches_per_block: Batches per block; None for 64, or fewer if a block would exceed 32 MiB.
        for_xla: Whether the blocks say how many batches a block has at most, whatever the number of
            rows, so that XLA compiles once for all.
    """
    rows = row_count(data)
    batch_size = min(batch_size, rows)
    tensors = keras.tree.lists_to_tuples(  # `tf.data` would make a list one tensor
        keras.tree.map_structure(
            lambda leaf: None if leaf is None else tf.convert_to_tensor(leaf), data
        )
    )
    steps = -(-rows // batch_size)
    by_memory = rows_within(tensors, BLOCK_BYTES, BLOCK_BATCHES * batch_size)
    most = batches_per_block or max(1, by_memory // batch_size)
    batches_per_block = batches_per_block or min(most, steps)
    block_rows = batches_per_block * batch_size

    def epoch(number: tf.Tensor, process: int, processes: int) -> tf.data.Dataset:
        order = tf.range(rows)
        if shuffle:
            order = tf.random.experimental.stateless_shuffle(
                order, seed=tf.stack([tf.constant(seed, tf.int64), number])
            )

        def block(start: tf.Tensor) -> tuple[Any, ...]:
            chosen = order[start : start + block_rows]
            batches = -(-tf.size(chosen) // batch_size)
            if processes > 1:
                chosen = _part_of_each_batch(chosen, batch_size, process, processes)
            gathered = keras.tree.map_structure(
                lambda t: None if t is None else tf.gather(t, chosen), tensors
            )
            return (
                *gathered,
                ruler_of(batches, -(-batch_size // processes), most if for_xla else 0),
            )

        return tf.data.Dataset.range(0, rows, block_rows).map(block)

    def of_process(process: int, processes: int) -> tf.data.Dataset:
        epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)  # `counter` would not be freed
        of_epoch = traced_as_it_is(lambda number: epoch(number, process, processes))
        return epochs.flat_map(of_epoch).prefetch(2)

    return Blocks(of_process, batch_size, steps, batches_per_block)


def _part_of_each_batch(
    rows: tf.Tensor, batch_size: int, number: int | tf.Tensor, parts: int
) -> tf.Tensor:
    """Return one part's rows of each batch; a smaller last batch is divided evenly."""
    size = batch_size // parts
    full = tf.size(rows) // batch_size if size * parts == batch_size else 0
    batches = tf.reshape(rows[: full * batch_size], [full, batch_size])
    of_full = batches[:, number * size : (number + 1) * size]
    rest = rows[full * batch_size :]
    first, after = (tf.size(rest) * edge // parts for edge in (number, number + 1))
    return tf.concat([tf.reshape(of_full, [-1]), rest[first:after]], axis=0)


def is_block(element_spec: Any) -> bool:
    """Return whether an iterator with this element spec yields blocks."""
    return isinstance(element_spec, tuple) and len(element_spec) == 4


def rows_within(tensors: Any, size: int, most: int) -> int:
    """Return how many rows of all tensors fit into `size` bytes: at least 1, at most `most`."""
    row = sum(
        int(np.prod(t.shape[1:], dtype=np.int64)) * t.dtype.size
        for t in keras.tree.flatten(tensors)
        if t is not None
    )
    return int(min(max(1, size // max(1, row)), most))


class BlockProgress(keras.callbacks.ProgbarLogger):
    """A progress bar that ends where the epoch ends.

    Keras numbers the batches of its last, incomplete execution as if it were complete, so that its
    own bar would show more steps than there are.
    """

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        super().on_train_batch_end(min(batch, self.target - 1), logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        super().on_test_batch_end(min(batch, self.target - 1), logs)
