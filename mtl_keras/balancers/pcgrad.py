"""PCGrad: projecting conflicting gradients (Yu et al., 2020)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.base import next_seed
from mtl_keras.balancers.gradient import GramianBalancer


@keras.saving.register_keras_serializable("mtl_keras")
class PCGrad(GramianBalancer):
    r"""Removes from each gradient its components along conflicting gradients, then sums.

    For each task, in a random order of the others: if $p \cdot g_j < 0$, then $p \leftarrow p - (p
    \cdot g_j / \lVert g_j \rVert^2)\, g_j$, starting from $p = g_i$, with the original $g_j$. The
    update is $\sum_i p_i$, computed from the Gramian alone. (The authors' TensorFlow 1 code
    discards its shuffle and uses a fixed order.)

    Args:
        shuffle: Whether the order is drawn at random in each step; else it is the order of the
            tasks. Default True.
        seed: Integer seed of the order. Default 0.

    References:
        Yu, Kumar, Gupta, Levine, Hausman, Finn: "Gradient Surgery for Multi-Task Learning",
        NeurIPS 2020, https://arxiv.org/abs/2001.06782, algorithm 1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> gradients = tf.constant([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], tf.float64)
    >>> gramian = tf.matmul(gradients, gradients, transpose_b=True)
    >>> balancer = PCGrad()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy().round(4)
    array([2.2222, 1.5789])
    """

    also_called = "projecting_conflicting_gradients gradient_surgery gradient_projection"
    when = "A few tasks that conflict now and then, with gradients of similar size."

    def __init__(self, shuffle: bool = True, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shuffle = shuffle
        self.seed = seed

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.draws = self.add_state((), name="draws")

    def order(self, tasks: int) -> tf.Tensor:
        """For each task, the order in which it is compared with all tasks, int `(tasks, tasks)`."""
        if not self.shuffle:
            return tf.broadcast_to(tf.range(tasks), (tasks, tasks))
        seed = next_seed(self.seed, self.draws)
        return tf.argsort(tf.random.stateless_uniform((tasks, tasks), seed), axis=-1)

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        tasks = gramian.shape[0]
        order = self.order(tasks)
        rows = tf.eye(tasks, dtype=gramian.dtype)  # row i: the coefficients of p_i
        squares = tf.linalg.diag_part(gramian)
        for turn in range(tasks):
            other = tf.one_hot(order[:, turn], tasks, dtype=gramian.dtype)
            inner = tf.reduce_sum(rows * tf.matmul(other, gramian), -1)
            square = tf.linalg.matvec(other, squares)
            # Its own gradient keeps a non-negative coefficient in p until other tasks come in.
            itself = order[:, turn] == tf.range(tasks, dtype=order.dtype)
            conflict = (inner < 0) & ~itself & (square > 0)
            share = tf.where(conflict, inner / tf.where(square > 0, square, 1), 0)
            rows -= share[:, None] * other
        return tf.reduce_sum(rows * tf.cast(present, rows.dtype)[:, None], 0)
