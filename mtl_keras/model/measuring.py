"""Which gradients are measured, and how a decision becomes the shared gradient.

There are three ways with one interface: the gradients of all shared parameters, of the last shared
layers' parameters only, or of the tensors where shared layers meet task-specific ones.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers.decision import Decision, Measured
from mtl_keras.balancers.gradient import GradientBalancer
from mtl_keras.model.forward import Forward, Half, over_replicas
from mtl_keras.model.gradients import ByVariable, dense, gramian, mixed, of_sum, row
from mtl_keras.model.partition import Partition


class TaskGradients(NamedTuple):
    """Each task's gradients: lists with an entry per task, in the order of the tasks.

    Attributes:
        measured: Gradients of what the balancer looks at.
        further: Further gradients that the shared gradient is made from.
        own: Gradients of the task-specific variables.
    """

    measured: list[list[tf.Tensor]]
    further: list[list[tf.Tensor]]
    own: list[list[tf.Tensor]]


class Parameters:
    """Gradients of the shared parameters: K backward passes through the whole network.

    Args:
        partition: What is shared.
        jacobian: Whether the balancer needs the gradients themselves, not their Gramian.
    """

    summed = True  # the shared gradients are those of all replicas' rows

    def __init__(self, partition: Partition, jacobian: bool = False) -> None:
        self.partition, self.jacobian = partition, jacobian

    def measure(self, forward: Forward) -> tuple[Measured, TaskGradients]:
        """What the balancer sees, and the gradients that it was found from."""
        shared = [v.value for v in self.partition.shared]
        gradients = _per_task(forward, self.partition, shared, [])
        whole = _summed_over_replicas(gradients.measured, forward)
        gradients = gradients._replace(measured=whole)
        if forward.half is not None:
            return self._measured_twice(forward, forward.half, whole), gradients
        if not self.jacobian:
            return Measured(forward.means, gramian(whole, forward.scale)), gradients
        rows = tf.stack([row(parts) for parts in whole])
        if forward.scale is not None:
            rows = rows / forward.scale
        return Measured(forward.means, jacobian=rows), gradients

    def _measured_twice(
        self, forward: Forward, half: Half, whole: list[list[tf.Tensor]]
    ) -> Measured:
        """The Gramian, and the inner products between the gradients of the batch's two halves.

        The second half is what is missing from the first to the whole.
        """
        shared = [v.value for v in self.partition.shared]
        first = [
            [dense(g, v) for g, v in zip(forward.tape.gradient(loss, shared), shared)]
            for loss in half.losses
        ]
        first = _summed_over_replicas(first, forward)
        second = [[w - f for w, f in zip(*parts)] for parts in zip(whole, first)]
        tasks = len(whole)
        products = gramian([*first, *second], forward.scale)
        within, across = products[:tasks, :tasks], products[:tasks, tasks:]
        total = within + across + tf.transpose(across) + products[tasks:, tasks:]
        shares = tf.math.divide_no_nan(half.totals, forward.totals)  # of the first half
        shares = tf.where((shares > 1e-6) & (shares < 1 - 1e-6), shares, np.inf)  # labels in both
        means = 1 / shares[:, None] / (1 - shares)
        return Measured(forward.means, total, halves=across * means)

    def shared_gradients(
        self, decision: Decision, gradients: TaskGradients, forward: Forward
    ) -> ByVariable:
        """The gradients of the shared variables that follow from a decision."""
        shared = self.partition.shared
        if decision.direction is None:
            columns = zip(*gradients.measured)
            return {id(v): mixed(list(c), decision.weights) for v, c in zip(shared, columns)}
        direction = decision.direction
        if not shared:
            return {}
        if forward.scale is not None:
            direction = direction * forward.scale
        sizes = [int(np.prod(v.shape)) for v in shared]
        parts = tf.split(direction, sizes)
        return {id(v): tf.reshape(part, v.shape) for v, part in zip(shared, parts)}


class LastLayer:
    """Gradients of the parameters of the last shared layers: K passes back to those layers."""

    summed = False

    def __init__(self, partition: Partition) -> None:
        self.partition = partition

    def measure(self, forward: Forward) -> tuple[Measured, TaskGradients]:
        """What the balancer sees, and the gradients that it was found from."""
        partition = self.partition
        last = [v.value for v in partition.last]
        further = [*forward.boundary, *(v.value for v in partition.late)]
        gradients = _per_task(forward, partition, last, further)
        whole = _summed_over_replicas(gradients.measured, forward)
        gradients = gradients._replace(measured=whole)
        return Measured(forward.means, gramian(whole, forward.scale)), gradients

    def shared_gradients(
        self, decision: Decision, gradients: TaskGradients, forward: Forward
    ) -> ByVariable:
        """The gradients of the shared variables that follow from a decision."""
        count = len(forward.boundary)
        at_boundary = [parts[:count] for parts in gradients.further]
        late = [parts[count:] for parts in gradients.further]
        return _through_boundary(decision, at_boundary, late, self.partition, forward)


class Representation:
    """Gradients of the tensors between shared and task-specific layers: about one pass in total."""

    summed = False

    def __init__(self, partition: Partition) -> None:
        self.partition = partition

    def measure(self, forward: Forward) -> tuple[Measured, TaskGradients]:
        """What the balancer sees, and the gradients that it was found from."""
        late = [v.value for v in self.partition.late]
        gradients = _per_task(forward, self.partition, list(forward.boundary), late)
        products = gramian(gradients.measured, forward.scale)
        # Each replica has different rows, so the products are summed, not the gradients.
        return Measured(forward.means, over_replicas(products, forward.replicas)), gradients

    def shared_gradients(
        self, decision: Decision, gradients: TaskGradients, forward: Forward
    ) -> ByVariable:
        """The gradients of the shared variables that follow from a decision."""
        at_boundary, late = gradients.measured, gradients.further
        return _through_boundary(decision, at_boundary, late, self.partition, forward)


Measuring = Parameters | LastLayer | Representation


def measuring_for(balancer: GradientBalancer, partition: Partition) -> Measuring:
    """The way of measuring that a balancer needs."""
    if balancer.gradients == "last_layer":
        return LastLayer(partition)
    if balancer.gradients == "representation":
        return Representation(partition)
    return Parameters(partition, jacobian=balancer.needs == "jacobian")


def _per_task(
    forward: Forward, partition: Partition, measured: list[tf.Tensor], further: list[tf.Tensor]
) -> TaskGradients:
    """One backward pass per task, to what is measured and to the task-specific variables."""
    per_task = TaskGradients([], [], [])
    start, stop = len(measured), len(measured) + len(further)
    for loss, own in zip(forward.losses, partition.own):
        sources = [*measured, *further, *(v.value for v in own)]
        gradients = forward.tape.gradient(loss, sources) if sources else []
        parts = [dense(gradient, source) for gradient, source in zip(gradients, sources)]
        per_task.measured.append(parts[:start])
        per_task.further.append(parts[start:stop])
        per_task.own.append(parts[stop:])
    return per_task


def _summed_over_replicas(rows: list[list[tf.Tensor]], forward: Forward) -> list[list[tf.Tensor]]:
    """The tasks' gradients, summed over the replicas as one tensor."""
    if forward.replicas == 1 or not rows[0]:
        return rows
    whole = over_replicas(tf.stack([row(parts) for parts in rows]), forward.replicas)
    sizes = [part.shape.num_elements() for part in rows[0]]
    return [
        [
            tf.cast(tf.reshape(part, like.shape), like.dtype)
            for part, like in zip(tf.split(flat, sizes), parts)
        ]
        for flat, parts in zip(tf.unstack(whole), rows)
    ]


def _through_boundary(
    decision: Decision,
    at_boundary: list[list[tf.Tensor]],
    late: list[list[tf.Tensor]],
    partition: Partition,
    forward: Forward,
) -> ByVariable:
    """Gradients of the shared variables: one backward pass from the boundary on.

    Args:
        at_boundary: For each task, its gradients of the boundary's tensors.
        late: For each task, its gradients of the shared variables used again past the boundary,
            over all paths, those through the boundary included.
    """
    shared: list[keras.Variable] = partition.shared
    if partition.nested:  # the gradients at the boundary would count the inner part twice
        return of_sum(forward._replace(added=None), decision.weights, shared)
    seeds = [mixed(list(column), decision.weights) for column in zip(*at_boundary)]
    sources = [v.value for v in shared]
    in_order = forward.tape.gradient(forward.boundary, sources, output_gradients=seeds)
    gradients = {id(v): g for v, g in zip(shared, in_order) if g is not None}
    for v, column in zip(partition.late, zip(*late)):
        gradients[id(v)] = mixed(list(column), decision.weights)
    return gradients
