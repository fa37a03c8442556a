"""The base class of the balancers that change the tasks' gradients themselves."""

import numpy as np
import tensorflow as tf

from mtl_keras.balancers.decision import Decision, Measured
from mtl_keras.balancers.gradient import GradientBalancer
from mtl_keras.balancers.tracker import GradientFacts, step_record


class JacobianBalancer(GradientBalancer):
    """Base class of balancers that need the per-task gradients themselves.

    To write one, define `combine(jacobian, losses, present)`.

    Example:

    >>> class Sum(JacobianBalancer):
    ...     '''The sum of the gradients.'''
    ...     def combine(self, jacobian, losses, present):
    ...         return tf.reduce_sum(jacobian, axis=0), tf.ones_like(losses)
    >>> jacobian, present = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([True, True])
    >>> Sum().combine(jacobian, tf.ones(2), present)[0].numpy()
    array([4., 6.], dtype=float32)
    """

    listed = False
    needs = "jacobian"
    modes: tuple[str, ...] = ("parameters",)

    def combine(
        self, jacobian: tf.Tensor, losses: tf.Tensor, present: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The direction, `(n,)`, and the weights, `(tasks,)`, to log for it.

        Args:
            jacobian: Gradients of the tasks, float32 `(tasks, n)`; rows of absent tasks are 0.
            losses: Mean losses, `(tasks,)`.
            present: Which tasks take part, bool `(tasks,)`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `combine`.")

    def decide(self, measured: Measured, present: tf.Tensor) -> Decision:
        """`combine` and everything around it that all methods share."""
        jacobian, losses = measured.jacobian, measured.losses
        gramian = tf.cast(tf.matmul(jacobian, jacobian, transpose_b=True), tf.float64)
        scale, used, norms = self.scales(gramian, present)
        mask = tf.cast(used, tf.float32)
        factors = mask * tf.cast(scale, tf.float32)
        seen = tf.math.multiply_no_nan(jacobian, factors[:, None])
        direction, raw = self.combine(seen, losses, used)
        good = tf.reduce_all(tf.math.is_finite(direction))
        raw = tf.where(good, tf.cast(raw, tf.float64), np.nan)
        weights, failed = self.finish(raw, scale, used, present)
        count = tf.reduce_sum(mask)
        if self.paper_reduction == "mean":
            direction = direction * count
        if self.reduction == "mean":
            direction = direction / tf.maximum(tf.reduce_sum(tf.cast(present, tf.float32)), 1.0)
        direction = tf.cond(
            (count > 1.5) & good,
            lambda: direction,
            lambda: tf.tensordot(weights, tf.math.multiply_no_nan(jacobian, mask[:, None]), 1),
        )
        cosines = self.cosines(gramian, used, norms)
        facts = GradientFacts(norms, cosines, used, failed, residual=tf.zeros([]))
        return Decision(
            weights,
            self.own_weights(weights, losses, present),
            step_record(weights, present, facts),
            direction,
        )
