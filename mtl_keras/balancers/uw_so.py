"""Soft-optimal uncertainty weighting (Kirchdorfer et al., 2024)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer, softmax_of
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class UWSO(Balancer):
    r"""The analytic optimum of uncertainty weighting, softened:

    $$w = K\, \mathrm{softmax}\left(\frac{1}{T\, L_i}\right)$$

    with the losses treated as constants. Losses must not be negative. The weights are multiplied by
    the user's `loss_weights`. Departure from the paper: the factor K.

    Args:
        temperature: T, float > 0. The paper tunes it per data set; no value suits all. Default 1.0.

    References:
        Kirchdorfer, Elich, Kutsche, Stuckenschmidt, Schott, Köhler: "Analytical Uncertainty-Based
        Loss Weighting in Multi-Task Learning", GCPR 2024, https://arxiv.org/abs/2408.07985

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = UWSO(temperature=2.0)
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.constant([0.5, 0.5]), tf.constant([True, True])).numpy()
    array([1., 1.], dtype=float32)
    """

    also_called = "soft_optimal_uncertainty_weighting analytical_uncertainty_weighting"
    identifier = "uw_so"
    positive_losses = True
    when = "Instead of `uncertainty`, if you can tune a temperature."

    def __init__(self, temperature: float = 1.0, **kwargs: Any) -> None:
        check(temperature > 0, "temperature", "be > 0", temperature)
        super().__init__(**kwargs)
        self.temperature = temperature

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        logits = 1 / (self.temperature * self.safe(losses, present))
        return softmax_of(logits, present) * self.preferences
