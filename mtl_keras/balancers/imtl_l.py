"""IMTL-L: losses scaled to equal size (Liu et al., 2021)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.adam import SmallAdam
from mtl_keras.balancers.base import Balancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class IMTLL(Balancer):
    r"""The loss half of impartial multi-task learning: $\sum_i w_i (e^{s_i} L_i - s_i)$.

    $s$ is learned; at its optimum every $e^{s_i} L_i$ is 1. This is uncertainty weighting with $s
    \to -s$ and a different factor. $w_i$ is the user's `loss_weights`.

    Departure from the paper: $s$ has its own Adam, as in `Uncertainty`.

    Args:
        learning_rate: Float > 0, learning rate of the Adam that learns $s$. Default 0.025.

    References:
        Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang: "Towards Impartial Multi-Task Learning",
        ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr, section 3.2.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = IMTLL()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.constant([2.0, 4.0]), tf.constant([True, True])).numpy()
    array([1., 1.], dtype=float32)
    """

    identifier = "imtl_l"
    when = "The same situations as `uncertainty`."

    def __init__(self, learning_rate: float = 0.025, **kwargs: Any) -> None:
        check(learning_rate > 0, "learning_rate", "be > 0", learning_rate)
        super().__init__(**kwargs)
        self.learning_rate = learning_rate

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.log_scale = self.add_state(input_shape, name="log_scale")
        self.adam = SmallAdam(self, input_shape[0], self.learning_rate)

    @property
    def learned(self) -> list[keras.Variable]:
        return [self.log_scale]

    def learn(self, gradients: list[tf.Tensor], present: tf.Tensor) -> None:
        self.adam.apply(self.log_scale, gradients[0], present)

    def objective(self, losses: tf.Tensor, present: tf.Tensor, *learned: tf.Tensor) -> tf.Tensor:
        (s,) = learned
        return tf.reduce_sum(tf.where(present, self.preferences * (tf.exp(s) * losses - s), 0.0))
