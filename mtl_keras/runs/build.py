"""The network of a plan: inputs, the architecture, a head per task."""

import re
import warnings
from collections.abc import Mapping
from typing import Any

from mtl_keras import architectures
from mtl_keras.architectures import Architecture
from mtl_keras.declaring.naming import layer_name
from mtl_keras.errors import ConfigError, shown
from mtl_keras.layers import MemberMean
from mtl_keras.layers.mixins import dtype_policy
from mtl_keras.model import MultiTaskModel
from mtl_keras.plans.plan import Plan
from mtl_keras.runs.prepared import Prepared
from mtl_keras.tasks import Task


def build(plan: Plan, prepared: Prepared) -> MultiTaskModel:
    """Build and compile the Functional model of a plan for prepared rows."""
    with dtype_policy(plan.training.dtype_policy):
        return _built(plan, prepared)


def _built(plan: Plan, prepared: Prepared) -> MultiTaskModel:
    encoder, tasks, data = prepared.encoder, prepared.tasks, prepared.data
    labels = [task.distances(data.y["train"][task.name]) for task in tasks]
    inputs = encoder.inputs()
    embed = architectures.embedder(
        plan.architecture,
        inputs,
        encoder.category_sizes,
        data.x["train"].get("numeric"),
        labels,
        encoder.own,
        encoder.columns,
        encoder.crossing_sizes,
    )
    represented = plan.architecture.represent(embed, [task.slug for task in tasks])
    heads = {task.name: _head(task, represented, plan.architecture) for task in tasks}
    outputs = {
        name: output
        if len(output.shape) == 2
        else MemberMean(name=f"{layer_name(name)}_mean")(output)
        for name, output in plan.architecture.connect(heads).items()
    }
    try:
        model = MultiTaskModel(inputs, outputs, name="network")
    except ValueError as error:
        twice = re.search(r'The name "(.+)" is used', str(error))
        if twice is None:
            raise
        raise ConfigError(
            f"Two layers of the network would be named {twice[1]!r}, after the names of tasks "
            f"({', '.join(map(repr, outputs))}) and features. Give one of them another name, and "
            "set its `column`."
        ) from error
    _warn_of_no_residual(plan.architecture, model)
    model.compile(
        plan.training.optimizer(data.training_rows),
        loss={task.name: task.training_loss() for task in tasks},
        loss_weights={task.name: task.weight for task in tasks},
        metrics={task.name: task.training_metrics() for task in tasks},
        balancer=plan.balancer,
        jit_compile=plan.training.jit_compile,
    )
    return model


def _warn_of_no_residual(architecture: Architecture, model: MultiTaskModel) -> None:
    """Warn if `residual` has no effect, as with the default layers of most architectures."""
    names = {layer.name for layer in model.layers}
    if architecture.residual and not any(name.endswith("_residual") for name in names):
        warnings.warn(
            "`residual` has no effect: no layer is as wide as its input. Set `layers` to equal "
            "widths, such as [256, 256].",
            stacklevel=3,
        )


def _head(task: Task, represented: Any, architecture: Architecture) -> Any:
    """The output of a task; what is wrong with a user's own classes is an error that says so."""
    if not isinstance(represented, Mapping) or task.slug not in represented:
        raise ConfigError(
            f"`represent` of {type(architecture).__name__} must return a dict with a tensor for "
            f"each task, also for {task.slug!r}. Received: {shown(represented)}."
        )
    output = task.head(represented[task.slug])
    if output.shape[-1] != task.width:
        raise ConfigError(
            f"Task {task.name!r}: `head` of {type(task).__name__} returns {output.shape[-1]} "
            f"numbers per row, but its property `width` is {task.width}. Define `width`, or "
            "change the head."
        )
    return output
