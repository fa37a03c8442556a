"""GradDrop: gradient sign dropout (Chen et al., 2020)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.base import next_seed
from mtl_keras.balancers.jacobian import JacobianBalancer
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class GradDrop(JacobianBalancer):
    r"""In each coordinate, keeps only the gradients of one sign, which is drawn at random.

    $P = \tfrac12 (1 + \sum_i g_i / \sum_i \lvert g_i \rvert)$ is the purity of the positive sign;
    with $U$ uniform, positive entries are kept where $P > U$, negative ones where $P < U$.
    $d = \sum_i (\ell + (1 - \ell) M_i) g_i$.

    Departure from the paper: it acts on the gradient of the shared parameters, as in TorchJD; the
    paper acts on that of the shared representation, summed over the batch.

    Args:
        leak: $\ell$ in [0, 1]: the share of dropped entries that is kept. Default 0.0.
        seed: Integer seed of the draws. Default 0.

    References:
        Chen, Ngiam, Huang, Luong, Kretzschmar, Chai, Anguelov: "Just Pick a Sign: Optimizing Deep
        Multitask Models with Gradient Sign Dropout", NeurIPS 2020,
        https://arxiv.org/abs/2010.06808, algorithm 1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = GradDrop()
    >>> balancer.setup(Setup(["a", "b"], shared_size=2))
    >>> same_sign = tf.constant([[1.0, -2.0], [3.0, -1.0]])
    >>> balancer.combine(same_sign, tf.ones(2), tf.constant([True, True]))[0].numpy()
    array([ 4., -3.], dtype=float32)
    """

    also_called = "gradient_sign_dropout gradient_dropout"
    identifier = "graddrop"
    when = "Many tasks whose gradients disagree in single coordinates."

    def __init__(self, leak: float = 0.0, seed: int = 0, **kwargs: Any) -> None:
        check(0 <= leak <= 1, "leak", "be in [0, 1]", leak)
        super().__init__(**kwargs)
        self.leak = leak
        self.seed = seed

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.draws = self.add_state((), name="draws")

    def combine(
        self, jacobian: tf.Tensor, losses: tf.Tensor, present: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        total, size = tf.reduce_sum(jacobian, 0), tf.reduce_sum(tf.abs(jacobian), 0)
        purity = 0.5 * (1 + tf.math.divide_no_nan(total, size))
        seed = next_seed(self.seed, self.draws)
        uniform = tf.random.stateless_uniform(tf.shape(purity), seed)
        kept = 0.5 * (total + tf.where(purity > uniform, size, -size))  # one sign's entries
        direction = self.leak * total + (1 - self.leak) * kept
        return direction, tf.ones(jacobian.shape[0])
