"""CAGrad: conflict-averse gradient descent (Liu et al., 2021)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class CAGrad(GramianBalancer):
    r"""The best step for the worst task within a ball around the mean gradient.

    With the mean gradient $g_0$ and $g_w = J^\top w$,

    $$w^* = \arg\min_{w \in \Delta} g_w \cdot g_0 + c \lVert g_0 \rVert \lVert g_w \rVert,
    \qquad d = g_0 + c \frac{\lVert g_0 \rVert}{\lVert g_{w^*} \rVert} g_{w^*},$$

    divided by $1 + c^2$. $c = 0$ gives the mean gradient, $c \to \infty$ the direction of MGDA.
    With `loss_weights`, $g_0$ is the weighted mean. Solved by an interior-point method.

    Args:
        c: Float >= 0, radius of the ball relative to $\lVert g_0 \rVert$; below 1 the method
            converges to a stationary point of the mean loss. Default 0.5 (paper).
        rescale: Whether to divide by $1 + c^2$, as the authors do. Default True.

    References:
        Liu, Liu, Jin, Stone, Liu: "Conflict-Averse Gradient Descent for Multi-task Learning",
        NeurIPS 2021, https://arxiv.org/abs/2110.14048, algorithm 1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = CAGrad(rescale=False)
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([0.7041, 0.5   ])
    """

    also_called = "conflict_averse_gradient_descent conflict_averse"
    paper_reduction = "mean"
    own_preferences = True
    weight_if_alike = "(1 + c) / (1 + c²)"
    when = "Lowers the mean loss without leaving a task behind."

    def __init__(self, c: float = 0.5, rescale: bool = True, **kwargs: Any) -> None:
        check(c >= 0, "c", "be >= 0", c)
        super().__init__(**kwargs)
        self.c = c
        self.rescale = rescale

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        mean = self.mean(present)
        w, ratio = solvers.most_averse(gramian, mean, self.c, present)
        weights = mean + self.c * ratio * w
        return weights / (1 + self.c**2) if self.rescale else weights

    def mean(self, present: tf.Tensor) -> tf.Tensor:
        """The weights of the gradients in their mean."""
        preferences = normalised(self.preferences, present)
        return preferences / tf.reduce_sum(preferences)

    def residual(self, weights: tf.Tensor, gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """The duality gap: what the worst task could gain beyond this step, relative to its slope.

        It counts, too, how far the step leaves the ball.
        """
        mean = self.mean(present)
        whole = weights * (1 + self.c**2) if self.rescale else weights
        slopes = tf.linalg.matvec(gramian, whole)
        added = whole - mean
        total = tf.reduce_sum(added)
        w = tf.where(total > 1e-12, added / tf.maximum(total, 1e-12), mean)

        def length(v: tf.Tensor) -> tf.Tensor:
            return tf.sqrt(tf.maximum(tf.tensordot(v, tf.linalg.matvec(gramian, v), 1), 0.0))

        radius = self.c * length(mean)
        best = tf.tensordot(w, tf.linalg.matvec(gramian, mean), 1) + radius * length(w)
        worst = tf.reduce_min(tf.where(present, slopes, float("inf")))
        size = (1 + self.c) * length(mean) * tf.reduce_sum(w * solvers.lengths(gramian, present))
        gap = tf.math.divide_no_nan(best - worst, size)
        outside = tf.math.divide_no_nan(length(added) - radius, radius)
        return tf.maximum(gap, outside) if self.c else tf.zeros([], gramian.dtype)
