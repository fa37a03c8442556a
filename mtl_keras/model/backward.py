"""The backward pass: a balancer's decision in, one gradient per trainable variable out."""

from collections.abc import Collection, Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import Balancer
from mtl_keras.balancers.decision import Decision, Measured
from mtl_keras.balancers.gradient import GradientBalancer
from mtl_keras.model.forward import Forward, over_replicas
from mtl_keras.model.gradients import ByVariable, complete, of_sum, total, weighted
from mtl_keras.model.measuring import TaskGradients, measuring_for
from mtl_keras.model.partition import Partition

Variables = Sequence[keras.Variable]


def balanced(
    balancer: Balancer,
    forward: Forward,
    partition: Partition,
    variables: Variables,
    measures: bool | None = None,
) -> tuple[list[Any], Decision]:
    """Gradients of all trainable variables (None where no loss reaches), and the decision.

    Shared variables get the balanced gradient; task-specific ones get the gradient of their task,
    times `own_weights`; the gradients of added losses are added to both. All are those of all
    replicas' rows; what was summed over the replicas to be measured is not sent again.

    Args:
        balancer: The balancer.
        forward: The forward pass.
        partition: What is shared.
        variables: All trainable variables, in the order of the gradients.
        measures: Whether this step measures the tasks' gradients, where a balancer keeps its
            weights for several steps. Default None: as the balancer says when the step runs.
    """
    if not isinstance(balancer, GradientBalancer):
        decision = balancer.decide(Measured(forward.means), forward.present)
        return _of_weighted_sum(decision, forward, partition, variables), decision
    measuring = measuring_for(balancer, partition)

    def fresh() -> tuple[list[Any], Decision]:
        measured, gradients = measuring.measure(forward)
        decision = balancer.decide(measured, forward.present)
        shared = measuring.shared_gradients(decision, gradients, forward)
        rest = _own(decision, gradients, partition)
        if forward.added is not None:
            added = forward.tape.gradient(forward.added, [v.value for v in variables])
            rest = _sum(rest, {id(v): g for v, g in zip(variables, added) if g is not None})
        if measuring.summed:
            whole = _sum(shared, _over_replicas(rest, variables, forward))
        else:
            whole = _over_replicas(_sum(shared, rest), variables, forward)
        complete_ones = complete(variables, whole, partition.reached)
        return _unless_overflown(complete_ones, measured, forward), decision

    if balancer.update_every == 1:
        return fresh()

    def fresh_and_kept() -> tuple[list[Any], Decision]:
        gradients, decision = fresh()
        balancer.keep(decision, forward.present)
        return gradients, decision._replace(direction=None)  # same structure as the other branch

    def kept() -> tuple[list[Any], Decision]:
        decision = balancer.kept_decision(forward.present)
        gradients = _of_weighted_sum(decision, forward, partition, variables, partition.reached)
        dense = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
        return dense, decision  # like the other

    due = balancer.is_due()
    balancer.count_step()
    if measures is None:
        return tf.cond(due, fresh_and_kept, kept)
    return fresh_and_kept() if measures else kept()


def _of_weighted_sum(
    decision: Decision,
    forward: Forward,
    partition: Partition,
    variables: Variables,
    reached: Collection[int] = (),
) -> list[Any]:
    """One backward pass of the weighted sum of the losses; a second one if own weights differ."""
    if decision.own_weights is None:
        gradients = of_sum(forward, decision.weights, variables)
    else:
        own = {id(v) for own_variables in partition.own for v in own_variables}
        gradients = of_sum(forward, decision.weights, [v for v in variables if id(v) not in own])
        gradients |= of_sum(forward, decision.own_weights, [v for v in variables if id(v) in own])
    return complete(variables, _over_replicas(gradients, variables, forward), reached)


def _unless_overflown(gradients: list[Any], measured: Measured, forward: Forward) -> list[Any]:
    """The gradients; NaN where the loss scale has made a task's gradient overflow.

    A balancer leaves out a task whose gradient is not finite. The step would then look sound to the
    optimizer, which lowers its loss scale only if it sees the overflow: the task would never be
    trained.
    """
    number = next((n for n, gradient in enumerate(gradients) if gradient is not None), None)
    if forward.scale is None or number is None:
        return gradients
    if measured.jacobian is not None:
        finite = tf.reduce_all(tf.math.is_finite(measured.jacobian), axis=1)
    else:
        finite = tf.math.is_finite(tf.linalg.diag_part(measured.gramian))
    overflown = tf.reduce_any(forward.present & ~finite) & (forward.scale > 1)
    first = tf.convert_to_tensor(gradients[number])
    seen = tf.where(overflown, tf.constant(float("nan"), first.dtype), first)
    return [*gradients[:number], seen, *gradients[number + 1 :]]


def _own(decision: Decision, gradients: TaskGradients, partition: Partition) -> ByVariable:
    """The gradients of the task-specific variables."""
    own_weights = tf.unstack(decision.own_weights)
    return {
        id(v): weighted(part, weight)
        for own, parts, weight in zip(partition.own, gradients.own, own_weights)
        for v, part in zip(own, parts)
    }


def _sum(one: ByVariable, other: ByVariable) -> ByVariable:
    """The sum of gradients; of a variable that only one of them has, that one's."""
    return one | {key: total(gradient, one.get(key)) for key, gradient in other.items()}


def _over_replicas(gradients: ByVariable, variables: Variables, forward: Forward) -> ByVariable:
    """Gradients of all replicas' rows."""
    keys = [id(v) for v in variables if id(v) in gradients]
    if forward.replicas == 1 or not keys:
        return gradients
    dense = [tf.convert_to_tensor(gradients[key]) for key in keys]  # tables differ in their rows
    return dict(zip(keys, over_replicas(dense, forward.replicas)))
