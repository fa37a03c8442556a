"""A Functional model as statements: each call of a layer, what it reads, and for which tasks."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from mtl_keras.code.expressions import Call, Items, Literal, Name, Statement, Variable
from mtl_keras.code.objects import Objects
from mtl_keras.declaring.naming import layer_name, snake_case
from mtl_keras.errors import ConfigError
from mtl_keras.layers import BatchEnsembleDense, MemberDense
from mtl_keras.model.keras_private import arguments_with, made_by

LAST_ACTIVATED = (keras.layers.Dense, BatchEnsembleDense, MemberDense)
"""Layers whose `activation` is the last thing that they do."""


@dataclass(eq=False)
class _Call:
    """A call of a layer.

    Attributes:
        layer: The layer.
        name: Its name; copies of a layer have one name.
        arguments: The arguments of the call, with variables for tensors.
        reads: The calls that made these tensors, those of the longest chains first.
        outputs: What it makes.
        depth: The length of the longest chain of calls before it.
        tasks: The outputs of the model that depend on it.
    """

    layer: Any
    name: str
    arguments: tuple[Any, dict[str, Any]]
    reads: list["_Call"]
    outputs: list[Variable]
    depth: int
    tasks: set[str] = field(default_factory=set)
    activation: Any = None


class Graph:
    """The calls of a Functional model.

    Args:
        model: The model; its outputs are a dict.
        renamed: The name of the layer that a layer is a copy of; its own if it is none. Copies are
            written once.
        objects: Writes the layers.

    Attributes:
        inputs: For each input, by name, what stands for it.
        outputs: For each output, by name, what stands for it.

    Raises:
        ConfigError: if the network has an operation that is no layer.
    """

    def __init__(self, model: keras.Model, renamed: Callable[[str], str], objects: Objects) -> None:
        self._renamed, self._objects = renamed, objects
        self._calls: dict[Any, _Call] = {}
        self._keys: dict[int, Any] = {}
        self.inputs: dict[str, Variable] = {}
        self._tensors: dict[str, Any] = {}  # of the inputs
        self.outputs = {}
        last = {}
        for task, tensor in model.output.items():
            last[task] = self._call(tensor)
            self.outputs[task] = self._variable(tensor)
            self.outputs[task].hint = layer_name(task)
            self._mark(last[task], task)
        self._order: list[_Call] = []
        for call in last.values():
            self._visit(call)
        self._fuse()

    def input_statements(self) -> list[Statement]:
        """`name = keras.Input(...)` for each input."""
        made = []
        for name, variable in self.inputs.items():
            tensor = self._tensors[name]
            shape = Items(tuple(map(Literal, tensor.shape[1:])), "()")
            plain = tensor.dtype == keras.config.floatx()
            dtype = () if plain else (("dtype", Literal(tensor.dtype)),)
            call = Call(Name("keras.Input"), (shape,), (*dtype, ("name", Literal(name))))
            made.append(Statement([variable], call))
        return made

    def statements(self) -> list[Statement]:
        """The calls, those of most tasks first, in sections by the tasks that they serve."""
        sections: dict[frozenset[str], list[_Call]] = {}
        for call in self._order:
            sections.setdefault(frozenset(call.tasks), []).append(call)
        times: dict[str, int] = {}
        for call in self._order:
            times[call.name] = times.get(call.name, 0) + 1
        kept: dict[str, Variable] = {}
        heads = self._heads()
        made = []
        for tasks in sorted(sections, key=lambda tasks: -len(tasks)):
            for call in sections[tasks]:
                layer: Any = kept.get(call.name)
                if layer is None:
                    layer = self._layer(call)
                    if times[call.name] > 1:
                        kept[call.name] = Variable(f"{call.name}_layer")
                        made.append(Statement([kept[call.name]], layer, tasks))
                        layer = kept[call.name]
                positional, named = call.arguments
                keywords = tuple(
                    (key, self._written(value))
                    for key, value in named.items()
                    if value is not None and (key, value) != ("training", False)
                )
                value = Call(layer, tuple(map(self._written, positional)), keywords)
                made.append(Statement(call.outputs, value, tasks, call in heads))
        return made

    def _heads(self) -> set[_Call]:
        """The last layer with weights of each task, and what follows it."""
        heads = set()
        makers = {variable: call for call in self._order for variable in call.outputs}
        for output in self.outputs.values():
            call = makers.get(output)
            while call is not None and call not in heads:
                heads.add(call)
                alone = not call.layer.weights and len(call.reads) == 1
                call = call.reads[0] if alone else None
        return heads

    def _layer(self, call: _Call) -> Call:
        changes: dict[str, Any] = {}
        if call.activation is not None:
            changes["activation"] = call.activation
        if call.layer.weights:
            changes["name"] = call.name
        elif not call.layer.trainable:
            changes["trainable"] = None  # it has nothing to train
        if isinstance(call.layer, keras.Sequential):
            inside = tuple(self._objects.made(each) for each in call.layer.layers)
            named = (("name", Literal(call.name)),)
            return Call(Name("keras.Sequential"), (Items(inside),), named)
        return self._objects.made(call.layer, **changes)

    def _written(self, value: Any) -> Any:
        """An argument of a call."""
        if isinstance(value, Variable):
            return value
        if isinstance(value, (list, tuple)):
            return Items(tuple(map(self._written, value)))
        return self._objects.expression(value)

    # Reading the model's graph

    def _call(self, tensor: Any) -> _Call | None:
        """The call that made a tensor; None for an input."""
        if id(tensor) in self._keys:
            key = self._keys[id(tensor)]
            return None if isinstance(key, str) else self._calls[key[0]]
        node = made_by(tensor)
        layer = node.operation
        if node.is_input:
            self.inputs.setdefault(layer.name, Variable(layer.name))
            self._tensors[layer.name] = tensor
            self._keys[id(tensor)] = layer.name
            return None
        if isinstance(layer, keras.Model) and not isinstance(layer, keras.Sequential):
            raise ConfigError(
                f"{layer.name!r} is a model inside the network, of {len(layer.layers)} layers. "
                "Only layers can be written as code. Take it from the trained network instead: "
                f"keras.models.load_model(...).get_layer({layer.name!r})."
            )
        if not isinstance(layer, keras.Layer):
            raise ConfigError(
                f"The network has the operation {layer.name!r}, which is not a layer. Only layers "
                "can be written as code. Make it a layer in your architecture."
            )
        found = [self._call(read) for read in node.input_tensors]
        name = self._renamed(layer.name)
        reads = tuple(self._key(read) for read in node.input_tensors)
        key = (name, reads)
        if key not in self._calls:
            read = [call for call in dict.fromkeys(found) if call is not None]
            variables = [self._variable(each) for each in node.input_tensors]
            outputs = [Variable(hint) for hint in self._hints(layer, name, node)]
            self._calls[key] = _Call(
                layer=layer,
                name=name,
                arguments=arguments_with(node, node.input_tensors, variables),
                reads=sorted(read, key=lambda call: -call.depth),
                outputs=outputs,
                depth=1 + max((call.depth for call in read), default=0),
            )
        for number, output in enumerate(node.outputs):
            self._keys[id(output)] = (key, number)
        return self._calls[key]

    def _hints(self, layer: Any, name: str, node: Any) -> list[str]:
        """What the outputs of a call may be called.

        The name of the layer, or of the value that it only completes, as a dropout does; of several
        outputs, the names of as many inputs.
        """
        read = [self._variable(tensor).hint for tensor in node.input_tensors]
        if len(node.outputs) > 1:
            return read if len(read) == len(node.outputs) else [name] * len(node.outputs)
        if len(read) != 1 or not self._calls:
            return [name]
        if name.startswith(f"{read[0]}_"):
            return read
        if layer.weights:
            return [name]
        unnamed = re.fullmatch(rf"{snake_case(type(layer).__name__)}(_\d+)?", name)
        return read if unnamed else [_common_start(read[0], name) or name]

    def _key(self, tensor: Any) -> Any:
        return self._keys[id(tensor)]

    def _variable(self, tensor: Any) -> Variable:
        key = self._key(tensor)
        if isinstance(key, str):
            return self.inputs[key]
        call, number = key
        return self._calls[call].outputs[number]

    def _mark(self, call: _Call | None, task: str) -> None:
        if call is not None and task not in call.tasks:
            call.tasks.add(task)
            for read in call.reads:
                self._mark(read, task)

    def _visit(self, call: _Call | None) -> None:
        if call is not None and call not in self._order:
            for read in call.reads:
                self._visit(read)
            self._order.append(call)

    def _fuse(self) -> None:
        """Give dense layers the activation that alone reads them: the same in fewer lines."""
        readers: dict[_Call, list[_Call]] = {}
        calls: dict[str, int] = {}
        for call in self._order:
            calls[call.name] = calls.get(call.name, 0) + 1
            for read in call.reads:
                readers.setdefault(read, []).append(call)
        for call in list(self._order):
            if type(call.layer) is not keras.layers.Activation:
                continue
            (before,) = call.reads or (None,)
            if (
                before is not None
                and isinstance(before.layer, LAST_ACTIVATED)
                and before.layer.get_config()["activation"] == "linear"
                and readers[before] == [call]
                and before.outputs[0] not in self.outputs.values()
                and calls[before.name] == 1
                and before.tasks == call.tasks
            ):
                before.activation = call.layer.get_config()["activation"]
                before.outputs = call.outputs
                before.tasks = call.tasks
                self._order.remove(call)


def _common_start(one: str, other: str) -> str:
    """The words that two names begin with.

    Example:

    >>> _common_start("churned_1_sum", "churned_1_relu")
    'churned_1'
    """
    pairs = zip(one.split("_"), other.split("_"))
    return "_".join(word for word, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
