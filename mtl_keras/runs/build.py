"""The network of a plan: inputs, the architecture, a head per task."""

import re

from mtl_keras import architectures
from mtl_keras.declaring.naming import layer_name
from mtl_keras.errors import ConfigError
from mtl_keras.layers import MemberMean
from mtl_keras.model import MultiTaskModel
from mtl_keras.plans.plan import Plan
from mtl_keras.runs.prepared import Prepared


def build(plan: Plan, prepared: Prepared) -> MultiTaskModel:
    """Build and compile the Functional model of a plan for prepared rows."""
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
    heads = {task.name: task.head(represented[task.slug]) for task in tasks}
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
    model.compile(
        plan.training.optimizer(data.training_rows),
        loss={task.name: task.training_loss() for task in tasks},
        loss_weights={task.name: task.weight for task in tasks},
        metrics={task.name: task.training_metrics() for task in tasks},
        balancer=plan.balancer,
        jit_compile=plan.training.jit_compile,
    )
    return model
