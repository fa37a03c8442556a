"""IMTL-G: equal projections (Liu et al., 2021)."""

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import GramianBalancer


def equal_projections(gramian: tf.Tensor, wanted: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Weights that sum to 1 and whose combined gradient has projections proportional to `wanted`.

    Where it would be longer than the longest gradient, it is shortened to that.
    """
    norms = solvers.lengths(gramian, present)
    y, reached = solvers.equal_slopes(gramian, wanted, present)
    length = tf.sqrt(tf.maximum(tf.tensordot(y, reached, 1), 0.0))
    longest = tf.reduce_max(tf.where(present, norms, tf.zeros_like(norms)))
    divisor = tf.maximum(tf.abs(tf.reduce_sum(y / norms)), length / longest)
    return tf.math.divide_no_nan(y / norms, divisor)


def unequal(
    weights: tf.Tensor, gramian: tf.Tensor, wanted: tf.Tensor, present: tf.Tensor
) -> tf.Tensor:
    """How far projections are from being proportional to `wanted`: a relative distance, 0 to 1."""
    projections = tf.linalg.matvec(gramian, weights) / solvers.lengths(gramian, present)
    along = tf.tensordot(projections, wanted, 1) / tf.norm(wanted)
    cosine = tf.math.divide_no_nan(along, tf.norm(projections))
    return tf.sqrt(tf.maximum(1 - cosine**2, 0.0))


@keras.saving.register_keras_serializable("mtl_keras")
class IMTLG(GramianBalancer):
    r"""The combination with equal projections onto all gradients.

    $\alpha \propto G^{+} n$ with the norms $n$, so that $d \cdot g_i / n_i$ is the same for all.
    With `loss_weights` the projections are proportional to them.

    Departures from the paper: the paper divides by $\sum_i \alpha_i$, which can be negative, and
    the step then raises *every* loss; here the divisor is its absolute value. The inverted
    matrix is that of the cosines, which is better conditioned; for linearly dependent
    gradients, where equal projections need not exist, the result is the least-squares solution
    on that scale, and 0 if there is none (two opposite gradients). The sum can also be nearly
    0 and the step of any length; here it is at most as long as the longest gradient, as it is
    for positive weights.

    References:
        Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang: "Towards Impartial Multi-Task Learning",
        ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr, section 3.1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = IMTLG()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([0.5923, 0.4077])
    """

    identifier = "imtl_g"
    paper_reduction = "mean"
    own_preferences = True
    scale_invariant = True
    when = "Equal progress of all tasks, whatever the size of their gradients."

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        return equal_projections(gramian, normalised(self.preferences, present), present)

    def residual(self, weights: tf.Tensor, gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        return unequal(weights, gramian, normalised(self.preferences, present), present)
