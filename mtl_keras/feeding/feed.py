"""Blocks of rows that are read while the network trains: for data larger than memory."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.feeding.blocks import BLOCK_BATCHES, BLOCK_BYTES, Blocks, rows_within

BUFFER_BYTES = 128 * 2**20
BUFFER_ROWS = 131_072
READERS = 3


@dataclass(frozen=True, eq=False)
class Feed:
    """Encoded training rows, read group by group in a new random order each epoch.

    Several groups are open at a time, and their chunks take turns; a buffer, from which rows are
    drawn at random, mixes them further. The order of the rows is a function of the seed, the epoch
    and the step alone, so a training that is resumed at any step sees the rows that an
    uninterrupted one sees.

    Attributes:
        read: From the number of a group, the chunks of its training rows, in order: nests of
            arrays `(x, y, sample_weight)`.
        rows: Number of training rows of each group.
        like: Any such chunk, for the structure, the types and the shapes.
        seed: Integer seed of the order. Default 0.
        buffer_rows: Rows of the buffer. Default 131,072, or fewer if they would exceed 128 MiB.
        batches_per_block: Batches per block. Default 64, or fewer if a block would exceed 32 MiB.
        readers: Groups that are open at a time. Default 3.
        failures: The errors of reading, which TensorFlow reports as its own.
    """

    read: Callable[[int], Iterator[Any]]
    rows: Sequence[int]
    like: Any
    seed: int = 0
    buffer_rows: int | None = None
    batches_per_block: int | None = None
    readers: int = READERS
    failures: list[Exception] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of training rows."""
        return int(sum(self.rows))

    def blocks(self, batch_size: int, first_epoch: int = 0, first_step: int = 0) -> Blocks:
        """Blocks for `MultiTaskModel.fit`, endless, in the order of the epochs.

        Args:
            batch_size: Rows per batch.
            first_epoch: Number of the first epoch. Default 0.
            first_step: Steps of it to leave out; `Blocks.steps` is the number of those that are
                left, so that the data set ends an epoch there. Default 0.
        """
        batch_size = min(batch_size, self.total)
        steps = -(-self.total // batch_size)
        leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(self.like)]
        fitting = rows_within([tf.constant(leaf[:1]) for leaf in leaves], BLOCK_BYTES, 2**31)
        most = self.batches_per_block or min(BLOCK_BATCHES, fitting // batch_size)
        batches = max(1, min(most, steps))

        def generate() -> Iterator[tuple[np.ndarray, ...]]:
            epoch, skipped = first_epoch, first_step * batch_size
            try:
                while True:
                    for block in self._epoch(epoch, batches * batch_size):
                        if skipped < len(block[0]):
                            yield tuple(leaf[skipped:] for leaf in block)
                        skipped = max(0, skipped - len(block[0]))
                    epoch, skipped = epoch + 1, 0
            except Exception as error:
                self.failures.append(error)
                raise

        signature = tuple(tf.TensorSpec([None, *leaf.shape[1:]], leaf.dtype) for leaf in leaves)

        def packed(*flat: tf.Tensor) -> tuple[Any, ...]:
            nest = keras.tree.pack_sequence_as(self.like, flat)
            return (*nest, tf.zeros([batch_size], tf.int8))

        dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
        return Blocks(dataset.map(packed).prefetch(2), steps - first_step, batches)

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Within the block, an error of reading is raised as it is, not as TensorFlow's."""
        self.failures.clear()
        try:
            yield
        except tf.errors.OpError:
            if not self.failures:
                raise
            raise self.failures[0] from None

    def _epoch(self, number: int, block_rows: int) -> Iterator[list[np.ndarray]]:
        """The blocks of an epoch, as lists of arrays; the last one may be smaller."""
        random = np.random.default_rng([self.seed, number])
        order = list(map(int, random.permutation(np.flatnonzero(self.rows))))
        leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(self.like)]
        size = self.buffer_rows or rows_within(
            [tf.constant(leaf[:1]) for leaf in leaves], BUFFER_BYTES, BUFFER_ROWS
        )
        buffer = _Buffer(leaves, random)
        for chunk in self._interleaved(order):
            buffer.add([np.asarray(leaf) for leaf in keras.tree.flatten(chunk)])
            while buffer.rows >= size + block_rows:
                yield buffer.take(block_rows)
        while buffer.rows:
            yield buffer.take(min(block_rows, buffer.rows))

    def _interleaved(self, order: Sequence[int]) -> Iterator[Any]:
        """The chunks of several groups in turns; each group's next chunk is made meanwhile."""
        waiting = deque(order)
        with ThreadPoolExecutor(min(self.readers, max(1, len(waiting)))) as executor:
            turns: deque[tuple[Iterator[Any], Future[Any]]] = deque()

            def turn(chunks: Iterator[Any]) -> None:
                turns.append((chunks, executor.submit(next, chunks, None)))

            for _ in range(min(self.readers, len(waiting))):
                turn(self.read(waiting.popleft()))
            while turns:
                chunks, future = turns.popleft()
                chunk = future.result()
                if chunk is not None:
                    turn(chunks)
                    yield chunk
                elif waiting:
                    turn(self.read(waiting.popleft()))


class _Buffer:
    """Rows of which some are drawn at random, without replacement."""

    def __init__(self, like: Sequence[np.ndarray], random: np.random.Generator) -> None:
        self.leaves = [np.empty((0, *leaf.shape[1:]), leaf.dtype) for leaf in like]
        self.random, self.rows = random, 0

    def add(self, leaves: Sequence[np.ndarray]) -> None:
        """Add a chunk."""
        more = self.rows + len(leaves[0])
        if more > len(self.leaves[0]):
            room = [np.empty((more, *leaf.shape[1:]), leaf.dtype) for leaf in self.leaves]
            for old, new in zip(self.leaves, room):
                new[: self.rows] = old[: self.rows]
            self.leaves = room
        for own, leaf in zip(self.leaves, leaves):
            own[self.rows : more] = leaf
        self.rows = more

    def take(self, count: int) -> list[np.ndarray]:
        """Draw rows; the last ones of the buffer move into the gaps."""
        drawn = self.random.permutation(self.rows)[:count]
        kept = self.rows - count
        behind = np.ones(count, bool)
        behind[drawn[drawn >= kept] - kept] = False
        gaps, movers = drawn[drawn < kept], kept + np.flatnonzero(behind)
        taken = [leaf.take(drawn, axis=0) for leaf in self.leaves]
        for leaf in self.leaves:
            leaf[gaps] = leaf[movers]
        self.rows = kept
        return taken
