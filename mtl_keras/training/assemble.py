"""Combines the best epochs of several tasks, or several networks, into one model."""

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from mtl_keras.declaring.naming import layer_name
from mtl_keras.layers import WeightedMean
from mtl_keras.model import MultiTaskModel

COPY = re.compile(r"_epoch_\d+(?=(_network_\d+)?$)")
"""What the name of a layer has at its end if it is a copy for the tasks of one epoch."""


def assembled(
    model: MultiTaskModel, epochs: Mapping[str, int], snapshots: Mapping[int, Sequence[np.ndarray]]
) -> MultiTaskModel:
    """Return the model with each task's weights from that task's epoch.

    Tasks with the same epoch share one network; each further epoch adds a copy of the layers that
    its tasks need, so the model stays one Functional graph with the same inputs and outputs.

    Args:
        model: A compiled model.
        epochs: The epoch of each task.
        snapshots: `get_weights()` of the model after each of these epochs.

    Returns:
        `model` itself if all epochs are the same, otherwise a new model, compiled in the same way.

    Example:

    >>> import keras
    >>> from mtl_keras import MultiTaskModel
    >>> rows = keras.Input((2,))
    >>> model = MultiTaskModel(rows, {task: keras.layers.Dense(1)(rows) for task in "ab"})
    >>> model.compile("sgd", loss={"a": "mse", "b": "mse"})
    >>> weights = model.get_weights()
    >>> assembled(model, {"a": 1, "b": 1}, {1: weights}) is model
    True
    """
    groups: dict[int, list[str]] = {}
    for task, epoch in epochs.items():
        groups.setdefault(epoch, []).append(task)
    if len(groups) == 1:
        model.set_weights(snapshots[next(iter(groups))])
        return model
    parts: dict[str, Any] = {}
    for epoch, tasks in groups.items():
        model.set_weights(snapshots[epoch])
        parts |= _copy(model, tasks, f"epoch_{epoch + 1}")
    outputs = {task: parts[task] for task in model.tasks}
    return compiled_like(MultiTaskModel(model.input, outputs, name=model.name), model)


def original_name(name: str) -> str:
    """The name of the layer that a layer of an assembled network is a copy of; else its own.

    Example:

    >>> original_name("shared_1_epoch_12"), original_name("shared_1_epoch_3_network_2")
    ('shared_1', 'shared_1_network_2')
    """
    return COPY.sub("", name)


def own_parameters(model: keras.Model) -> int:
    """Number of parameters of a network as it was trained.

    `count_params` of an assembled network also counts the copies of layers that it keeps for the
    tasks of other epochs.

    Args:
        model: A network, assembled or not.

    Returns:
        How many numbers its weights are, each copied layer counted once.

    Example:

    >>> rows = keras.Input((2,))
    >>> hidden = [keras.layers.Dense(3, name=f"shared_epoch_{epoch}")(rows) for epoch in (1, 4)]
    >>> model = keras.Model(rows, hidden)
    >>> model.count_params(), own_parameters(model)
    (18, 9)
    """
    once = {original_name(layer.name): layer for layer in model.layers}
    weights = {id(weight): weight for layer in once.values() for weight in layer.weights}
    return sum(int(np.prod(weight.shape)) for weight in weights.values())


def weighted_mean(
    models: Sequence[MultiTaskModel], weights: Mapping[str, Sequence[float]]
) -> MultiTaskModel:
    """Return a model whose outputs are weighted means of the outputs of several models.

    Args:
        models: Compiled models with the same inputs and outputs.
        weights: For each task, a weight per model; a model of weight 0 is left out.

    Returns:
        A model with the first model's inputs, compiled like it.

    Example:

    >>> from mtl_keras import MultiTaskModel
    >>> rows = keras.Input((2,))
    >>> models = [MultiTaskModel(rows, {"a": keras.layers.Dense(1)(rows)}) for _ in range(2)]
    >>> for model in models:
    ...     model.compile("sgd", loss={"a": "mse"})
    >>> list(weighted_mean(models, {"a": [0.25, 0.75]}).output)
    ['a']
    """
    first = models[0]
    parts: dict[str, list[Any]] = {task: [] for task in first.tasks}
    shares: dict[str, list[float]] = {task: [] for task in first.tasks}
    for number, model in enumerate(models):
        tasks = [task for task in first.tasks if weights[task][number] > 0]
        if tasks:
            copy = _copy(model, tasks, f"network_{number + 1}", first.input)
            for task in tasks:
                parts[task].append(copy[task])
                shares[task].append(weights[task][number])
    outputs = {
        task: tensors[0]
        if len(tensors) == 1
        else WeightedMean(shares[task], name=f"{layer_name(task)}_of_networks")(tensors)
        for task, tensors in parts.items()
    }
    return compiled_like(MultiTaskModel(first.input, outputs, name=first.name), first)


def compiled_like(model: MultiTaskModel, like: MultiTaskModel) -> MultiTaskModel:
    """The model, compiled as another one is, with what that one's balancer did."""
    with warnings.catch_warnings():  # what the tasks no longer share they shared in training
        warnings.filterwarnings("ignore", "No variable is shared by two outputs")
        model.compile_from_config(like.get_compile_config())
    model.balancing.extend(like.balancing)
    return model


def _copy(
    model: MultiTaskModel, tasks: Sequence[str], suffix: str, inputs: Any = None
) -> dict[str, Any]:
    """Some outputs of a model, recomputed from input tensors by copies of its layers."""
    part = keras.Model(model.input, {task: model.output[task] for task in tasks})

    def renamed(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.InputLayer):
            return layer
        config = layer.get_config()
        return type(layer).from_config({**config, "name": f"{layer.name}_{suffix}"})

    copy = keras.models.clone_model(
        part, input_tensors=model.input if inputs is None else inputs, clone_function=renamed
    )
    for layer in part.layers:
        if layer.weights:
            copy.get_layer(f"{layer.name}_{suffix}").set_weights(layer.get_weights())
    return copy.output
