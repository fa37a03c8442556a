"""A main task and auxiliary ones: gradient similarity (Du et al., 2018)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import solvers
from mtl_keras.balancers.base import Setup
from mtl_keras.balancers.gradient import GramianBalancer
from mtl_keras.errors import ConfigError, unknown


@keras.saving.register_keras_serializable("mtl_keras")
class GradientSimilarity(GramianBalancer):
    r"""Weighs auxiliary tasks by the similarity of their gradients to that of the main task.

    $$d = g_{main} + \sum_{i \ne main} \max(0, \cos(g_{main}, g_i))\, g_i$$

    so that the main task's loss never rises along a small step. With `weighted=False`, an auxiliary
    gradient counts fully if the cosine is not negative, and otherwise not at all. The auxiliary
    tasks' own parameters get their plain gradient.

    Departures from the paper: there may be several auxiliary tasks. In a batch without labels of
    the main task, the others keep their last weights.

    Args:
        main: Name of the main task. Default None: the first.
        weighted: Whether the cosine is the weight, or only its sign decides. Default True.

    References:
        Du, Czarnecki, Jayakumar, Farajtabar, Pascanu, Lakshminarayanan: "Adapting Auxiliary Losses
        Using Gradient Similarity", 2018, https://arxiv.org/abs/1812.02224

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[3.0, 0.0], [4.0, 3.0], [-1.0, 2.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = GradientSimilarity(main="clicks")
    >>> balancer.setup(Setup(["clicks", "views", "noise"]))
    >>> balancer.weigh(tf.ones(3), tf.constant([True, True, True]), gramian).numpy().round(3)
    array([1. , 0.8, 0. ])
    """

    also_called = "gradient_cosine_similarity cosine_similarity"
    weighs_one = True  # an auxiliary task without the main one
    when = "One task matters, and the others only help it."

    def __init__(self, main: str | None = None, weighted: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.main = main
        self.weighted = weighted

    def setup(self, facts: Setup) -> None:
        if self.main is not None and self.main not in facts.tasks:
            raise ConfigError(unknown("`main` task of GradientSimilarity:", self.main, facts.tasks))
        super().setup(facts)

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.last = self.add_state(input_shape, 1.0, name="last")

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        main = 0 if self.main is None else self.tasks.index(self.main)
        norms = solvers.lengths(gramian, present)
        cosines = gramian[main] / norms / norms[main]
        share = tf.maximum(cosines, 0.0) if self.weighted else tf.cast(cosines >= 0, norms.dtype)
        one = tf.one_hot(main, len(self.tasks), dtype=norms.dtype)
        last = tf.cast(tf.convert_to_tensor(self.last.value), norms.dtype)
        weights = tf.where(present & present[main], tf.maximum(share, one), last)
        self.last.assign(tf.cast(weights, tf.float32))
        return weights
