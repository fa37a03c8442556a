"""Weights on the simplex that a balancer learns from step to step."""

import tensorflow as tf

from mtl_keras.balancers.base import Balancer


class Shares:
    """Shares of the tasks, which add up to 1, as a state variable of a balancer.

    The tasks of a step hold shares of their own: an absent one keeps its part of the whole, and
    the others divide theirs as if it did not exist. Where these hold nothing, they start anew.

    Args:
        balancer: The balancer that holds the state.
        tasks: Number of tasks; at first their shares are equal.
    """

    def __init__(self, balancer: Balancer, tasks: int) -> None:
        self.whole = balancer.add_state((tasks,), 1 / tasks, name="shares")
        balancer.task_shares = self.whole  # tracked there, for saving

    def among(self, present: tf.Tensor) -> tf.Tensor:
        """The shares of the present tasks, which add up to 1; 0 for the others."""
        held, total = self._held(present)
        return held / tf.maximum(total, 1e-30)

    def keep(self, shares: tf.Tensor, present: tf.Tensor) -> None:
        """Keep new shares of the present tasks, which add up to 1."""
        _, total = self._held(present)
        kept = total * tf.cast(shares, total.dtype)
        self.whole.assign(tf.where(present, kept, tf.convert_to_tensor(self.whole.value)))

    def _held(self, present: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What the present tasks hold of the whole, each and together."""
        held = tf.where(present, tf.convert_to_tensor(self.whole.value), 0.0)
        at_first = tf.cast(present, held.dtype) / held.shape[0]
        held = tf.where(tf.reduce_sum(held) > 1e-12, held, at_first)  # else 0 for good
        return held, tf.reduce_sum(held)


def projected(values: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """The nearest point of the simplex over the present tasks; 0 for the others.

    By the sorted values (Held, Wolfe and Crowder, 1974).

    Example:

    >>> both = tf.constant([True, True, False])
    >>> projected(tf.constant([1.2, 0.4, 9.0]), both).numpy().round(2)
    array([0.9, 0.1, 0. ], dtype=float32)
    """
    lowest = tf.cast(-1e30, values.dtype)
    ordered = tf.sort(tf.where(present, values, lowest), direction="DESCENDING")
    ranks = tf.range(1, values.shape[0] + 1, dtype=values.dtype)
    levels = (tf.cumsum(ordered) - 1) / ranks  # what to subtract if only the first few are left
    level = tf.reduce_max(tf.where(ordered > levels, levels, lowest))
    return tf.where(present, tf.maximum(values - level, 0.0), 0.0)
