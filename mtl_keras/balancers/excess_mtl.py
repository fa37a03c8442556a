"""ExcessMTL: weights by excess risk (He et al., 2024)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.jacobian import JacobianBalancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class ExcessMTL(JacobianBalancer):
    r"""Weights by how far each task is from its own optimum, so that noisy labels count less.

    With accumulators $S_i \leftarrow S_i + g_i^2$ per coordinate, the excess risk is estimated as
    $e_i = \sum g_i^2 / \sqrt{S_i + 10^{-7}}$, divided by its value in the task's first step; $w_i
    \leftarrow w_i e^{\eta e_i}$, then scaled to a mean of 1 over the present tasks. The weights
    apply to task-specific parameters, too. Keeps K copies of the shared gradient.

    Departure from the paper: the initial value is that of one step, as in LibMTL (the paper
    averages over three epochs).

    Args:
        step_size: $\eta$ > 0. Default 0.01 (LibMTL).
        scale_heads: See `GradientBalancer`. Default True.

    References:
        He, Zhou, Zhang, Li, Guo, Zhao, others: "Robust Multi-Task Learning with Excess Risks",
        ICML 2024, https://arxiv.org/abs/2402.02009

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = ExcessMTL()
    >>> balancer.setup(Setup(["a", "b"], shared_size=2))
    >>> direction, weights = balancer.combine(tf.eye(2), tf.ones(2), tf.constant([True, True]))
    >>> weights.numpy()
    array([1., 1.], dtype=float32)
    """

    also_called = "excess_risk excess_risk_weighting"
    when = "Tasks with noisy labels, which loss-based weights would favour."

    def __init__(self, step_size: float = 0.01, scale_heads: bool = True, **kwargs: Any) -> None:
        check(step_size > 0, "step_size", "be > 0", step_size)
        super().__init__(scale_heads=scale_heads, **kwargs)
        self.step_size = step_size

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.squares = self.add_state((*input_shape, self.shared_size), name="squares")
        self.first = self.add_state(input_shape, name="first")
        self.task_weights = self.add_state(input_shape, 1.0, name="task_weights")

    def combine(
        self, jacobian: tf.Tensor, losses: tf.Tensor, present: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        mask = tf.cast(present, tf.float32)
        squares = tf.convert_to_tensor(self.squares.assign_add(jacobian**2))
        risk = tf.reduce_sum(jacobian**2 / tf.sqrt(squares + 1e-7), 1)
        first = tf.convert_to_tensor(self.first.value)
        first = tf.where(present & (first == 0), risk, first)
        self.first.assign(first)
        relative = mask * tf.math.divide_no_nan(risk, first)
        old = tf.convert_to_tensor(self.task_weights.value)
        grown = old * tf.exp(self.step_size * relative)
        scale = tf.reduce_sum(mask) / tf.maximum(tf.reduce_sum(mask * grown), 1e-30)
        weights = tf.where(present, grown * scale, old)
        self.task_weights.assign(weights)
        return tf.tensordot(mask * weights, jacobian, 1), weights
