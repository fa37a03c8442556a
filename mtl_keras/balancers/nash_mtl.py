"""Nash-MTL: gradients that bargain (Navon et al., 2022)."""

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import GramianBalancer


@keras.saving.register_keras_serializable("mtl_keras")
class NashMTL(GramianBalancer):
    r"""The Nash bargaining solution: the direction with the largest product of improvements.

    $\alpha > 0$ with $G \alpha = 1 / \alpha$ and $d = J^\top \alpha$. Multiplying a loss by a
    constant changes nothing, and $\lVert d \rVert^2 = K$ always. With `loss_weights` p, the
    asymmetric solution, $G \alpha = p / \alpha$.

    Departure from the paper: the paper solves a sequence of linearised programs with a general
    solver, and keeps the last $\alpha$ where that fails. The same $\alpha$ is the unique minimum of
    the convex $\tfrac12 \alpha^\top G \alpha - \sum_i \log \alpha_i$, found here by Newton's method
    to 1e-9. Clipping, which the authors' code does itself, is left to the optimizer (`clipnorm`).
    To reuse weights for several steps, as in the paper's faster variants, set `update_every`.

    References:
        Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik, Fetaya: "Multi-Task Learning as a
        Bargaining Game", ICML 2022, https://arxiv.org/abs/2202.01017, claim 3.1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = NashMTL()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([0.5915, 0.4071])
    """

    also_called = "nash nash_bargaining"
    own_preferences = True
    scale_invariant = True
    non_conflicting = True
    weight_if_alike = "1 / (√K · the gradient's length)"
    when = "Losses in different units where every task should gain. The step length is fixed."

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        return solvers.bargain(gramian, normalised(self.preferences, present), present)

    def residual(self, weights: tf.Tensor, gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        product = weights * tf.linalg.matvec(gramian, weights)
        wanted = normalised(self.preferences, present)
        return tf.reduce_max(tf.abs(product - wanted))
