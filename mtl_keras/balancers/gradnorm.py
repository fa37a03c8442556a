"""GradNorm: gradients of equal size, larger for slow tasks (Chen et al., 2018)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers.adam import SmallAdam
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class GradNorm(GramianBalancer):
    r"""Learns weights that equalise the gradient norms, adjusted for each task's training rate.

    With norms $G_i = w_i \lVert \nabla L_i \rVert$ on the last shared layer, their mean $\bar G$
    and the relative inverse training rates
    $r_i = \frac{L_i / L_i(0)}{\mathrm{mean}_j L_j / L_j(0)}$, the weights follow the gradient of
    $\sum_i \lvert G_i - \bar G r_i^\alpha \rvert$ (the target
    held constant), which is $\mathrm{sign}(G_i - \bar G r_i^\alpha) \lVert \nabla L_i \rVert$:
    no second-order gradient is needed. They are then scaled to a sum of K.

    $L(0)$ is the mean loss of the first epoch (in which a task has labels), during which the
    weights are equal (as in LibMTL; in the paper it is the loss of the first batch). The weights
    apply to task-specific parameters, too.

    Args:
        alpha: Float >= 0: how strongly slow tasks are favoured. Default 1.5 (paper).
        learning_rate: Float > 0, learning rate of the Adam that learns the weights. Default 0.025.
        gradients: See `GradientBalancer`. Default `"last_layer"`, as in the paper.
        scale_heads: See `GradientBalancer`. Default True.

    References:
        Chen, Badrinarayanan, Lee, Rabinovich: "GradNorm: Gradient Normalization for Adaptive Loss
        Balancing in Deep Multitask Networks", ICML 2018, https://arxiv.org/abs/1711.02257

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = GradNorm()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.end_epoch(np.array([1.0, 1.0]), np.ones(2))
    >>> gramian = tf.constant([[4.0, 0.0], [0.0, 1.0]], tf.float64)
    >>> for _ in range(200):
    ...     weights = balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian)
    >>> weights.numpy().round(1)
    array([0.7, 1.3], dtype=float32)
    """

    also_called = "gradient_normalization"
    identifier = "gradnorm"
    when = "Deep trunks where one task's gradient dominates, and tasks learn at different speeds."

    def __init__(
        self,
        alpha: float = 1.5,
        learning_rate: float = 0.025,
        gradients: str = "last_layer",
        scale_heads: bool = True,
        **kwargs: Any,
    ) -> None:
        check(alpha >= 0, "alpha", "be >= 0", alpha)
        check(learning_rate > 0, "learning_rate", "be > 0", learning_rate)
        super().__init__(gradients=gradients, scale_heads=scale_heads, **kwargs)
        self.alpha = alpha
        self.learning_rate = learning_rate

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.task_weights = self.add_state(input_shape, 1.0, name="task_weights")
        self.first = self.add_state(input_shape, np.nan, name="first")
        self.adam = SmallAdam(self, input_shape[0], self.learning_rate)

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        mask = tf.cast(present, tf.float32)
        count = tf.maximum(tf.reduce_sum(mask), 1.0)
        weights = tf.convert_to_tensor(self.task_weights.value)
        norms = tf.cast(tf.sqrt(tf.linalg.diag_part(gramian)), tf.float32)
        norms = norms / tf.maximum(tf.reduce_sum(norms) / count, 1e-30)  # Adam ignores their size
        first = tf.convert_to_tensor(self.first.value)
        known = tf.math.is_finite(first)
        share = mask * tf.where(known, losses / tf.where(known, first, 1.0), 1.0)
        rate = share / tf.maximum(tf.reduce_sum(share) / count, 1e-30)
        target = tf.reduce_sum(weights * norms) / count * tf.pow(rate, self.alpha)
        ready = present & known
        self.adam.apply(self.task_weights, tf.sign(weights * norms - target) * norms, ready)
        moved = tf.maximum(tf.convert_to_tensor(self.task_weights.value), 1e-3)
        scale = count / tf.reduce_sum(mask * moved)
        self.task_weights.assign(tf.where(ready, moved * scale, moved))
        return weights

    def on_epoch_end(self, losses: np.ndarray, labels: np.ndarray) -> None:
        first = self.first.numpy()
        new = np.isnan(first) & np.isfinite(losses) & (losses > 0)
        self.first.assign(np.where(new, losses, first))
