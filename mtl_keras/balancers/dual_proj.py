"""DualProj: the mean gradient, projected (Lopez-Paz and Ranzato, 2017)."""

import keras
import tensorflow as tf

from mtl_keras.balancers.upgrad import ProjectingBalancer


@keras.saving.register_keras_serializable("mtl_keras")
class DualProj(ProjectingBalancer):
    r"""Projects the mean gradient onto the cone of directions that raise no loss.

    $w = \arg\min v^\top \tilde G v$ subject to $v \ge p / K$, with $\tilde G$ and $p$ as in
    `UPGrad`. This is the rule of gradient episodic memory (GEM), which protects earlier tasks with
    it.

    Args:
        regularisation: $\epsilon$ > 0. Default 1e-4 (TorchJD).

    References:
        Lopez-Paz, Ranzato: "Gradient Episodic Memory for Continual Learning", NeurIPS 2017,
        https://arxiv.org/abs/1706.08840, equation 11.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = DualProj()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([0.6109, 0.5   ])
    """

    also_called = "dual_projection gradient_episodic_memory gem"
    when = "Like UPGrad, but cheaper with many tasks."

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        return self.projected(self.wanted(present), gramian, present)
