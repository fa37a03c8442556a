"""Checks the arguments of `compile` and builds the model's step from them."""

import dataclasses
import math
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras import balancers
from mtl_keras.balancers import Balancer, Fixed, Setup
from mtl_keras.balancers.gradient import GradientBalancer
from mtl_keras.declaring.references import identifier
from mtl_keras.errors import ConfigError, check
from mtl_keras.layers import MemberMean
from mtl_keras.model.keras_private import made_by, set_trackers
from mtl_keras.model.labels import by_output, by_task
from mtl_keras.model.logs import LossTracker
from mtl_keras.model.partition import Partition, partition_variables
from mtl_keras.model.step import Step
from mtl_keras.model.task_loss import TaskLoss
from mtl_keras.model.task_metrics import TaskMetrics
from mtl_keras.model.xla import draws


@dataclasses.dataclass(frozen=True)
class Compiled:
    """The result of `compile`.

    Attributes:
        step: What the model does with a batch; None if Keras's own step trains it.
        arguments: The arguments of `compile` except the optimizer, to compile again after loading.
        why: Why Keras's own step trains the model, as the end of a sentence; None if it does not.
    """

    step: Step | None
    arguments: dict[str, Any]
    why: str | None = None


class Declared:
    """The arguments of `MultiTaskModel.compile`, checked as far as possible without the graph.

    Args:
        tasks: Names of the outputs.
        arguments: Those of `compile` that Keras knows, by name, without the optimizer.
        balancer: As in `compile`.

    Raises:
        ConfigError: if a task has no loss, a name is unknown, a weight is not finite (or, with a
            balancer, negative), or the balancer cannot be copied.
    """

    def __init__(self, tasks: list[str], arguments: dict[str, Any], balancer: Any) -> None:
        self.tasks = tasks
        losses = by_task(arguments["loss"], tasks, "loss", spread=True)
        self.losses = {task: TaskLoss(task, losses[task]) for task in tasks}
        weights = by_task(arguments["loss_weights"], tasks, "loss_weights")
        self.loss_weights = {task: float(weights.get(task, 1.0)) for task in tasks}
        self.metrics = by_task(arguments["metrics"], tasks, "metrics")
        self.weighted_metrics = by_task(arguments["weighted_metrics"], tasks, "weighted_metrics")
        self.balancer = balancers.get(balancer).fresh()  # the model's own copy: see `Balancer`
        for task, weight in self.loss_weights.items():
            fixed = isinstance(self.balancer, Fixed)
            good = math.isfinite(weight) and (fixed or weight >= 0)
            check(good, f"loss_weights[{task!r}]", f"be finite{'' if fixed else ', >= 0'}", weight)
        self.arguments = {**arguments, "balancer": self.balancer}

    def compiled(self, model: keras.Model) -> Compiled:
        """The step of a model whose optimizer is set, and the arguments that made it.

        Raises:
            ConfigError: if a metric is unknown, or balancer and optimizer are incompatible.
        """
        outputs = by_output(model.output, self.tasks)
        weights = list(self.loss_weights.values())
        metrics = TaskMetrics(self.losses, outputs, self.metrics, self.weighted_metrics)
        partition = partition_variables(model, list(outputs.values()))
        self.balancer.setup(
            Setup(
                tasks=self.tasks,
                loss_weights=weights,
                kinds=[loss.kind for loss in self.losses.values()],
                depths=partition.depths,
                shared_size=sum(int(np.prod(v.shape)) for v in partition.shared),
            )
        )
        _check_balancer(self.balancer, partition, model.optimizer)
        if self.arguments["jit_compile"] is True:
            _warn_of_xla(model)
        inside = _model_inside(model, outputs, partition, self.balancer)
        tracker = LossTracker(self.tasks, weights)
        set_trackers(model, tracker, metrics if metrics.entries else None, tracker.by_task())
        batches = self.arguments["steps_per_execution"]
        step = Step(
            model,
            self.losses,
            partition,
            self.balancer,
            inside,
            tracker,
            metrics,
            batches_per_block=None if batches == "auto" else batches,
        )
        return Compiled(step, self.arguments)


def _check_balancer(balancer: Balancer, partition: Partition, optimizer: Any) -> None:
    name = identifier(type(balancer))
    if balancer.needs != "losses" and not partition.shared and len(partition.own) > 1:
        warnings.warn(
            f"No variable is shared by two outputs, so balancer {name!r} has nothing to "
            "balance: every task is trained by its own gradient only.",
            stacklevel=4,
        )
    apart = partition.apart.get(getattr(balancer, "gradients", ""), []) if partition.shared else []
    if apart:
        raise ConfigError(
            f"Balancer {name!r} with gradients={balancer.gradients!r} measures gradients where "
            "shared layers meet task-specific ones. Of outputs "
            f"{', '.join(repr(balancer.tasks[number]) for number in apart)}, there are none: they "
            "call the shared layers by themselves. Expected gradients='parameters'."
        )
    if balancer.looks_back and getattr(optimizer, "gradient_accumulation_steps", None):
        raise ConfigError(
            f"Balancer {name!r} compares the losses before and after each step, but with "
            "gradient_accumulation_steps set on the optimizer, most steps change nothing. Expected "
            "None. Use a larger batch, or another balancer."
        )


def _warn_of_xla(model: keras.Model) -> None:
    """Warn where XLA is asked for and makes training slower."""
    random = [layer.name for layer in model.layers if draws(layer)]
    if random and not tf.config.list_physical_devices("GPU"):
        warnings.warn(
            f"`jit_compile=True` makes training slower here: without a GPU, XLA is slow at the "
            f"random numbers of {', '.join(random)}. Leave `jit_compile` at its default.",
            stacklevel=4,
        )


def _model_inside(
    model: keras.Model, outputs: dict[str, Any], partition: Partition, balancer: Balancer
) -> keras.Model | None:
    """A model with the inner tensors that a step needs; None if it needs only the outputs."""
    members = {}
    for task, tensor in outputs.items():
        node = made_by(tensor)
        if node is not None and isinstance(node.operation, MemberMean):
            members[task] = node.input_tensors[0]
    looks_at_boundary = (
        isinstance(balancer, GradientBalancer) and balancer.gradients != "parameters"
    )
    boundary = partition.boundary if looks_at_boundary else []
    if not members and not boundary:
        return None
    inside = {"outputs": model.output, "members": members, "boundary": boundary}
    return keras.Model(model.input, inside)
