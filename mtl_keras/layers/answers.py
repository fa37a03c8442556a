"""From network outputs to answers: numbers in the user's units, the user's own labels."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision


@keras.saving.register_keras_serializable("mtl_keras")
class Unscale(ArgumentsAsConfig, FullPrecision):
    """Inverts a numeric task's encoding of its labels: scaling, centring, transform.

    **Shape:** `(rows, 1)` to `(rows,)`; `(rows, n)` to the same.

    Args:
        center: Float, added after the scaling.
        scale: Float, factor of the outputs.
        transform: `"none"` or `"log1p"`, undone by `exp(z) - 1`.
        factor: Float, retransformation factor of `"log1p"`: the answer is `factor * exp(z) - 1`.
            The plain inverse (1.0) estimates something like a median; Duan's smearing factor, the
            mean of the exponentiated residuals, makes it an estimate of the mean.
        limits: Lowest and highest answer; None for no limit.

    References:
        Duan: "Smearing Estimate: A Nonparametric Retransformation Method", JASA 78, 1983.

    Example:

    >>> Unscale(center=100.0, scale=20.0)(tf.constant([[0.5], [-1.0]])).numpy().tolist()
    [110.0, 80.0]
    """

    def __init__(
        self,
        center: float = 0.0,
        scale: float = 1.0,
        transform: str = "none",
        factor: float = 1.0,
        limits: Sequence[float | None] = (None, None),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.transform = center, scale, transform
        self.factor, self.limits = factor, tuple(limits)

    def call(self, outputs: tf.Tensor) -> tf.Tensor:
        outputs = outputs[:, 0] if outputs.shape[-1] == 1 else outputs
        values = tf.cast(outputs, tf.float32) * self.scale + self.center
        if self.transform == "log1p":
            values = self.factor * tf.exp(tf.minimum(values, 80.0)) - 1.0
        lowest, highest = self.limits
        if lowest is not None:
            values = tf.maximum(values, lowest)
        return values if highest is None else tf.minimum(values, highest)

    def compute_output_spec(self, outputs: Any) -> keras.KerasTensor:
        shape = outputs.shape[:1] if outputs.shape[-1] == 1 else outputs.shape
        return keras.KerasTensor(shape, dtype="float32")


@keras.saving.register_keras_serializable("mtl_keras")
class Decode(ArgumentsAsConfig, FullPrecision):
    """Converts probabilities to labels, with the type that they have in the user's table.

    **Shape:** with a threshold, `(rows, n)` to `(rows, n)`, where column j is the second of
    `labels` if its probability is at least `threshold[j]`, and else the first; without a threshold,
    `(rows, classes)` to `(rows,)`, the label of the most probable class.

    Args:
        labels: The labels in the order of the classes: strings, booleans, integers or floats.
        threshold: None, or a probability per column.

    Example:

    >>> Decode(["no", "yes"], threshold=[0.4])(tf.constant([[0.3], [0.5]])).numpy().tolist()
    [[b'no'], [b'yes']]
    >>> Decode([1, 2, 5])(tf.constant([[0.2, 0.1, 0.7]])).numpy().tolist()
    [5]
    """

    def __init__(
        self, labels: Sequence[Any], threshold: Sequence[float] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.labels = tuple(labels)
        self.threshold = None if threshold is None else tuple(threshold)

    def call(self, probabilities: tf.Tensor) -> tf.Tensor:
        if self.threshold is None:
            index = tf.argmax(probabilities, axis=-1)
        else:
            index = tf.cast(probabilities >= tf.constant(self.threshold), tf.int32)
        dtype = tf.int64 if all(type(label) is int for label in self.labels) else None
        return tf.gather(tf.constant(self.labels, dtype), index)

    def compute_output_spec(self, probabilities: Any) -> keras.KerasTensor:
        shape = probabilities.shape[:-1] if self.threshold is None else probabilities.shape
        kind = {str: "string", bool: "bool", int: "int64"}.get(type(self.labels[0]), "float32")
        return keras.KerasTensor(shape, dtype=kind)
