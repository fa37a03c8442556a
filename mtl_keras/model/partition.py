"""Determines from a Functional model's graph which parameters its outputs share."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from mtl_keras.model.connected import Connected, connected
from mtl_keras.model.keras_private import made_by


@dataclasses.dataclass(frozen=True)
class Partition:
    """The trainable variables of a model by the outputs that they reach.

    A variable reaches the outputs whose gradient comes back to it. One that reaches two outputs or
    more is *shared*; one that reaches a single output is that output's *own* (task-specific). A
    layer that contains others (a nested model) counts as one.

    Attributes:
        shared: Variables that reach at least two outputs.
        own: For each output, the variables that reach only this output.
        boundary: The tensors where shared layers meet own ones: made from shared variables by a
            layer that reaches several outputs, and read by a layer that reaches one, or outputs
            themselves.
        last: The shared variables of the layers that make the boundary (or, for a layer without
            variables, of its nearest ancestors with variables).
        nested: Whether one tensor of the boundary depends on another.
        late: Shared variables that are used again past the boundary.
        apart: For each way to measure gradients other than at all parameters, the indices of the
            outputs that use shared variables, but have no gradient there.
        depths: Number of layers on the longest path from an input to each output.
    """

    shared: list[keras.Variable]
    own: list[list[keras.Variable]]
    boundary: list[Any]
    nested: bool
    last: list[keras.Variable]
    late: list[keras.Variable]
    apart: dict[str, list[int]]
    depths: list[int]

    @property
    def reached(self) -> set[int]:
        """The `id`s of all variables that reach an output."""
        return {id(v) for variables in [self.shared, *self.own] for v in variables}


def partition_variables(model: keras.Model, outputs: list[Any]) -> Partition:
    """Determine from a Functional model's graph which variables its outputs share.

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
    graph = _Graph(model, outputs)
    reached = graph.outputs_by_variable()
    trainable = {id(v): v for v in model.trainable_variables}
    shared = [v for key, v in trainable.items() if len(reached.get(key, ())) > 1]
    own = [
        [v for key, v in trainable.items() if reached.get(key) == {number}]
        for number in range(len(outputs))
    ]
    is_shared = {id(v) for v in shared}
    boundary = graph.boundary(is_shared)
    makers = {id(node): node for _, node in boundary}
    last, late = graph.last(list(makers.values()), is_shared), graph.late(is_shared)

    def without(seen: Iterable[set[int]]) -> list[int]:
        """The outputs that use shared variables, but are in none of these sets."""
        sharing = {number for key in is_shared for number in reached[key]}
        return sorted(sharing.difference(*seen))

    return Partition(
        shared=shared,
        own=own,
        boundary=[tensor for tensor, _ in boundary],
        nested=graph.one_behind_another(makers),
        last=[v for v in shared if id(v) in last],
        late=[v for v in shared if id(v) in late],
        apart={
            "representation": without(graph.reach[key] for key in makers),
            "last_layer": without(reached[key] for key in last),
        },
        depths=[graph.depth(nodes) for nodes in graph.nodes_of_output],
    )


class _Graph:
    """The nodes (calls of layers) behind the outputs of a model.

    Args:
        model: The model.
        outputs: Its output tensors.
    """

    def __init__(self, model: keras.Model, outputs: list[Any]) -> None:
        self.inputs = {id(tensor) for tensor in keras.tree.flatten(model.inputs)}
        self.connections: dict[int, Connected] = {}
        self.outputs = outputs
        self.nodes_of_output = [self.behind(output) for output in outputs]
        self.nodes = {id(node): node for nodes in self.nodes_of_output for node in nodes}
        # Indices of the outputs that a node reaches.
        self.reach: dict[int, set[int]] = {key: set() for key in self.nodes}
        for number, nodes in enumerate(self.nodes_of_output):
            for node in nodes:
                self.reach[id(node)].add(number)

    def connected(self, node: Any) -> Connected:
        """What gradients reach through a node."""
        if id(node) not in self.connections:
            self.connections[id(node)] = connected(node)
        return self.connections[id(node)]

    def parents(self, node: Any) -> list[Any]:
        """The nodes that a node reads from and passes gradients back to."""
        read = self.connected(node).tensors
        tensors = [tensor for tensor in read if id(tensor) not in self.inputs]
        return [parent for parent in map(made_by, tensors) if parent is not None]

    def behind(self, output: Any) -> list[Any]:
        """All nodes that a tensor depends on, each after those that it reads from."""
        if id(output) in self.inputs:
            return []
        first = made_by(output)
        ordered: list[Any] = []
        seen = {id(first)}
        stack: list[tuple[Any, Iterator[Any]]] = [(first, iter(self.parents(first)))]
        while stack:  # depth first; recursion would exhaust Python's stack
            node, parents = stack[-1]
            parent = next((p for p in parents if id(p) not in seen), None)
            if parent is None:
                stack.pop()
                ordered.append(node)
            else:
                seen.add(id(parent))
                stack.append((parent, iter(self.parents(parent))))
        return ordered

    def outputs_by_variable(self) -> dict[int, set[int]]:
        """Indices of the outputs that a variable reaches, by the variable's `id`."""
        reached: dict[int, set[int]] = {}
        for key, node in self.nodes.items():
            for variable in self.connected(node).variables:  # a layer may be called twice
                reached.setdefault(id(variable), set()).update(self.reach[key])
        return reached

    def boundary(self, shared: set[int]) -> list[tuple[Any, Any]]:
        """The tensors where shared layers meet own ones, each with the node that made it.

        Args:
            shared: The `id`s of the shared variables.
        """
        carrying: set[int] = set()  # nodes that depend on a shared variable
        for node in self.nodes.values():
            behind = any(id(parent) in carrying for parent in self.parents(node))
            if behind or any(id(v) in shared for v in self.connected(node).variables):
                carrying.add(id(node))
        read_by_own = [
            tensor
            for key, node in self.nodes.items()
            if len(self.reach[key]) == 1
            for tensor in self.connected(node).tensors
            if id(tensor) not in self.inputs
        ]
        meeting: dict[int, tuple[Any, Any]] = {}
        for tensor in [*read_by_own, *self.outputs]:
            node = made_by(tensor)
            if node is not None and id(node) in carrying and len(self.reach[id(node)]) > 1:
                meeting[id(tensor)] = (tensor, node)
        return list(meeting.values())

    def one_behind_another(self, nodes: dict[int, Any]) -> bool:
        """Whether any of the nodes (by `id`) depends on another of them."""
        return any(
            id(node) in nodes
            for last in nodes.values()
            for node in self.behind(last.outputs[0])
            if node is not last
        )

    def last(self, nodes: list[Any], shared: set[int]) -> set[int]:
        """The shared variables of some nodes, or of their nearest ancestors that have any."""
        nearest: set[int] = set()
        queue = list(nodes)
        while queue:
            node = queue.pop()
            variables = {id(v) for v in self.connected(node).variables} & shared
            nearest |= variables
            if not variables:
                queue += self.parents(node)
        return nearest

    def late(self, shared: set[int]) -> set[int]:
        """The shared variables of nodes that reach only one output."""
        return {
            id(v)
            for key, node in self.nodes.items()
            if len(self.reach[key]) == 1
            for v in self.connected(node).variables
            if id(v) in shared
        }

    def depth(self, nodes: list[Any]) -> int:
        """Number of layers on the longest path through nodes, which are ordered parents first."""
        depths: dict[int, int] = {}
        for node in nodes:
            deepest = max((depths[id(parent)] for parent in self.parents(node)), default=0)
            depths[id(node)] = deepest + (0 if node.is_input else 1)
        return max(depths.values(), default=0)
