"""The network in its fastest form for inference: the same function with other layers."""

import inspect
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np

from mtl_keras.layers import (
    BatchEnsembleDense,
    MemberDense,
    Members,
    PiecewiseLinearEmbedding,
    PiecewiseLinearTable,
)
from mtl_keras.model.keras_private import arguments_with, calls_of, made_by

# Elementwise layers, which can be called for one member at a time.
ELEMENTWISE = (keras.layers.Activation, keras.layers.Dropout, keras.layers.Add)


def for_inference(network: keras.Model, tables: bool = True) -> keras.Model:
    """Return a network with the same predictions as a trained one, in less time.

    *Members of an ensemble* are computed one after the other, with dense layers. The matrix that
    the members of a `BatchEnsembleDense` share makes it small to train and to store. Its scales,
    however, require further passes over the activations of all members, `(rows, members, units)`,
    which do not fit into the processor's cache. Here they are multiplied into a matrix for each
    member, and those of `Members` into the matrix that reads them. If another kind of layer
    follows, the members are stacked again.

    *Piecewise-linear embeddings* are looked up in a table of the bins.

    Args:
        network: A trained Functional model. Unchanged layers are shared by both models.
        tables: Whether to look embeddings up in tables, by an operation (a binary search) that only
            TensorFlow has. Default True.

    Returns:
        A model with the same inputs and outputs, equal up to rounding.

    Example:

    >>> rows = keras.Input((3,))
    >>> together = BatchEnsembleDense(4, "relu", name="trunk")(Members(2)(rows))
    >>> [layer.name for layer in for_inference(keras.Model(rows, together)).layers[1:3]]
    ['trunk_member_1', 'trunk_member_2']
    """
    graph = _Graph(network, tables)
    outputs = keras.tree.map_structure(lambda t: _together(graph.value(t)), network.output)
    return keras.Model(network.input, outputs, name=network.name)


class _Apart:
    """A tensor `(rows, n)` for each member, in place of one `(rows, members, n)`.

    After `Members`, it is the same tensor for all of them, still to be multiplied by its `scales`.
    """

    def __init__(self, tensors: Sequence[Any], scaling: Members | None = None) -> None:
        self.tensors, self.scaling = tensors, scaling

    @property
    def scales(self) -> np.ndarray | None:
        return None if self.scaling is None else np.asarray(self.scaling.scale)

    @cached_property
    def together(self) -> Any:
        if self.scaling is not None:
            return self.scaling(self.tensors[0])
        return keras.ops.stack(self.tensors, axis=1)


def _together(value: Any) -> Any:
    return value.together if isinstance(value, _Apart) else value


class _Graph:
    """The values of a network's tensors in the new graph, by the tensors' identity."""

    def __init__(self, network: keras.Model, tables: bool) -> None:
        self.values: dict[int, Any] = {id(tensor): tensor for tensor in network.inputs}
        self.dense: dict[tuple[str, str], list[keras.layers.Dense]] = {}
        self.with_tables, self.tables = tables, dict[str, PiecewiseLinearTable]()
        self.heads: dict[int, dict[str, Any]] = {}
        self.member_dense = [each for each in network.layers if type(each) is MemberDense]

    def value(self, tensor: Any) -> Any:
        if id(tensor) not in self.values:
            node = made_by(tensor)
            made = self._called(node, [self.value(each) for each in node.input_tensors])
            each = [made] if isinstance(made, _Apart) else keras.tree.flatten(made)
            self.values |= zip(map(id, node.outputs), each)
        return self.values[id(tensor)]

    def _called(self, node: Any, inputs: Sequence[Any]) -> Any:
        layer, first = node.operation, inputs[0] if inputs else None
        if self.with_tables and type(layer) is PiecewiseLinearEmbedding:
            return self._table(layer)(_together(first))
        if isinstance(layer, Members) and not isinstance(first, _Apart):
            return _Apart([first] * layer.members, layer)
        if isinstance(first, _Apart) and type(layer).call is BatchEnsembleDense.call:
            members = self._dense(layer, first)
            return _Apart([dense(x) for dense, x in zip(members, first.tensors)])
        if isinstance(first, _Apart) and type(layer) is MemberDense and node is calls_of(layer)[0]:
            return self._heads(node.input_tensors[0], first)[layer.name]
        if isinstance(layer, ELEMENTWISE) and all(
            isinstance(value, _Apart) and value.scaling is None for value in inputs
        ):
            by_member = zip(*(value.tensors for value in inputs))
            return _Apart([self._again(node, tensors) for tensors in by_member])
        return self._again(node, [_together(value) for value in inputs])

    def _again(self, node: Any, values: Sequence[Any]) -> Any:
        arguments, options = arguments_with(node, node.input_tensors, values)
        if "training" in inspect.signature(node.operation.call).parameters:
            options = {**options, "training": False}  # the default of Keras's augmentation is True
        return node.operation(*arguments, **options)

    def _table(self, layer: PiecewiseLinearEmbedding) -> PiecewiseLinearTable:
        if layer.name not in self.tables:
            self.tables[layer.name] = PiecewiseLinearTable.of(layer, name=f"{layer.name}_table")
        return self.tables[layer.name]

    def _heads(self, tensor: Any, given: _Apart) -> dict[str, Any]:
        """Return the outputs of all `MemberDense` that read a tensor, by one matrix per member."""
        if id(tensor) not in self.heads:
            layers = [
                each for each in self.member_dense if calls_of(each)[0].input_tensors[0] is tensor
            ]
            kernels = np.concatenate([np.asarray(each.kernel) for each in layers], axis=2)
            biases = np.concatenate([np.asarray(each.bias) for each in layers], axis=1)
            names = "_and_".join(each.name for each in layers)
            members = [
                _plain_dense(kernel, bias, f"{names}_member_{number}", layers[0].dtype_policy)(x)
                for number, (kernel, bias, x) in enumerate(zip(kernels, biases, given.tensors), 1)
            ]
            ends = np.cumsum([each.units for each in layers])[:-1].tolist()
            together = keras.ops.stack(members, axis=1)
            parts = keras.ops.split(together, ends, axis=2) if ends else [together]
            self.heads[id(tensor)] = {
                each.name: keras.layers.Activation(each.activation)(part)
                for each, part in zip(layers, parts)
            }
        return self.heads[id(tensor)]

    def _dense(self, layer: BatchEnsembleDense, given: _Apart) -> list[keras.layers.Dense]:
        """Return a dense layer for each member, with the scales of its input in its matrix."""
        key = layer.name, "" if given.scaling is None else given.scaling.name
        if key not in self.dense:
            kernel, before, after, bias = map(np.asarray, (
                layer.kernel, layer.input_scale, layer.output_scale, layer.bias
            ))  # fmt: skip
            before = before if given.scales is None else before * given.scales
            suffix = f"_of_{key[1]}" if any(name == layer.name for name, _ in self.dense) else ""
            self.dense[key] = [
                _plain_dense(
                    before[member][:, None] * kernel * after[member],
                    bias[member],
                    f"{layer.name}_member_{member + 1}{suffix}",
                    layer.dtype_policy,
                    layer.activation,
                )
                for member in range(len(before))
            ]
        return self.dense[key]


def _plain_dense(
    kernel: np.ndarray, bias: np.ndarray, name: str, policy: Any, activation: Any = None
) -> keras.layers.Dense:
    layer = keras.layers.Dense(kernel.shape[1], activation, dtype=policy, name=name)
    layer.build((None, kernel.shape[0]))
    layer.set_weights([kernel, bias])
    return layer
