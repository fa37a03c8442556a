"""Random loss weighting (Lin et al., 2022)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer, next_seed, normalised, softmax_of


@keras.saving.register_keras_serializable("mtl_keras")
class RLW(Balancer):
    r"""Random weights for every batch: $w = K\, \mathrm{softmax}(\xi)$, $\xi \sim N(0, I)$.

    A baseline: a method that does no better than random weights has not earned its cost. The
    weights are multiplied by the user's `loss_weights`. Over the present tasks they add up to the
    number of those tasks.

    Args:
        seed: Integer seed of the draws. Default 0.

    References:
        Lin, Ye, Zhang, Tsang: "Reasonable Effectiveness of Random Weighting: A Litmus Test for
        Multi-Task Learning", TMLR 2022, https://arxiv.org/abs/2111.10603

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = RLW()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> float(tf.reduce_sum(balancer.weigh(tf.ones(2), tf.constant([True, True]))).numpy().round(5))
    2.0
    """

    also_called = "random_loss_weighting random_weighting random"
    when = "A baseline for comparisons."

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.draws = self.add_state((), name="draws")

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        seed = next_seed(self.seed, self.draws)
        noise = tf.random.stateless_normal(losses.shape, seed)
        return softmax_of(noise, present) * normalised(self.preferences, present, tf.float32)
