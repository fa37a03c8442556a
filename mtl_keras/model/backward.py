"""The backward pass: a balancer's decision in, one gradient per trainable variable out."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from mtl_keras.balancers import Balancer
from mtl_keras.balancers.decision import Decision, Measured
from mtl_keras.balancers.gradient import GradientBalancer
from mtl_keras.model.forward import Forward
from mtl_keras.model.gradients import complete, of_sum, total, weighted
from mtl_keras.model.measuring import TaskGradients, measuring_for
from mtl_keras.model.partition import Partition

Variables = Sequence[keras.Variable]


def balanced(
    balancer: Balancer, forward: Forward, partition: Partition, variables: Variables
) -> tuple[list[tf.Tensor], Decision]:
    """Gradients of all trainable variables, and the balancer's decision.

    Shared variables get the balanced gradient; task-specific ones get the gradient of their task,
    times `own_weights`; the gradients of added losses are added to both.

    Args:
        balancer: The balancer.
        forward: The forward pass.
        partition: What is shared.
        variables: All trainable variables, in the order of the gradients.
    """
    if not isinstance(balancer, GradientBalancer):
        decision = balancer.decide(Measured(forward.means), forward.present)
        return backward_of_sum(decision, forward, partition, variables), decision
    measuring = measuring_for(balancer, partition)

    def fresh() -> tuple[list[tf.Tensor], Decision]:
        measured, gradients = measuring.measure(forward)
        decision = balancer.decide(measured, forward.present)
        shared = measuring.shared_gradients(decision, gradients, forward)
        return _with_own(shared, decision, gradients, forward, partition, variables), decision

    if balancer.update_every == 1:
        return fresh()

    def fresh_and_kept() -> tuple[list[tf.Tensor], Decision]:
        gradients, decision = fresh()
        balancer.keep(decision)
        return gradients, decision._replace(direction=None)  # same structure as the other branch

    def kept() -> tuple[list[tf.Tensor], Decision]:
        decision = balancer.kept_decision(forward.present)
        gradients = backward_of_sum(decision, forward, partition, variables)
        return [tf.convert_to_tensor(g) for g in gradients], decision  # dense, like the other

    return tf.cond(balancer.count_step(), fresh_and_kept, kept)


def backward_of_sum(
    decision: Decision, forward: Forward, partition: Partition, variables: Variables
) -> list[tf.Tensor]:
    """One backward pass of the weighted sum of the losses; a second one if own weights differ."""
    if decision.own_weights is None:
        return complete(variables, of_sum(forward, decision.weights, variables))
    own = {id(v) for own_variables in partition.own for v in own_variables}
    gradients = of_sum(forward, decision.weights, [v for v in variables if id(v) not in own])
    gradients |= of_sum(forward, decision.own_weights, [v for v in variables if id(v) in own])
    return complete(variables, gradients)


def _with_own(
    gradients: dict[int, tf.Tensor],
    decision: Decision,
    task_gradients: TaskGradients,
    forward: Forward,
    partition: Partition,
    variables: Variables,
) -> list[tf.Tensor]:
    """Complete the shared gradients by each task's own ones and those of added losses."""
    own_weights = tf.unstack(decision.own_weights)
    for own, parts, weight in zip(partition.own, task_gradients.own, own_weights):
        gradients |= {id(v): weighted(part, weight) for v, part in zip(own, parts)}
    if forward.added is not None:
        added = forward.tape.gradient(forward.added, [v.value for v in variables])
        for v, gradient in zip(variables, added):
            gradients[id(v)] = total(gradient, gradients.get(id(v)))
    return complete(variables, gradients)
