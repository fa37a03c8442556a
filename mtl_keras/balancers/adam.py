"""The Adam rule on one vector of a balancer's state."""

import keras
import tensorflow as tf

from mtl_keras.balancers.base import Balancer


class SmallAdam:
    """Adam (Kingma and Ba, 2015) with L2 weight decay, on one state variable of a balancer.

    A balancer runs inside a compiled function on several replicas, where Keras's optimizers cannot
    be called but its own state variables can be updated.

    Args:
        balancer: The balancer that holds the state.
        size: Length of the vector.
        learning_rate: Float > 0.
        weight_decay: Float >= 0; `weight_decay` times the vector is added to the gradient.
    """

    def __init__(
        self, balancer: Balancer, size: int, learning_rate: float, weight_decay: float = 0.0
    ) -> None:
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.moments = balancer.add_state((2, size), name="moments")
        self.steps = balancer.add_state((size,), name="steps")
        balancer.adam_state = [self.moments, self.steps]  # tracked there, for saving

    def apply(self, variable: keras.Variable, gradient: tf.Tensor, active: tf.Tensor) -> None:
        """One step on the `active` entries; the others and their moments stay unchanged."""
        value = tf.convert_to_tensor(variable.value)
        first, second = tf.unstack(tf.convert_to_tensor(self.moments.value))
        steps = tf.convert_to_tensor(self.steps.value) + tf.cast(active, tf.float32)
        gradient = gradient + self.weight_decay * value
        first = tf.where(active, 0.9 * first + 0.1 * gradient, first)
        second = tf.where(active, 0.999 * second + 0.001 * gradient**2, second)
        count = tf.maximum(steps, 1.0)
        rate = tf.sqrt(second / (1 - 0.999**count)) + 1e-8
        change = self.learning_rate * first / (1 - 0.9**count) / rate
        variable.assign(tf.where(active, value - change, value))
        self.moments.assign(tf.stack([first, second]))
        self.steps.assign(steps)
