"""Homoscedastic uncertainty weighting (Kendall, Gal and Cipolla, 2018)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.adam import SmallAdam
from mtl_keras.balancers.base import Balancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class Uncertainty(Balancer):
    r"""Weights learned together with the network, as the inverse of each task's noise.

    With a learned log variance $s_i = \log \sigma_i^2$ per task, the objective is

    $$\sum_i w_i \left(c_i\, e^{-s_i} L_i + \tfrac12 s_i\right),$$

    $c_i = \tfrac12$ for regression (a Gaussian likelihood) and $1$ for classification (a softened
    softmax). At the optimum $s_i = \log L_i$ for regression and $\log 2 L_i$ for classification:
    each task's gradient is divided by its loss. $w_i$ is the user's `loss_weights`, a preference
    on top.

    Departure from the paper: $s$ has its own Adam, separate from the network's optimizer (the paper
    uses one for both). At a network's usual learning rate of 1e-3, $s$ would not reach its optimum
    within a short training, and weight decay or gradient clipping in the network's optimizer would
    bias it.

    Args:
        initial_log_variance: Float, initial value of every $s_i$. Default 0.0.
        learning_rate: Float > 0, learning rate of the Adam that learns $s$. Default 0.025, as in
            the experiments of Nash-MTL (Navon et al., 2022) and FAMO (Liu et al., 2023).

    References:
        Kendall, Gal, Cipolla: "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
        Geometry and Semantics", CVPR 2018, https://arxiv.org/abs/1705.07115, equations 7 to 10.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = Uncertainty()
    >>> balancer.setup(Setup(["a", "b"], kinds=["classification", "regression"]))
    >>> balancer.weigh(tf.constant([2.0, 4.0]), tf.constant([True, True])).numpy()
    array([1. , 0.5], dtype=float32)
    """

    also_called = "uncertainty_weighting homoscedastic_uncertainty kendall uw"
    weight_if_alike = "½ at first for a regression, 1 for a classification"
    when = "Losses with different units or noise. Cheap, and a good second try after `fixed`."

    def __init__(
        self, initial_log_variance: float = 0.0, learning_rate: float = 0.025, **kwargs: Any
    ) -> None:
        check(learning_rate > 0, "learning_rate", "be > 0", learning_rate)
        super().__init__(**kwargs)
        self.initial_log_variance = initial_log_variance
        self.learning_rate = learning_rate

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.log_variance = self.add_state(
            input_shape, self.initial_log_variance, name="log_variance"
        )
        self.adam = SmallAdam(self, input_shape[0], self.learning_rate)

    @property
    def learned(self) -> list[keras.Variable]:
        return [self.log_variance]

    def learn(self, gradients: list[tf.Tensor], present: tf.Tensor) -> None:
        self.adam.apply(self.log_variance, gradients[0], present)

    def objective(self, losses: tf.Tensor, present: tf.Tensor, *learned: tf.Tensor) -> tf.Tensor:
        (s,) = learned
        scale = tf.constant([0.5 if kind == "regression" else 1.0 for kind in self.kinds])
        terms = self.preferences * (scale * tf.exp(-s) * losses + 0.5 * s)
        return tf.reduce_sum(tf.where(present, terms, 0.0))
