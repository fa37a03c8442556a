"""UPGrad: unconflicting projection of gradients (Quinton and Rey, 2024)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.errors import check


class ProjectingBalancer(GramianBalancer):
    """Base class of UPGrad and DualProj: projection onto the dual cone of the gradients."""

    paper_reduction = "mean"
    own_preferences = True
    non_conflicting = True

    def __init__(self, regularisation: float = 1e-4, **kwargs: Any) -> None:
        check(regularisation > 0, "regularisation", "be > 0", regularisation)
        super().__init__(**kwargs)
        self.regularisation = regularisation

    def wanted(self, present: tf.Tensor) -> tf.Tensor:
        """The coefficients of the mean gradient."""
        preferences = normalised(self.preferences, present)
        return preferences / tf.reduce_sum(tf.cast(present, preferences.dtype))

    def projected(
        self, preferences: tf.Tensor, gramian: tf.Tensor, present: tf.Tensor
    ) -> tf.Tensor:
        """Coefficients of the projection of `preferences @ J` onto the cone {x: J x >= 0}."""
        mask = tf.cast(present, gramian.dtype)
        gramian = solvers.definite(gramian, present)
        unit = gramian / tf.linalg.trace(gramian) + self.regularisation * tf.linalg.diag(mask)
        return solvers.dual_cone(unit, preferences, present)


@keras.saving.register_keras_serializable("mtl_keras")
class UPGrad(ProjectingBalancer):
    r"""Projects each gradient onto the cone of directions that raise no loss, then averages.

    For each task $v_i = \arg\min v^\top \tilde G v$ subject to $v \ge \frac{p_i}{K} e_i$, with
    $\tilde G = G / \mathrm{tr}\, G + \epsilon I$; $w = \sum_i v_i$ and $d = J^\top w$. $p$ is the
    user's `loss_weights`. Linear under positive scaling of each gradient, up to the regularisation.
    For two tasks the result is half of PCGrad's. All K problems are solved at once by an
    interior-point method.

    Args:
        regularisation: $\epsilon$ > 0. Default 1e-4 (TorchJD).

    References:
        Quinton, Rey: "Jacobian Descent for Multi-Objective Optimization", 2024,
        https://arxiv.org/abs/2406.16232, section 3.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = UPGrad()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([1.1109, 0.7894])
    """

    also_called = "unconflicting_projection_of_gradients jacobian_descent"
    when = "No loss may rise, but large gradients should keep their influence."

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        each = tf.linalg.diag(self.wanted(present))
        return tf.reduce_sum(self.projected(each, gramian, present), 0)
