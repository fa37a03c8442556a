"""Scale-invariant sum: the sum of the logarithms of the losses."""

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer


@keras.saving.register_keras_serializable("mtl_keras")
class ScaleInvariant(Balancer):
    r"""The sum of log losses, $\sum_i w_i \log L_i$: each gradient is divided by its loss.

    Multiplying a loss by a constant changes nothing. Losses must not be negative. $w_i$ is the
    user's `loss_weights`.

    References:
        The baseline "SI" of Navon et al.: "Multi-Task Learning as a Bargaining Game", ICML 2022,
        https://arxiv.org/abs/2202.01017

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = ScaleInvariant()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.constant([2.0, 4.0]), tf.constant([True, True])).numpy()
    array([0.5 , 0.25], dtype=float32)
    """

    also_called = "scale_invariant_multi_task_learning log_losses"
    scale_invariant = True
    positive_losses = True
    when = "Losses in different units, none of which comes near 0."

    def objective(self, losses: tf.Tensor, present: tf.Tensor, *learned: tf.Tensor) -> tf.Tensor:
        logs = self.preferences * tf.math.log(self.safe(losses, present))
        return tf.reduce_sum(tf.where(present, logs, 0.0))
