"""Dynamic weight average (Liu, Johns and Davison, 2019)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers.base import Balancer, softmax_of
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class DWA(Balancer):
    r"""Weights by how slowly each loss fell over the last two epochs:

    $$r_i = \frac{\bar L_i(e-1)}{\bar L_i(e-2)}, \qquad w = K\, \mathrm{softmax}(r / T),$$

    from the epochs' mean losses; 1 for the first two epochs. Multiplied by the user's
    `loss_weights`. A task without labels in an epoch keeps its ratio.

    Args:
        temperature: T, float > 0: the larger, the more equal the weights. Default 2.0 (paper).

    References:
        Liu, Johns, Davison: "End-to-End Multi-Task Learning with Attention", CVPR 2019,
        https://arxiv.org/abs/1803.10704, equation 7.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = DWA()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> for losses in ([1.0, 1.0], [1.0, 0.5]):
    ...     balancer.end_epoch(np.array(losses), np.ones(2))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True])).numpy().round(4)
    array([1.1244, 0.8756], dtype=float32)
    """

    also_called = "dynamic_weight_average dynamic_weight_averaging"
    when = "Tasks that learn at different speeds. No extra cost."

    def __init__(self, temperature: float = 2.0, **kwargs: Any) -> None:
        check(temperature > 0, "temperature", "be > 0", temperature)
        super().__init__(**kwargs)
        self.temperature = temperature

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.previous = self.add_state(input_shape, np.nan, name="previous")
        self.ratios = self.add_state(input_shape, 1.0, name="ratios")

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        ratios = tf.convert_to_tensor(self.ratios.value) / self.temperature
        return softmax_of(ratios, present) * self.preferences

    def on_epoch_end(self, losses: np.ndarray, labels: np.ndarray) -> None:
        previous = self.previous.numpy()
        known = np.isfinite(losses)
        ratios = np.divide(losses, previous, where=known & (previous > 0), out=self.ratios.numpy())
        self.ratios.assign(ratios)
        self.previous.assign(np.where(known, losses, previous))
