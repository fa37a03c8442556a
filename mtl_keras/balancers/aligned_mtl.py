"""Aligned-MTL: orthogonal gradients of equal length (Senushkin et al., 2023)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class AlignedMTL(GramianBalancer):
    r"""Replaces the gradients by the nearest orthogonal ones of equal length, then averages them.

    With $G = V \Lambda V^\top$ over the eigenvalues above the numerical rank, $B = \sqrt{\lambda}\,
    V \Lambda^{-1/2} V^\top$ and $w = B p / K$; the rows of $B J$ have condition number 1. $p$ is
    the user's `loss_weights`. `gradients="representation"` gives Aligned-MTL-UB.

    Args:
        scale: Which $\lambda$ of the retained eigenvalues sets the length: `"min"` (default,
            paper), `"median"` or `"rmse"` (their mean).

    References:
        Senushkin, Patakin, Kuznetsov, Konushin: "Independent Component Alignment for Multi-Task
        Learning", CVPR 2023, https://arxiv.org/abs/2305.19000, algorithm 1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = AlignedMTL()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([0.5591, 0.4083])
    """

    also_called = "independent_component_alignment aligned_multi_task_learning"
    paper_reduction = "mean"
    own_preferences = True
    xla = False
    when = "Stable training where gradients differ greatly in size and direction."

    def __init__(self, scale: str = "min", **kwargs: Any) -> None:
        known = ("min", "median", "rmse")
        check(scale in known, "scale", f"be one of {known}", scale)
        super().__init__(**kwargs)
        self.scale = scale

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        count = tf.reduce_sum(tf.cast(present, gramian.dtype))
        values, vectors = tf.linalg.eigh(gramian)  # ascending
        # The rank is read from the cosines: a short gradient is no rounding error of a long one.
        cosines, _ = solvers.spectrum(gramian, present)
        kept = solvers.independent(cosines)  # the largest ones, of both matrices
        number = tf.reduce_sum(tf.cast(kept, tf.int32))
        safe = tf.where(kept, values, values[-1])
        if self.scale == "min":
            scale = tf.reduce_min(safe)
        elif self.scale == "rmse":
            kept_values = tf.where(kept, values, tf.zeros_like(values))
            scale = tf.reduce_sum(kept_values) / tf.cast(number, values.dtype)
        else:  # the lower one of two, as the authors' code has it
            scale = tf.gather(values, values.shape[0] - number + (number - 1) // 2)
        inverse = tf.where(kept, tf.sqrt(scale / safe), tf.zeros_like(values))
        preferences = normalised(self.preferences, present) / count
        return tf.linalg.matvec(
            vectors * inverse, tf.linalg.matvec(vectors, preferences, transpose_a=True)
        )
