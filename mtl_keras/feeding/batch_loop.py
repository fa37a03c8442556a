"""A loop over the batches of a block, inside one graph."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

RunBatch = Callable[..., tuple[dict[str, tf.Tensor], tf.Tensor]]


def graph_of(function: Callable[..., Any], **options: Any) -> Any:
    """Return a `tf.function` whose tracings TensorFlow counts apart from those of other networks.

    It warns of a function that is traced in most of its calls, and counts them by the function's
    code. In a comparison or a search, many networks share this, and are each traced and then called
    a few times. A partial function counts as itself.

    Args:
        function: The function.
        options: Further arguments of `tf.function`.
    """
    return tf.function(functools.partial(function), autograph=False, **options)


def run_batches(
    run_batch: RunBatch,
    data: tuple[Any, ...],
    batch_size: int,
    outputs: Mapping[str, Any],
    sums: int,
    jit_compile: bool = False,
    most: int = 0,
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Run a function on each batch of some rows; the last batch may be smaller.

    Args:
        run_batch: A function, called as `run_batch(*data)` on one batch, that returns its
            predictions by name and a vector.
        data: Nests of tensors with equal numbers of rows, or of None.
        batch_size: Rows per batch.
        outputs: The predictions to keep, by name, as tensors of their shapes.
        sums: Length of that vector.
        jit_compile: Whether to compile the loop over the full batches with XLA, as one program. XLA
            needs constant shapes, so a smaller last batch runs outside of it. Default False.
        most: Number of batches that the rows are padded to, so that XLA compiles once whatever
            their number. Default 0: they are not padded.

    Returns:
        The kept predictions for all rows, and the batches' vectors, `(batches, sums)`.
    """
    rows = tf.shape(keras.tree.flatten(data)[0])[0]
    if not jit_compile:

        def batch(number: tf.Tensor) -> Any:
            return rows_between(data, number * batch_size, (number + 1) * batch_size)

        steps = (rows + batch_size - 1) // batch_size
        predictions, vectors = _loop(run_batch, batch, steps, steps, None, outputs, sums)
        return {name: array.concat() for name, array in predictions.items()}, vectors.stack()

    full = rows // batch_size

    @tf.function(autograph=False, jit_compile=True)
    def compiled(batches: Any, steps: tf.Tensor) -> Any:
        size = tf.shape(keras.tree.flatten(batches)[0])[0]

        def batch(number: tf.Tensor) -> Any:
            return _mapped(lambda t: t[number], batches)

        with _masks_for_xla():
            predictions, vectors = _loop(run_batch, batch, steps, size, batch_size, outputs, sums)
        return {name: array.stack() for name, array in predictions.items()}, vectors.stack()

    def batched(t: tf.Tensor) -> tf.Tensor:
        size = most or full
        edges = [[0, (size - full) * batch_size], *[[0, 0]] * (t.shape.rank - 1)]
        padded = tf.pad(t[: full * batch_size], edges) if most else t[: full * batch_size]
        batches = tf.reshape(padded, [size, batch_size, *tf.unstack(tf.shape(t))[1:]])
        return tf.ensure_shape(batches, [most or None, batch_size, *t.shape[1:]])

    def all_full() -> Any:
        predictions, vectors = compiled(_mapped(batched, data), full)
        flat = {
            name: tf.reshape(predictions[name][:full], [-1, *tensor.shape[1:]])
            for name, tensor in outputs.items()
        }
        return flat, vectors[:full]

    def last() -> Any:
        predictions, vector = run_batch(*rows_between(data, full * batch_size, rows))
        return {name: tf.cast(predictions[name], tf.float32) for name in outputs}, vector[None]

    def none() -> Any:
        empty = {name: tf.zeros([0, *tensor.shape[1:]]) for name, tensor in outputs.items()}
        return empty, tf.zeros([0, sums])

    first = tf.cond(full > 0, all_full, none)
    second = tf.cond(rows > full * batch_size, last, none)
    return tf.nest.map_structure(lambda a, b: tf.concat([a, b], axis=0), first, second)


@contextlib.contextmanager
def _masks_for_xla() -> Iterator[None]:
    """Within, dropout draws its masks by the algorithm that XLA compiles well without a GPU.

    Keras leaves the choice to TensorFlow, whose masks then take a hundred times as long as without
    XLA (`benchmarks/README.md`). ThreeFry's are as random, but others. TensorFlow has it with XLA
    only, so a smaller last batch, which runs outside of it, has the usual ones.
    """
    usual = tf.nn.experimental.stateless_dropout
    if not tf.config.list_physical_devices("GPU"):
        tf.nn.experimental.stateless_dropout = functools.partial(usual, rng_alg="threefry")
    try:
        yield
    finally:
        tf.nn.experimental.stateless_dropout = usual


def _loop(
    run_batch: RunBatch,
    batch: Callable[[tf.Tensor], Any],
    steps: tf.Tensor,
    size: tf.Tensor | int,
    batch_size: int | None,
    outputs: Mapping[str, Any],
    sums: int,
) -> tuple[dict[str, tf.TensorArray], tf.TensorArray]:
    """Return tensor arrays of some size with the predictions and the vectors of `steps` batches."""

    def array(shape: list[int | None]) -> tf.TensorArray:
        return tf.TensorArray(tf.float32, size, element_shape=shape, infer_shape=False)

    kept = {name: array([batch_size, *tensor.shape[1:]]) for name, tensor in outputs.items()}

    def body(
        number: tf.Tensor, kept: dict[str, tf.TensorArray], vectors: tf.TensorArray
    ) -> tuple[tf.Tensor, dict[str, tf.TensorArray], tf.TensorArray]:
        predictions, vector = run_batch(*batch(number))
        kept = {
            name: array.write(number, tf.cast(predictions[name], tf.float32))
            for name, array in kept.items()
        }
        return number + 1, kept, vectors.write(number, vector)

    _, kept, vectors = tf.while_loop(
        lambda number, *_: number < steps, body, (0, kept, array([sums])), parallel_iterations=1
    )
    return kept, vectors


def rows_between(data: Any, start: tf.Tensor, stop: tf.Tensor) -> Any:
    """Return some rows of all tensors of a nest."""
    return _mapped(lambda t: t[start:stop], data)


def _mapped(function: Callable[[tf.Tensor], Any], data: Any) -> Any:
    """Return a function's results for all tensors of a nest, which may contain None."""
    return keras.tree.map_structure(lambda t: None if t is None else function(t), data)
