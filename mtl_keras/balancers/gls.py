"""Geometric loss strategy (Chennupati et al., 2019)."""

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer, normalised


@keras.saving.register_keras_serializable("mtl_keras")
class GLS(Balancer):
    r"""The geometric mean of the losses, $K (\prod_i L_i)^{1/K}$, computed from logarithms.

    The direction does not change when a loss is multiplied by a constant. Losses must not be
    negative. With `loss_weights` it is the weighted geometric mean.

    Departure from the paper: the factor K, so that equal losses each have weight 1.

    References:
        Chennupati, Sistu, Yogamani, Rawashdeh: "MultiNet++: Multi-Stream Feature Aggregation and
        Geometric Loss Strategy for Multi-Task Learning", CVPR Workshops 2019,
        https://arxiv.org/abs/1904.08492

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = GLS()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.constant([1.0, 4.0]), tf.constant([True, True])).numpy()
    array([2. , 0.5], dtype=float32)
    """

    also_called = "geometric_loss_strategy geometric_mean"
    scale_invariant = True
    positive_losses = True
    when = "Like `scale_invariant`, but with steps that shrink as the losses do."

    def objective(self, losses: tf.Tensor, present: tf.Tensor, *learned: tf.Tensor) -> tf.Tensor:
        count = tf.reduce_sum(tf.cast(present, losses.dtype))
        weights = normalised(self.preferences, present, losses.dtype) / count
        return count * tf.exp(tf.reduce_sum(weights * tf.math.log(self.safe(losses, present))))
