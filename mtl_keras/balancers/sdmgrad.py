"""SDMGrad: stochastic direction-oriented multi-objective gradient descent (Xiao et al., 2023)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import HalvesBalancer
from mtl_keras.balancers.shares import Shares, projected
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class SDMGrad(HalvesBalancer):
    r"""The min-norm direction, pulled towards the mean gradient, from two independent mini-batches.

    It looks for the best step for the worst task that also follows the mean gradient
    $g_0 = J^\top \tilde w$: w minimises $\lVert J^\top w + \lambda g_0 \rVert^2$ on the simplex,
    and

    $$d = \frac{J^\top w + \lambda g_0}{1 + \lambda}.$$

    With $A = J_1 J_2^\top$ of the two halves of a batch (see `HalvesBalancer`), divided by the
    squared mean of $\sqrt{\max(A_{ii}, 0)}$, w follows $A (w + \lambda \tilde w)$ for `iterations`
    steps of projected descent with momentum, from where the step before left it. $\lambda = 0$
    is MGDA, $\lambda \to \infty$ the plain mean. $\tilde w$ is equal, or the user's `loss_weights`.

    Departure from the paper: d is that of the whole batch, not of a third one.

    Args:
        strength: $\lambda$ >= 0. Default 0.3 (the authors' runs, LibMTL and TorchJD).
        learning_rate: Float > 0, of w. Default 10.0 (authors; LibMTL has 5).
        momentum: In [0, 1). Default 0.5 (authors).
        iterations: Integer >= 1. Default 20 (authors).

    References:
        Xiao, Ban, Ji: "Direction-oriented Multi-objective Learning: Simple and Provable Stochastic
        Algorithms", NeurIPS 2023, https://arxiv.org/abs/2305.18409, algorithm 1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = SDMGrad(learning_rate=0.1)
    >>> balancer.setup(Setup(["a", "b"]))
    >>> products = tf.constant([[4.0, 0.0], [0.0, 1.0]], tf.float64)
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), products).numpy().round(2)
    array([0.2, 0.8])
    """

    also_called = (
        "stochastic_direction_oriented_multi_objective_gradient_descent direction_oriented"
    )
    identifier = "sdmgrad"
    paper_reduction = "mean"
    own_preferences = True
    when = "Noisy batches. The worst task counts, but the mean loss should fall as well."

    def __init__(
        self,
        strength: float = 0.3,
        learning_rate: float = 10.0,
        momentum: float = 0.5,
        iterations: int = 20,
        **kwargs: Any,
    ) -> None:
        check(strength >= 0, "strength", "be >= 0", strength)
        check(learning_rate > 0, "learning_rate", "be > 0", learning_rate)
        check(0 <= momentum < 1, "momentum", "be in [0, 1)", momentum)
        check(iterations >= 1, "iterations", "be >= 1", iterations)
        super().__init__(**kwargs)
        self.strength = strength
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.iterations = iterations

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.shares = Shares(self, input_shape[0])

    def wanted(self, present: tf.Tensor) -> tf.Tensor:
        """The preferences, which add up to 1."""
        preferences = normalised(self.preferences, present)
        return preferences / tf.maximum(tf.reduce_sum(preferences), 1e-30)

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        learned = self.in_both(gramian, present)
        count = tf.maximum(tf.reduce_sum(tf.cast(learned, gramian.dtype)), 1.0)
        roots = tf.sqrt(tf.maximum(tf.linalg.diag_part(gramian), 0.0))
        products = gramian / ((tf.reduce_sum(roots) / count) ** 2 + 1e-8)
        pull = tf.linalg.matvec(products, self.strength * self.wanted(learned))

        def step(number: tf.Tensor, w: tf.Tensor, moving: tf.Tensor) -> tuple[tf.Tensor, ...]:
            moving = self.momentum * moving + tf.linalg.matvec(products, w) + pull
            return number + 1, projected(w - self.learning_rate * moving, learned), moving

        start = tf.cast(self.shares.among(learned), gramian.dtype)
        _, w, _ = tf.while_loop(
            lambda number, w, moving: number < self.iterations,
            step,
            (0, start, tf.zeros_like(start)),
        )
        self.shares.keep(w, learned)
        w = tf.cast(self.shares.among(present), gramian.dtype)
        return (w + self.strength * self.wanted(present)) / (1 + self.strength)
