"""Smooth Tchebycheff scalarisation (Lin et al., 2024)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers.base import Balancer, normalised
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class STCH(Balancer):
    r"""A smooth maximum of the losses, in which the worst task counts most.

    Two objectives go by this name; both are available:

    * `reference="nadir"`, as in the authors' multi-task code: for `warmup_epochs` epochs
      $\sum_i \log L_i$; then, with $a_i = \log(L_i / n_i)$ and $n_i$ the mean loss in the last of
      those epochs (in which the task has labels), $K \mu \log \sum_i e^{a_i / \mu}$. Losses must
      not be negative.
    * `reference="ideal"`, as in the text: $K \mu \log \sum_i e^{\lambda_i (L_i - z_i) / \mu}$
      with an ideal point $z$ and preferences $\lambda$ (`loss_weights`, scaled to a mean of 1
      where the paper has a sum of 1, hence the factor K). As $\mu \to 0$ it becomes the
      largest $\lambda_i (L_i - z_i)$.

    Args:
        mu: $\mu$, float > 0: degree of smoothing. Default 1.0.
        reference: `"nadir"` (default) or `"ideal"`.
        warmup_epochs: Integer >= 1, for `"nadir"`. Default 4.
        ideal_point: z, a float or one per task, for `"ideal"`. Default 0.0.

    References:
        Lin, Zhang, Yang, Liu, Wang, Zhang: "Smooth Tchebycheff Scalarization for Multi-Objective
        Optimization", ICML 2024, https://arxiv.org/abs/2402.19078

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = STCH(reference="ideal")
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.constant([1.0, 1.0]), tf.constant([True, True])).numpy()
    array([1., 1.], dtype=float32)
    """

    also_called = "smooth_tchebycheff_scalarization tchebycheff chebyshev"
    positive_losses = True
    when = "The worst task matters most. Also reaches trade-offs on a non-convex front."

    def __init__(
        self,
        mu: float = 1.0,
        reference: str = "nadir",
        warmup_epochs: int = 4,
        ideal_point: Any = 0.0,
        **kwargs: Any,
    ) -> None:
        check(mu > 0, "mu", "be > 0", mu)
        check(reference in ("nadir", "ideal"), "reference", "be 'nadir' or 'ideal'", reference)
        check(warmup_epochs >= 1, "warmup_epochs", "be >= 1", warmup_epochs)
        super().__init__(**kwargs)
        self.mu = mu
        self.reference = reference
        self.warmup_epochs = warmup_epochs
        self.ideal_point = ideal_point

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.nadir = self.add_state(input_shape, np.nan, name="nadir")

    def objective(self, losses: tf.Tensor, present: tf.Tensor, *learned: tf.Tensor) -> tf.Tensor:
        count = tf.reduce_sum(tf.cast(present, losses.dtype))

        def smooth_maximum(values: tf.Tensor) -> tf.Tensor:
            masked = tf.where(present, values / self.mu, -1e9)
            return count * self.mu * tf.reduce_logsumexp(masked)

        if self.reference == "ideal":
            preferences = normalised(self.preferences, present, losses.dtype)
            return smooth_maximum(preferences * (losses - self.ideal_point))
        logs = tf.math.log(self.safe(losses, present))
        total = tf.reduce_sum(tf.where(present, self.preferences * logs, 0.0))
        nadir = tf.convert_to_tensor(self.nadir.value)
        nadir = tf.where(tf.math.is_finite(nadir), tf.math.log(nadir), tf.stop_gradient(logs))
        warm = tf.convert_to_tensor(self.epochs.value) < self.warmup_epochs
        return tf.where(warm, total, smooth_maximum(self.preferences * (logs - nadir)))

    def on_epoch_end(self, losses: np.ndarray, labels: np.ndarray) -> None:
        nadir = self.nadir.numpy()
        known = np.isfinite(losses) & (losses > 0)
        warm = int(self.epochs.numpy()) < self.warmup_epochs
        self.nadir.assign(np.where(known & (warm | np.isnan(nadir)), losses, nadir))
