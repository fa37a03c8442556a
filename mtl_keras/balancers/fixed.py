"""Constant task weights: the plain weighted sum."""

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer


@keras.saving.register_keras_serializable("mtl_keras")
class Fixed(Balancer):
    r"""The weighted sum of the losses, $\sum_i w_i L_i$, with constant weights.

    The weights are the `loss_weights` given to `compile` (1 where none is given). Well-tuned
    constant weights are the baseline that every other method has to beat (Kurin et al., 2022,
    "In Defense of the Unitary Scalarization for Deep Multi-Task Learning").

    Example:

    >>> balancer = Fixed()
    >>> balancer.setup(["a", "b"], loss_weights=[1.0, 0.5], kinds=["regression"] * 2)
    >>> float(balancer(tf.constant([2.0, 4.0]), tf.constant([True, True])))
    4.0
    """

    def objective(self, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        weights = tf.constant(self.preferences, losses.dtype)
        return tf.reduce_sum(tf.where(present, weights * losses, 0.0))
