"""FairGrad: alpha-fair gradients (Ban and Ji, 2024)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class FairGrad(GramianBalancer):
    r"""The alpha-fair division of the improvement: $G w = w^{-1/\alpha}$, $d = J^\top w$.

    $\alpha \to 0$ approaches the plain sum, $\alpha = 1$ is Nash-MTL, $\alpha \to \infty$ favours
    the worst task, as MGDA does. With `loss_weights` p, $G w = p\, w^{-1/\alpha}$.

    Departure from the paper: the convex problem whose optimality condition the equation is gets
    solved by Newton's method, instead of a nonlinear least-squares routine.

    Args:
        alpha: Float > 0. Default 2.0 (the authors' runs; LibMTL has 1).

    References:
        Ban, Ji: "Fair Resource Allocation in Multi-Task Learning", ICML 2024,
        https://arxiv.org/abs/2402.15638, equation 6.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = FairGrad(alpha=2.0)
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([0.4714, 0.3195])
    """

    also_called = "fair_resource_allocation"
    identifier = "fairgrad"
    own_preferences = True
    non_conflicting = True
    weight_if_alike = "(K · the gradient's squared length)^(-α / (1 + α))"
    when = "An adjustable trade-off between the best sum and the best worst task."

    def __init__(self, alpha: float = 2.0, **kwargs: Any) -> None:
        check(alpha > 0, "alpha", "be > 0", alpha)
        super().__init__(**kwargs)
        self.alpha = alpha

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        preferences = normalised(self.preferences, present)
        return solvers.bargain(gramian, preferences, present, self.alpha)

    def residual(self, weights: tf.Tensor, gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        mask = tf.cast(present, weights.dtype)
        wanted = normalised(self.preferences, present)
        power = tf.pow(weights + 1 - mask, 1 / self.alpha)
        return tf.reduce_max(tf.abs(power * tf.linalg.matvec(gramian, weights) - wanted))
