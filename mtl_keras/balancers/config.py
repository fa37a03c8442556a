"""ConFIG: conflict-free inverse gradients (Liu, Chu and Thuerey, 2025)."""

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.balancers.imtl_g import unequal


@keras.saving.register_keras_serializable("mtl_keras")
class ConFIG(GramianBalancer):
    r"""The direction that has the same positive cosine with every gradient.

    $u = \mathrm{unit}(U^{+} 1)$ over the unit gradients $U$, and $d = (\sum_i g_i \cdot u)\, u$:
    the length is the sum of the projections, so it shrinks where gradients conflict. With
    `loss_weights` the cosines are proportional to them.

    References:
        Liu, Chu, Thuerey: "ConFIG: Towards Conflict-free Training of Physics Informed Neural
        Networks", ICLR 2025, https://arxiv.org/abs/2408.11104, equation 2.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = ConFIG()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([1.2265, 0.8441])
    """

    also_called = "conflict_free_inverse_gradients conflict_free"
    identifier = "config"
    own_preferences = True
    scale_invariant = True
    non_conflicting = True
    when = "Losses that must all decrease, as in physics-informed networks."

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        norms = solvers.lengths(gramian, present)
        y, reached = solvers.equal_slopes(gramian, normalised(self.preferences, present), present)
        square = tf.tensordot(y, reached, 1)
        return tf.math.divide_no_nan(tf.tensordot(norms, reached, 1), square) * y / norms

    def residual(self, weights: tf.Tensor, gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        return unequal(weights, gramian, normalised(self.preferences, present), present)
