"""MGDA: multiple-gradient descent (Désidéri, 2012; Sener and Koltun, 2018)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class MGDA(GramianBalancer):
    r"""The shortest vector in the convex hull of the gradients.

    $$\min_{\alpha \ge 0,\ \sum \alpha_i = 1} \tfrac12 \alpha^\top G \alpha$$

    Its inner product with every gradient is at least its squared length, so no loss rises; it is 0
    exactly where no direction lowers all losses. It favours tasks with small gradients.

    `gradients="representation"` gives MGDA-UB, the paper's fast variant. Solved by an
    interior-point method to about 1e-12, where the papers use Frank-Wolfe.

    Args:
        normalisation: How gradients are scaled before the weights are computed, as in the authors'
            code (the weights are then applied to the unscaled gradients): `"none"` (default),
            `"l2"` (by their norm), `"loss"` (by their loss, which must not be negative),
            `"loss+"` (by both).

    References:
        Désidéri: "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization",
        Comptes Rendus Mathématique 350, 2012. Sener, Koltun: "Multi-Task Learning as
        Multi-Objective Optimization", NeurIPS 2018, https://arxiv.org/abs/1810.04650

    Example:

    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> MGDA().weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([0.6, 0.4])
    """

    also_called = "multiple_gradient_descent_algorithm min_norm multi_objective_optimization"
    paper_reduction = "mean"
    non_conflicting = True
    when = "No task may get worse. Set `normalisation` if gradients differ in size."

    def __init__(self, normalisation: str = "none", **kwargs: Any) -> None:
        known = ("none", "l2", "loss", "loss+")
        check(normalisation in known, "normalisation", f"be one of {known}", normalisation)
        super().__init__(**kwargs)
        self.normalisation = normalisation
        self.positive_losses = "loss" in normalisation

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        scale = tf.ones_like(gramian[0])
        if self.normalisation in ("l2", "loss+"):
            scale *= tf.math.rsqrt(tf.where(present, tf.linalg.diag_part(gramian), scale))
        if self.normalisation in ("loss", "loss+"):
            scale /= tf.cast(self.safe(losses, present), scale.dtype)
        return solvers.min_norm(gramian * scale[:, None] * scale, present)

    def residual(self, weights: tf.Tensor, gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        if self.normalisation != "none":
            return tf.zeros([], gramian.dtype)
        slopes = tf.where(present, tf.linalg.matvec(gramian, weights), float("inf"))
        size = tf.tensordot(weights, solvers.lengths(gramian, present), 1)
        square = tf.tensordot(weights, tf.linalg.matvec(gramian, weights), 1)
        return tf.math.divide_no_nan(square - tf.reduce_min(slopes), size**2)
