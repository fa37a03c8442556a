"""IMTL: impartial multi-task learning, both halves (Liu et al., 2021)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.adam import SmallAdam
from mtl_keras.balancers.base import normalised
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.balancers.imtl_g import equal_projections
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class IMTL(GramianBalancer):
    r"""IMTL-L for the task-specific parameters, with IMTL-G on top for the shared ones.

    The losses become $e^{s_i} L_i - s_i$ with learned $s$ (see `IMTLL`); the shared gradient is the
    combination of their gradients with equal projections (see `IMTLG`); task-specific parameters
    follow the transformed loss of their task.

    Args:
        learning_rate: Float > 0, learning rate of the Adam that learns $s$. Default 0.025.

    References:
        Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang: "Towards Impartial Multi-Task Learning",
        ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr, algorithm 1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = IMTL()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> gramian = tf.constant([[4.0, 0.0], [0.0, 1.0]], tf.float64)
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([0.3333, 0.6667])
    """

    also_called = "impartial_multi_task_learning impartial"
    identifier = "imtl"
    paper_reduction = "mean"
    own_preferences = True
    scale_invariant = True
    when = "Like IMTL-G, for heads whose losses differ in size."

    def __init__(self, learning_rate: float = 0.025, **kwargs: Any) -> None:
        check(learning_rate > 0, "learning_rate", "be > 0", learning_rate)
        super().__init__(**kwargs)
        self.learning_rate = learning_rate

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.log_scale = self.add_state(input_shape, name="log_scale")
        self.adam = SmallAdam(self, input_shape[0], self.learning_rate)

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        wide = tf.cast(tf.exp(tf.convert_to_tensor(self.log_scale.value)), gramian.dtype)
        wanted = normalised(self.preferences, present)
        return wide * equal_projections(gramian * wide[:, None] * wide, wanted, present)

    def own_weights(self, weights: tf.Tensor, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        # Called last: $s$ is learned once trunk and heads have used it.
        scale = tf.exp(tf.convert_to_tensor(self.log_scale.value))
        self.adam.apply(self.log_scale, scale * losses - 1, present)
        return weights if self.scale_heads else scale * tf.constant(self.preferences)
