"""FAMO: fast adaptive multi-task optimisation (Liu et al., 2023)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.adam import SmallAdam
from mtl_keras.balancers.base import SMALLEST_LOSS, Balancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class FAMO(Balancer):
    r"""Weights under which all tasks improve at about the same relative rate.

    With logits $\xi$, $z = \mathrm{softmax}(\xi)$ and $D_i = L_i - b_i + 10^{-8}$, the step follows
    $K c \sum_i z_i \log D_i$ where $c = 1 / \sum_i (z_i / D_i)$ is treated as a constant: the
    weights are $w_i = K c z_i / D_i$. After the step, the losses of the *same batch* are computed
    again as $D'$, and $\xi$ follows $(\mathrm{diag}\, z - z z^\top)(\log D - \log D')$: a task that
    improved more gets a smaller weight.

    It costs one backward pass and one extra forward pass, whatever the number of tasks. Gradient
    accumulation is rejected, since most steps would then change nothing. Losses must not fall below
    their bound. The weights are multiplied by the user's `loss_weights`. Departure from the paper:
    the factor K (sum in place of mean).

    Args:
        learning_rate: Float > 0, learning rate of the Adam that learns $\xi$. Default 0.025
            (official code).
        weight_decay: $\gamma \ge 0$, pulls $\xi$ towards equal weights. Default 1e-3; the paper
            uses 1e-2 on Cityscapes and 1e-3 elsewhere.
        lower_bound: $b$, a lower bound of the losses: a float, or one per task. Default 0.0.

    References:
        Liu, Feng, Stone, Liu: "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023,
        https://arxiv.org/abs/2306.03792, algorithm 1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = FAMO()
    >>> balancer.setup(Setup(["a", "b", "c"]))
    >>> weights = balancer.weigh(tf.constant([0.2, 1.5, 3.0]), tf.constant([True] * 3))
    >>> (weights / 3).numpy().round(4)
    array([0.8333, 0.1111, 0.0556], dtype=float32)
    """

    also_called = "fast_adaptive_multitask_optimization"
    scale_invariant = True
    positive_losses = True
    looks_back = True
    when = "Many tasks, or losses in different units, at the cost of a loss-based method."

    def __init__(
        self,
        learning_rate: float = 0.025,
        weight_decay: float = 1e-3,
        lower_bound: Any = 0.0,
        **kwargs: Any,
    ) -> None:
        check(learning_rate > 0, "learning_rate", "be > 0", learning_rate)
        check(weight_decay >= 0, "weight_decay", "be >= 0", weight_decay)
        super().__init__(**kwargs)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.lower_bound = lower_bound

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.logits = self.add_state(input_shape, name="logits")
        self.adam = SmallAdam(self, input_shape[0], self.learning_rate, self.weight_decay)

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        z = self._shares(present)
        above = self._above(losses, present)
        count = tf.reduce_sum(tf.cast(present, losses.dtype))
        return count * self.preferences * (z / above) / tf.reduce_sum(z / above)

    def look_back(self, before: tf.Tensor, after: tf.Tensor, present: tf.Tensor) -> None:
        z = self._shares(present)
        gain = tf.math.log(self._above(before, present)) - tf.math.log(self._above(after, present))
        gradient = z * (gain - tf.reduce_sum(z * gain))
        self.adam.apply(self.logits, gradient, present)

    def _shares(self, present: tf.Tensor) -> tf.Tensor:
        logits = tf.convert_to_tensor(self.logits.value)
        return tf.nn.softmax(tf.where(present, logits, -1e9))

    def _above(self, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        return self.safe(losses - tf.constant(self.lower_bound, losses.dtype), present) + (
            SMALLEST_LOSS
        )
