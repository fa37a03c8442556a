"""CR-MOGM: weights smoothed over steps (Zhou et al., 2022)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers import named
from mtl_keras.balancers.base import Balancer, Setup
from mtl_keras.balancers.gradient import GradientBalancer, GramianBalancer
from mtl_keras.errors import ConfigError, check


@keras.saving.register_keras_serializable("mtl_keras")
class CRMOGM(GramianBalancer):
    r"""Smooths the weights of another balancer over batches.

    $$\lambda_t = \alpha\, \lambda_{t-1} + (1 - \alpha)\, \hat\lambda_t$$

    with $\hat\lambda_t$ the weights that the other balancer finds for the batch. The paper shows
    that weights from single batches need not converge, and that smoothed weights do. The average of
    each task starts from its first weight. A task that is absent from a batch keeps its weight.

    Departure from the paper: $\alpha$ is constant; the paper lets it approach 1 as the learning
    rate falls.

    Args:
        balancer: The balancer to smooth, one that weighs gradients by their inner products: an
            object, a name or a mapping. Default `"mgda"`. Set the arguments that both have
            (`gradients`, `update_every`, `scale_heads`, `clip_norm`, `reduction`) on this balancer,
            not on the smoothed one.
        alpha: $\alpha$ in [0, 1). Default 0.9 (TorchJD).

    References:
        Zhou, Zhang, Jiang, Zhong, Gu, Zhu: "On the Convergence of Stochastic Multi-Objective
        Gradient Manipulation and Beyond", NeurIPS 2022, https://openreview.net/forum?id=ScwfQ7hdwyP

    Example:

    >>> from mtl_keras.balancers import MGDA
    >>> balancer = CRMOGM(balancer=MGDA())
    >>> balancer.setup(Setup(["a", "b"]))
    >>> both = tf.constant([True, True])
    >>> for gramian in ([[1.0, 0.0], [0.0, 1.0]], [[4.0, 0.0], [0.0, 1.0]]):
    ...     weights = balancer.weigh(tf.ones(2), both, tf.constant(gramian, tf.float64))
    >>> weights.numpy().round(2)
    array([0.47, 0.53])
    """

    also_called = "correlation_reduced_stochastic_multi_objective_gradient_manipulation"
    identifier = "cr_mogm"
    when = "Around another balancer whose weights jump from batch to batch."

    def __init__(self, balancer: Any = "mgda", alpha: float = 0.9, **kwargs: Any) -> None:
        check(0 <= alpha < 1, "alpha", "be in [0, 1)", alpha)
        inner = named.get(balancer)
        if not isinstance(inner, GramianBalancer):
            raise ConfigError(
                "`balancer` of CRMOGM must be one that weighs gradients by their inner products, "
                f"such as 'mgda', 'cagrad' or 'pcgrad'. Received: {type(inner).__name__}."
            )
        self._check_plain(inner)
        self.needs, self.modes = inner.needs, inner.modes
        self.paper_reduction, self.own_preferences = inner.paper_reduction, inner.own_preferences
        self.positive_losses, self.weight_if_alike = inner.positive_losses, inner.weight_if_alike
        super().__init__(**kwargs)
        self.balancer = inner
        self.alpha = alpha

    @staticmethod
    def _check_plain(inner: Balancer) -> None:
        """Refuse options of the inner balancer that would have no effect."""
        options = type(inner).options()
        for key in (*GradientBalancer.options(), "diagnostics"):
            value, default = getattr(inner, key), options[key].default
            check(value == default, key, "be set on CRMOGM, not on its `balancer`", value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "balancer": named.declared(self.balancer)}

    def setup(self, facts: Setup) -> None:
        super().setup(facts)
        self.balancer.setup(facts)

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.average = self.add_state(input_shape, name="average")
        self.known = self.add_state(input_shape, name="known")

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        found = tf.cast(self.balancer.weigh(losses, present, gramian), gramian.dtype)
        self.invalid.assign(self.balancer.invalid)
        average = tf.cast(tf.convert_to_tensor(self.average.value), gramian.dtype)
        known = tf.convert_to_tensor(self.known.value)
        kept = self.alpha * tf.cast(known, gramian.dtype)
        usable = present & tf.reduce_all(tf.math.is_finite(found) | ~present)
        smooth = tf.where(usable, kept * average + (1 - kept) * found, average)
        self.average.assign(tf.cast(smooth, tf.float32))
        self.known.assign(tf.where(usable, tf.ones_like(known), known))
        return tf.where(present & ~usable, found, smooth)  # a failure is counted, not averaged

    def own_weights(self, weights: tf.Tensor, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        own = self.balancer.own_weights(weights, losses, present)  # which may learn from it
        return weights if self.scale_heads else own

    def on_epoch_end(self, losses: np.ndarray, labels: np.ndarray) -> None:
        self.balancer.end_epoch(losses, labels)
