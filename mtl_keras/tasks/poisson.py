"""Half the Poisson deviance: the loss of counts, and of quantities with a log link."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.tasks.measures import Measure


@keras.saving.register_keras_serializable("mtl_keras")
class PoissonDeviance(keras.losses.Loss):
    r"""Half the Poisson deviance, $y \log(y / \hat y) - y + \hat y$.

    Its gradient is that of `keras.losses.Poisson`, but it is 0 for a perfect prediction and never
    negative, so that balancers can take its logarithm.

    Example:

    >>> loss = PoissonDeviance()
    >>> float(loss(tf.constant([[0.0], [2.0]]), tf.constant([[1.0], [2.0]])))
    0.5
    """

    elementwise = True

    def __init__(self, name: str = "poisson_deviance", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        y_pred = tf.maximum(y_pred, 1e-7)
        ratio = tf.math.xlogy(y_true, y_true) - tf.math.xlogy(y_true, y_pred)
        return tf.reduce_mean(ratio - y_true + y_pred, axis=-1)


def deviance(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the Poisson deviance of each row.

    Example:

    >>> deviance(np.array([0.0, 2.0]), np.array([1.0, 2.0]))
    array([2., 0.])
    """
    mean = np.maximum(predicted.reshape(-1), 1e-9)
    logs = truth * np.log(np.where(truth > 0, truth, 1.0) / mean)
    return 2 * (logs - truth + mean)


POISSON_DEVIANCE = Measure.mean("poisson_deviance", deviance)
