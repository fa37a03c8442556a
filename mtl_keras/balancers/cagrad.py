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

    paper_reduction = "mean"
    own_preferences = True
    when = "To lower the mean loss without leaving a task behind."

    def __init__(self, c: float = 0.5, rescale: bool = True, **kwargs: Any) -> None:
        check(c >= 0, "c", "be >= 0", c)
        super().__init__(**kwargs)
        self.c = c
        self.rescale = rescale

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        unit = gramian / tf.reduce_max(tf.linalg.diag_part(gramian))
        count = tf.reduce_sum(tf.cast(present, unit.dtype))
        mean = normalised(self.preferences, present) / count
        with_mean = tf.linalg.matvec(unit, mean)
        radius = self.c * tf.sqrt(tf.maximum(tf.tensordot(mean, with_mean, 1), 0.0))
        w = solvers.most_averse(unit, with_mean, radius, present)
        length = tf.sqrt(tf.tensordot(w, tf.linalg.matvec(unit, w), 1) + 1e-16)
        weights = mean + radius / length * w
        return weights / (1 + self.c**2) if self.rescale else weights
