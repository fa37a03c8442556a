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

from mtl_keras.errors import DataError
from mtl_keras.feeding.blocks import (
    BLOCK_BATCHES,
    BLOCK_BYTES,
    Blocks,
    rows_within,
    traced_as_it_is,
)

BUFFER_BYTES = 128 * 2**20
BUFFER_ROWS = 131_072
READERS = 3


@dataclass(frozen=True, eq=False)
class Feed:
    """Encoded training rows, which are read group by group in a new random order each epoch.

    Several groups are open at a time, and their chunks are interleaved. Rows are then drawn at
    random from a buffer. The order of the rows depends only on the seed, the epoch and the step
    (and, with several processes, on their number), so a training that is resumed at any step sees
    the same rows as an uninterrupted one.

    Attributes:
        read: A function of the number of a group and of the first training row to read. It returns
            the chunks of the group's training rows from that row on, in order: nests of arrays `(x,
            y, sample_weight)`.
        rows: Number of training rows of each group.
        like: Any such chunk, which determines the structure, the types and the shapes.
        seed: Integer seed of the order. Default 0.
        buffer_rows: Number of rows in the buffer. Default 131,072, or fewer if they would exceed
            128 MiB.
        batches_per_block: Batches per block. Default 64, or fewer if a block would exceed 32 MiB.
        readers: Number of groups that are open at a time. Default 3.
        failures: Errors that occurred while reading, which TensorFlow reports as its own.

    Example:

    >>> x = np.arange(10.0).reshape(10, 1)
    >>> def read(group, first):
    ...     yield x[first:], {"spend": x[first:, 0]}, {}
    >>> feed = Feed(read, rows=[10], like=next(read(0, 0)))
    >>> feed.total
    10
    """

    read: Callable[[int, int], Iterator[Any]]
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
        """Return endless blocks for `MultiTaskModel.fit`, epoch after epoch.

        With several processes, each reads its own part: in each epoch, the rows of the groups in
        their random order are divided into equal ranges.

        Args:
            batch_size: Rows per batch, of all processes together.
            first_epoch: Number of the first epoch. Default 0.
            first_step: Number of steps of that epoch to skip. `Blocks.steps` is the number of the
                remaining ones, so that the data set ends an epoch there. Default 0.
        """
        batch_size = min(batch_size, self.total)
        steps = -(-self.total // batch_size)
        leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(self.like)]
        fitting = rows_within([tf.constant(leaf[:1]) for leaf in leaves], BLOCK_BYTES, 2**31)
        most = self.batches_per_block or min(BLOCK_BATCHES, fitting // batch_size)
        batches = max(1, min(most, steps))

        def of_process(process: int, processes: int) -> tf.data.Dataset:
            size = -(-batch_size // processes)

            def generate() -> Iterator[tuple[np.ndarray, ...]]:
                epoch, first = first_epoch, first_step
                try:
                    while True:
                        blocks = self._epoch(epoch, process, processes, batches * size)
                        for start in range(0, steps, batches):
                            block = next(blocks)
                            skipped, count = max(0, first - start), min(batches, steps - start)
                            if skipped < count:
                                ruler = np.empty((count - skipped, size, batches, 0), np.int8)
                                yield (*(leaf[skipped * size :] for leaf in block), ruler)
                        epoch, first = epoch + 1, 0
                except Exception as error:
                    self.failures.append(error)
                    raise

            flat = [tf.TensorSpec([None, *leaf.shape[1:]], leaf.dtype) for leaf in leaves]
            signature = (*flat, tf.TensorSpec([None, size, batches, 0], tf.int8))

            @traced_as_it_is
            def packed(*flat: tf.Tensor) -> tuple[Any, ...]:
                return (*keras.tree.pack_sequence_as(self.like, flat[:-1]), flat[-1])

            dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
            return dataset.map(packed).prefetch(2)

        return Blocks(of_process, batch_size, steps - first_step, batches)

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Within the block, raise errors of reading as they are, not as TensorFlow's."""
        self.failures.clear()
        try:
            yield
        except tf.errors.OpError:
            if not self.failures:
                raise
            raise self.failures[0] from None

    def _epoch(
        self, number: int, process: int, processes: int, block_rows: int
    ) -> Iterator[list[np.ndarray]]:
        """Yield the blocks of a process in an epoch, as lists of arrays; the last are smaller."""
        random = np.random.default_rng([self.seed, number])
        order = list(map(int, random.permutation(np.flatnonzero(self.rows))))
        if process:  # otherwise all would draw from the same places in their buffers
            bits = np.random.PCG64([self.seed, number]).jumped(process)
            random = np.random.Generator(bits)
        leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(self.like)]
        size = self.buffer_rows or rows_within(
            [tf.constant(leaf[:1]) for leaf in leaves], BUFFER_BYTES, BUFFER_ROWS
        )
        buffer = _Buffer(leaves, random)
        first, last = (self.total * edge // processes for edge in (process, process + 1))
        chunks = self._interleaved(self._between(order, first, last))
        while True:
            while buffer.rows < size + block_rows and (chunk := next(chunks, None)) is not None:
                buffer.add(chunk)
            yield buffer.take(min(block_rows, buffer.rows))

    def _between(self, order: Sequence[int], first: int, last: int) -> list[tuple[int, int, int]]:
        """Return where rows `first` to `last` are, if all groups are concatenated in some order.

        Returns:
            Groups, each with the number of the first row and that after the last.
        """
        ends = np.cumsum([self.rows[group] for group in order])
        return [
            (group, max(0, first - start), min(last, end) - start)
            for group, end in zip(order, map(int, ends))
            if (start := end - self.rows[group]) < last and end > first
        ]

    def _interleaved(self, parts: Sequence[tuple[int, int, int]]) -> Iterator[list[np.ndarray]]:
        """Yield chunks of several groups in turn; each group's next chunk is read meanwhile."""
        waiting = deque(parts)
        with ThreadPoolExecutor(min(self.readers, max(1, len(waiting)))) as executor:
            turns: deque[tuple[Iterator[list[np.ndarray]], Future[Any]]] = deque()

            def turn(chunks: Iterator[list[np.ndarray]]) -> None:
                turns.append((chunks, executor.submit(next, chunks, None)))

            for _ in range(min(self.readers, len(waiting))):
                turn(self._chunks(*waiting.popleft()))
            while turns:
                chunks, future = turns.popleft()
                chunk = future.result()
                if chunk is not None:
                    turn(chunks)
                    yield chunk
                elif waiting:
                    turn(self._chunks(*waiting.popleft()))

    def _chunks(self, group: int, first: int, last: int) -> Iterator[list[np.ndarray]]:
        """Yield the rows of a group from `first` to `last`, as lists of arrays."""
        left, whole = last - first, last == self.rows[group]
        for chunk in self.read(group, first):
            leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(chunk)]
            yield [leaf[:left] for leaf in leaves]
            left -= len(leaves[0])
            if left <= 0 and not whole:
                return
        if left:  # to the end of a group, its reader itself checks for errors
            raise DataError(
                f"`read({group}, {first})` gave {last - first - left:,} rows. Expected "
                f"{last - first:,}, as `rows` says."
            )


class _Buffer:
    """Rows from which random ones are drawn without replacement."""

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
