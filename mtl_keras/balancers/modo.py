"""MoDo: multi-objective gradient with double sampling (Chen et al., 2023)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.gradient import HalvesBalancer
from mtl_keras.balancers.shares import Shares, projected
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class MoDo(HalvesBalancer):
    r"""Follows the min-norm direction with weights learned from two independent mini-batches.

    With the gradients $J_1$ and $J_2$ of the two halves of a batch (see `HalvesBalancer`), and J of
    the whole, which is their mean:

    $$\lambda \leftarrow \Pi_\Delta \left( \lambda - \gamma (J_1 J_2^\top + \rho I) \lambda \right),
    \qquad d = J^\top \lambda.$$

    $J_1 J_2^\top$ is unbiased, where the Gramian of one batch, $J J^\top$, has the noise of the
    batch on its diagonal. $\lambda$ starts equal and is kept from step to step; with a small
    $\gamma$ it stays near its start, the plain mean.

    Args:
        gamma: $\gamma$ > 0, step size of $\lambda$. Use smaller values for larger gradients.
            Default 0.001 (LibMTL; TorchJD has 0.1).
        rho: $\rho$ >= 0, pulls $\lambda$ towards equal weights. Default 0.1 (LibMTL, TorchJD).

    References:
        Chen, Fernando, Ying, Chen: "Three-Way Trade-Off in Multi-Objective Learning: Optimization,
        Generalization and Conflict-Avoidance", NeurIPS 2023, https://arxiv.org/abs/2305.20057,
        algorithm 2.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = MoDo(gamma=0.1)
    >>> balancer.setup(Setup(["a", "b"]))
    >>> products = tf.constant([[4.0, 0.0], [0.0, 1.0]], tf.float64)
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), products).numpy().round(3)
    array([0.425, 0.575])
    """

    also_called = "multi_objective_gradient_with_double_sampling double_sampling"
    identifier = "modo"
    paper_reduction = "mean"
    when = "The aim of MGDA, with noisy batches and weights that change slowly."

    def __init__(self, gamma: float = 0.001, rho: float = 0.1, **kwargs: Any) -> None:
        check(gamma > 0, "gamma", "be > 0", gamma)
        check(rho >= 0, "rho", "be >= 0", rho)
        super().__init__(**kwargs)
        self.gamma = gamma
        self.rho = rho

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.shares = Shares(self, input_shape[0])

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        learned = self.in_both(gramian, present)
        old = tf.cast(self.shares.among(learned), gramian.dtype)
        slope = tf.linalg.matvec(gramian, old) + self.rho * old
        self.shares.keep(projected(old - self.gamma * slope, learned), learned)
        return tf.cast(self.shares.among(present), gramian.dtype)
