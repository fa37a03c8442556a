"""DB-MTL: dual balancing (Lin et al., 2023)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.jacobian import JacobianBalancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class DBMTL(JacobianBalancer):
    r"""Gradients of log losses, averaged over steps and scaled to the largest norm among them.

    $g_i = \nabla \log L_i$; $\hat g_i = g_i + \beta k^{-\beta_\sigma} (\hat g_i^{old} - g_i)$ in
    step $k$; $d = \sum_i \alpha_i \hat g_i$ with $\alpha_i = \max_j \lVert \hat g_j \rVert / \lVert
    \hat g_i \rVert$. Losses must not be negative. Keeps K copies of the shared gradient (none
    between steps if `beta=0`). The weights are multiplied by the user's `loss_weights`.

    Args:
        beta: $\beta$ in [0, 1): how much of the running average is kept. Default 0.9 (LibMTL).
        beta_decay: $\beta_\sigma \ge 0$. Default 0.0.

    References:
        Lin, Jiang, Ye, Zhang, Chen, Chen, Liu, Kwok: "Dual-Balancing for Multi-Task Learning",
        2023, https://arxiv.org/abs/2308.12029

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = DBMTL(beta=0.0)
    >>> balancer.setup(Setup(["a", "b"], shared_size=3))
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
    >>> direction, weights = balancer.combine(gradients, tf.ones(2), tf.constant([True, True]))
    >>> weights.numpy().round(3)
    array([1.453, 1.   ], dtype=float32)
    """

    also_called = "dual_balancing dual_balancing_multi_task_learning"
    identifier = "db_mtl"
    own_preferences = True
    scale_invariant = True
    positive_losses = True
    when = "Losses in different units, and noisy gradients."

    def __init__(self, beta: float = 0.9, beta_decay: float = 0.0, **kwargs: Any) -> None:
        check(0 <= beta < 1, "beta", "be in [0, 1)", beta)
        check(beta_decay >= 0, "beta_decay", "be >= 0", beta_decay)
        super().__init__(**kwargs)
        self.beta = beta
        self.beta_decay = beta_decay

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.steps = self.add_state(input_shape, name="steps")
        if self.beta:
            self.averages = self.add_state((*input_shape, self.shared_size), name="averages")

    def combine(
        self, jacobian: tf.Tensor, losses: tf.Tensor, present: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        mask = tf.cast(present, tf.float32)
        logs = mask / self.safe(losses, present)
        steps = tf.convert_to_tensor(self.steps.assign_add(mask))
        if self.beta:
            kept = self.beta * tf.pow(tf.maximum(steps, 1.0), -self.beta_decay)
            old = tf.convert_to_tensor(self.averages.value)
            share = tf.where(present, kept, 1.0)[:, None]
            gradients = share * old + ((1 - kept) * logs)[:, None] * jacobian
            self.averages.assign(gradients)
        else:
            gradients = logs[:, None] * jacobian
        norms = tf.norm(gradients, axis=1)
        largest = tf.reduce_max(mask * norms)
        ratios = mask * self.preferences * tf.math.divide_no_nan(largest, norms)
        return tf.tensordot(ratios, gradients, 1), ratios * logs
