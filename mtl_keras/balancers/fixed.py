"""Constant task weights: the plain weighted sum."""

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer


@keras.saving.register_keras_serializable("mtl_keras")
class Fixed(Balancer):
    r"""The weighted sum of the losses, $\sum_i w_i L_i$, with constant weights.

    The weights are the `loss_weights` given to `compile` (default 1). Well-tuned constant weights
    are the baseline that every other method has to beat.

    References:
        Kurin, De Palma, Kostrikov, Whiteson, Kumar: "In Defense of the Unitary Scalarization for
        Deep Multi-Task Learning", NeurIPS 2022, https://arxiv.org/abs/2201.04122

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = Fixed()
    >>> balancer.setup(Setup(["a", "b"], loss_weights=[1.0, 0.5]))
    >>> balancer.weigh(tf.constant([2.0, 4.0]), tf.constant([True, True])).numpy()
    array([1. , 0.5], dtype=float32)
    """

    also_called = (
        "none equal equal_weighting equal_weights uniform constant static sum mean average "
        "default linear_scalarization"
    )
    when = "The baseline. First choice if the losses are of similar size, or with tuned weights."

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        return tf.constant(self.preferences)
