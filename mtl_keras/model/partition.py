"""Which parameters of a Functional model are shared between outputs, read from its graph."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras

from mtl_keras.model.keras_private import made_by


@dataclasses.dataclass(frozen=True)
class Partition:
    """The trainable variables of a model by the outputs that they reach.

    A variable that reaches two outputs or more is *shared*, one that reaches one output is that
    output's *own*. A layer that holds others (a nested model) counts as one.

    Attributes:
        shared: Variables that reach at least two outputs.
        own: Per output, the variables that reach it alone.
        boundary: The tensors where shared meets own: made from shared variables by a layer that
            reaches several outputs, and read by a layer that reaches one, or outputs themselves.
        last: The shared variables of the layers that make the boundary (its nearest ancestors with
            variables, where such a layer has none).
        nested: Whether one tensor of the boundary is made from another.
        late: Shared variables that are used again past the boundary.
        depths: Layers on the longest way from an input to each output.
    """

    shared: list[keras.Variable]
    own: list[list[keras.Variable]]
    boundary: list[Any]
    nested: bool
    last: list[keras.Variable]
    late: list[keras.Variable]
    depths: list[int]


def partition_variables(model: keras.Model, outputs: list[Any]) -> Partition:
    """The partition of a Functional model.

    Args:
        model: The model.
        outputs: Its output tensors, one per task.

    Example:

    >>> rows = keras.Input((3,))
    >>> shared = keras.layers.Dense(8, name="trunk")(rows)
    >>> a, b = keras.layers.Dense(1, name="a")(shared), keras.layers.Dense(1, name="b")(shared)
    >>> partition = partition_variables(keras.Model(rows, [a, b]), [a, b])
    >>> [v.path for v in partition.shared], [[v.path for v in own] for own in partition.own]
    (['trunk/kernel', 'trunk/bias'], [['a/kernel', 'a/bias'], ['b/kernel', 'b/bias']])
    >>> partition.depths
    [2, 2]
    """
    inputs = {id(tensor) for tensor in keras.tree.flatten(model.inputs)}
    ways = [_nodes(output, inputs) for output in outputs]  # per output its nodes, inputs first
    nodes: dict[int, Any] = {id(node): node for way in ways for node in way}
    reach = {key: {i for i, way in enumerate(ways) if key in map(id, way)} for key in nodes}

    reached: dict[int, set[int]] = {}  # variable -> outputs; a layer may be called twice
    for key, node in nodes.items():
        for variable in _variables(node):
            reached.setdefault(id(variable), set()).update(reach[key])
    trainable = {id(v): v for v in model.trainable_variables}
    shared = [v for key, v in trainable.items() if len(reached.get(key, ())) > 1]
    own = [
        [v for key, v in trainable.items() if reached.get(key) == {number}]
        for number in range(len(outputs))
    ]
    is_shared = {id(v) for v in shared}

    carrying: set[int] = set()  # nodes with a shared variable behind or in them
    for way in ways:
        for node in way:
            behind = any(id(parent) in carrying for parent in _parents(node, inputs))
            if behind or any(id(v) in is_shared for v in _variables(node)):
                carrying.add(id(node))
    common = {key for key in carrying if len(reach[key]) > 1}
    boundary: dict[int, Any] = {}
    makers: dict[int, Any] = {}

    def meet(tensor: Any) -> None:
        node = made_by(tensor)
        if node is not None and id(node) in common:
            boundary[id(tensor)], makers[id(node)] = tensor, node

    for key, node in nodes.items():
        if len(reach[key]) == 1:
            for tensor in _tensors(node):
                if id(tensor) not in inputs:
                    meet(tensor)
    for output in outputs:
        meet(output)

    behind_makers = {
        id(node)
        for last_node in makers.values()
        for node in _nodes(last_node.outputs[0], inputs)
        if node is not last_node
    }
    late = {
        id(v)
        for key, node in nodes.items()
        if len(reach[key]) == 1
        for v in _variables(node)
        if id(v) in is_shared
    }
    last: set[int] = set()
    queue = list(makers.values())
    while queue:
        node = queue.pop()
        here = {id(v) for v in _variables(node)} & is_shared
        last |= here
        if not here:
            queue += _parents(node, inputs)

    return Partition(
        shared,
        own,
        list(boundary.values()),
        bool(behind_makers & set(makers)),
        [v for v in shared if id(v) in last],
        [v for v in shared if id(v) in late],
        [_depth(way, inputs) for way in ways],
    )


def _tensors(node: Any) -> list[Any]:
    """What a node reads and passes gradients back to.

    A layer may name, in `stopped`, the numbers of those inputs that no gradient flows through.
    """
    stopped = getattr(node.operation, "stopped", ())
    return [tensor for n, tensor in enumerate(node.input_tensors) if n not in stopped]


def _parents(node: Any, inputs: set[int]) -> list[Any]:
    parents = [made_by(tensor) for tensor in _tensors(node) if id(tensor) not in inputs]
    return [parent for parent in parents if parent is not None]


def _nodes(output: Any, inputs: set[int]) -> list[Any]:
    """All nodes behind a tensor, each after those that it reads from."""
    found: list[Any] = []
    seen: set[int] = set()

    def visit(node: Any) -> Iterator[Any]:
        """Depth first, without recursion: a deep network would exhaust Python's stack."""
        stack = [(node, iter(_parents(node, inputs)))]
        seen.add(id(node))
        while stack:
            current, parents = stack[-1]
            parent = next((p for p in parents if id(p) not in seen), None)
            if parent is None:
                stack.pop()
                yield current
            else:
                seen.add(id(parent))
                stack.append((parent, iter(_parents(parent, inputs))))

    if id(output) not in inputs:
        found = list(visit(made_by(output)))
    return found


def _variables(node: Any) -> list[keras.Variable]:
    return list(getattr(node.operation, "trainable_variables", []))


def _depth(way: list[Any], inputs: set[int]) -> int:
    depth: dict[int, int] = {}
    for node in way:
        parents = _parents(node, inputs)
        own = 0 if node.is_input else 1
        depth[id(node)] = own + max((depth[id(parent)] for parent in parents), default=0)
    return max(depth.values(), default=0)
