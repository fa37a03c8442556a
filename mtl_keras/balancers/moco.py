"""MoCo: multi-objective gradient correction (Fernando et al., 2023)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.jacobian import JacobianBalancer
from mtl_keras.balancers.shares import Shares
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class MoCo(JacobianBalancer):
    r"""The min-norm direction of *tracked* gradients: MGDA without the bias of mini-batches.

    In step $t$: $y_i \leftarrow y_i - \beta_t (y_i - \tilde g_i)$, then $\lambda \leftarrow
    \mathrm{softmax}(\lambda - \gamma_t (Y Y^\top + \rho I) \lambda)$ and $d = Y^\top \lambda$, with
    $\tilde g_i = L_i g_i / \lVert g_i \rVert$, $\beta_t = \beta / \sqrt t$, $\gamma_t = \gamma /
    \sqrt t$, as in LibMTL (the paper projects $\lambda$ onto the simplex and does not normalise).
    Keeps K copies of the shared gradient. $\lambda$ is on the simplex of the present tasks; an
    absent one keeps its share of the whole. The logged weights are $\lambda_i L_i / \lVert g_i
    \rVert$, those of the gradients themselves.

    Args:
        beta: $\beta$ in (0, 1]. Default 0.5.
        gamma: $\gamma$ > 0. Default 0.1.
        rho: $\rho$ >= 0. Default 0.0.

    References:
        Fernando, Shen, Liu, Chaudhury, Murugesan, Chen: "Mitigating Gradient Bias in
        Multi-objective Learning: A Provably Convergent Approach", ICLR 2023,
        https://arxiv.org/abs/2210.12624

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = MoCo()
    >>> balancer.setup(Setup(["a", "b"], shared_size=2))
    >>> direction, weights = balancer.combine(tf.eye(2), tf.ones(2), tf.constant([True, True]))
    >>> weights.numpy()
    array([0.5, 0.5], dtype=float32)
    """

    also_called = "multi_objective_gradient_correction gradient_correction"
    identifier = "moco"
    paper_reduction = "mean"
    weight_if_alike = "1 / the gradient's length"
    when = "The aim of MGDA, with small, noisy batches."

    def __init__(
        self, beta: float = 0.5, gamma: float = 0.1, rho: float = 0.0, **kwargs: Any
    ) -> None:
        check(0 < beta <= 1, "beta", "be in (0, 1]", beta)
        check(gamma > 0, "gamma", "be > 0", gamma)
        check(rho >= 0, "rho", "be >= 0", rho)
        super().__init__(**kwargs)
        self.beta = beta
        self.gamma = gamma
        self.rho = rho

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.tracked = self.add_state((*input_shape, self.shared_size), name="tracked")
        self.shares = Shares(self, input_shape[0])
        self.steps = self.add_state((), name="steps")

    def combine(
        self, jacobian: tf.Tensor, losses: tf.Tensor, present: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        step = tf.sqrt(tf.convert_to_tensor(self.steps.assign_add(1.0)))
        factor = tf.math.divide_no_nan(losses, tf.norm(jacobian, axis=1))
        old = tf.convert_to_tensor(self.tracked.value)
        rate = tf.where(present, self.beta / step, 0.0)
        tracked = (1 - rate)[:, None] * old + (rate * factor)[:, None] * jacobian
        self.tracked.assign(tracked)
        shares = self.shares.among(present)
        slope = tf.linalg.matvec(tf.matmul(tracked, tracked, transpose_b=True), shares)
        logits = shares - self.gamma / step * (slope + self.rho * shares)
        shares = tf.nn.softmax(tf.where(present, logits, -1e9))
        self.shares.keep(shares, present)
        return tf.tensordot(shares, tracked, 1), shares * factor
