"""Which inputs and variables of a layer's call its gradient really reaches."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from mtl_keras.model.keras_private import called_again

KNOWN = ("keras.", "mtl_keras.layers.")  # packages whose layers pass gradients to all they read


class Connected(NamedTuple):
    """What a gradient at the outputs of a call reaches.

    Attributes:
        tensors: The tensors that the call reads, without those behind a stopped gradient.
        variables: The layer's trainable variables, likewise.
    """

    tensors: list[Any]
    variables: list[keras.Variable]


def connected(node: Any) -> Connected:
    """What gradients reach through one call of a layer.

    Keras's layers pass gradients to all that they read, and ours list in `stopped` the indices of
    inputs that they do not. Any other layer or operation, such as a `Lambda`, may stop a gradient
    or return numbers that have none: its call is traced once more, and differentiated.

    Args:
        node: A call of a layer, from `keras_private.made_by`.
    """
    operation, tensors = node.operation, list(node.input_tensors)
    variables = list(getattr(operation, "trainable_variables", []))
    if not tensors or all(map(_known, _inside(operation))):
        stopped = getattr(operation, "stopped", ())
        return Connected([t for n, t in enumerate(tensors) if n not in stopped], variables)
    sources = tensors + variables
    reached = _reached(node, tensors, variables)
    return Connected(
        [t for t, has in zip(sources, reached) if has and not isinstance(t, keras.Variable)],
        [v for v, has in zip(sources, reached) if has and isinstance(v, keras.Variable)],
    )


def _inside(operation: Any) -> Iterator[Any]:
    """A layer and, where it is a model or a wrapper, the layers (and operations) in it."""
    yield operation
    inner = getattr(operation, "operations", None) or getattr(operation, "layers", [])
    for layer in [*inner, getattr(operation, "layer", None)]:
        if layer is not None:
            yield from _inside(layer)


def _known(operation: Any) -> bool:
    """Whether a layer passes gradients to all that it reads."""
    if isinstance(operation, keras.layers.Lambda):
        return False
    return isinstance(operation, keras.Layer) and type(operation).__module__.startswith(KNOWN)


def _reached(node: Any, tensors: list[Any], variables: list[keras.Variable]) -> list[bool]:
    """Whether the gradient of a call's outputs reaches each of its tensors and variables."""
    found: list[bool] = []

    def trace(*values: tf.Tensor) -> None:
        floats = [value.dtype.is_floating for value in values]
        with tf.GradientTape() as tape:
            tape.watch([value for value, is_float in zip(values, floats) if is_float])
            outputs = keras.tree.flatten(called_again(node, tensors, values))
            outputs = [output for output in outputs if output.dtype.is_floating]
        sources = [*values, *(v.value for v in variables)]
        floats += [True] * len(variables)
        wanted = [source for source, is_float in zip(sources, floats) if is_float]
        gradients = iter(tape.gradient(outputs, wanted) if outputs else [None] * len(wanted))
        found.extend(is_float and next(gradients) is not None for is_float in floats)

    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    tf.function(trace, autograph=False).get_concrete_function(*specs)
    return found
