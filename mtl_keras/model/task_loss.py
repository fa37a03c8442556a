"""One task's loss: any Keras loss, averaged over the labels that are present."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.declaring.references import identifier
from mtl_keras.errors import ConfigError, DataError, nearest
from mtl_keras.model.keras_private import mask_of

# Losses that Keras averages over the last axis, element by element: if one label of a row is
# missing, the others still count. A custom loss joins them with an attribute `elementwise = True`.
ELEMENTWISE = {
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "hinge",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "squared_hinge",
}
GAUSSIAN = {"huber", "log_cosh", "mean_absolute_error", "mean_squared_error"}
SPARSE = {"sparse_categorical_crossentropy"}
BINARY = {"binary_crossentropy", "binary_focal_crossentropy"}


class Masked(NamedTuple):
    """Labels of one task, with the missing ones masked.

    Attributes:
        y: Labels with the rank of the prediction; 0 where missing.
        present: Float, 1 where the label is present, else 0: `(rows,)`; for sequences and maps
            with the positions as further axes, and of the prediction's shape where labels may be
            missing element by element.
        weight: Sample weights in the shape of `present`, 0 where the label is missing; None if
            there are none.
    """

    y: tf.Tensor
    present: tf.Tensor
    weight: tf.Tensor | None


class TaskLoss:
    """The loss of one output, as a sum and a divisor over the present labels of a batch.

    The mean loss is their ratio. Kept separate, they add up over batches to the true mean of an
    epoch, however many labels each batch has. As in Keras, the divisor counts labels, whatever
    their sample weights, or with the reduction `"mean_with_sample_weight"` sums their weights.
    Positions that a Keras mask hides count like missing labels.

    Args:
        task: Name of the output, for messages.
        loss: A Keras loss identifier: a string, a `keras.losses.Loss` or a function
            `(y_true, y_pred) -> loss per row`. One that averages over the batch itself is right
            only if no label is missing; if one is, the loss is NaN.

    Raises:
        ConfigError: if Keras does not know the loss.

    Example:

    >>> loss = TaskLoss("spend", "mse")
    >>> y_pred = tf.constant([[1.0], [2.0], [3.0]])
    >>> masked = loss.mask(tf.constant([1.0, 0.0, float("nan")]), y_pred, None)
    >>> [float(part) for part in loss(masked, y_pred)]
    [4.0, 2.0, 2.0]
    """

    def __init__(self, task: str, loss: Any) -> None:
        self.task = task
        try:
            self.function = keras.losses.get(loss)
        except ValueError as error:
            names = ["mse", "mae", *(name for name in dir(keras.losses) if name[0].islower())]
            raise ConfigError(
                f"Unknown loss {loss!r} for output {task!r}.{nearest(str(loss), names)} "
                "Expected the name of a Keras loss, a `keras.losses.Loss` or a function."
            ) from error
        self.reduction = getattr(self.function, "reduction", "sum_over_batch_size")
        self.name = _loss_name(self.function)
        self.sparse = self.name in SPARSE
        self.elementwise = self.name in ELEMENTWISE or getattr(self.function, "elementwise", False)

    @property
    def kind(self) -> str:
        """`"regression"` for losses like the Gaussian likelihood, else `"classification"`."""
        return "regression" if self.name in GAUSSIAN else "classification"

    def check_classes(self, y: Any, y_pred: Any) -> None:
        """Refuse labels that the loss of classes cannot mean: no index, or no probability.

        Args:
            y: An array of labels; others are not checked.
            y_pred: A tensor or `KerasTensor` with the prediction's shape.

        Raises:
            DataError: if there are such labels.
        """
        classes = y_pred.shape[-1]
        if not isinstance(y, np.ndarray):
            return
        if self.name in BINARY and (wrong := y[(y < 0) | (y > 1)]).size:
            raise DataError(
                f"Labels of output {self.task!r} must be 0 and 1, or probabilities, for loss "
                f"{self.name!r}. Received: {wrong[0]:g}."
            )
        if not self.sparse or classes is None:
            return
        known = y[~np.isnan(y) & (y != getattr(self.function, "ignore_class", None))]
        wrong = known[(known < 0) | (known >= classes) | (known % 1 != 0)]
        if len(wrong):
            from_one = known.min() == 1 and known.max() == classes
            raise DataError(
                f"Labels of output {self.task!r} must be class indices from 0 to {classes - 1} for "
                f"loss {self.name!r}, since its prediction has {classes} columns. Received: "
                f"{wrong[0]:g}." + (" Subtract 1 from all labels." if from_one else "")
            )

    def mask(self, y: Any, y_pred: Any, sample_weight: Any) -> Masked:
        """Labels aligned with the prediction; missing ones (NaN) become 0 with weight 0.

        Args:
            y: Labels of any number of rows.
            y_pred: A tensor or `KerasTensor` with the prediction's shape; only the shape is read.
            sample_weight: Weights of the rows, or None.
        """
        y = tf.convert_to_tensor(y)
        present = tf.math.logical_not(tf.math.is_nan(y)) if y.dtype.is_floating else None
        if present is None:
            present = tf.ones_like(y, dtype=tf.bool)
        else:
            y = tf.where(present, y, tf.zeros_like(y))
        y, present = self._aligned(y, y_pred), self._aligned(present, y_pred)
        by_element = self.elementwise and len(y_pred.shape) > 1 and y_pred.shape[-1] != 1
        if not by_element and present.shape.rank > max(1, len(y_pred.shape) - 1):
            present = tf.reduce_all(present, axis=-1)
        present = tf.cast(present, tf.float32)
        weight = None
        if sample_weight is not None:
            weight = self._like(present, tf.cast(sample_weight, tf.float32))
            weight = tf.where(weight < 0, float("nan"), weight)  # else it would count as 0
            weight *= present
        y = tf.cast(y, tf.int64 if self.sparse else tf.float32)
        return Masked(y, present, weight)

    def seen(self, masked: Masked, mask: Any) -> Masked:
        """Masked labels of which those that a Keras mask hides (False) are missing, too."""
        if mask is None:
            return masked
        shown = self._like(masked.present, tf.cast(mask, tf.float32))
        weight = None if masked.weight is None else masked.weight * shown
        return Masked(masked.y, masked.present * shown, weight)

    def __call__(
        self, masked: Masked, y_pred: tf.Tensor, members: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Sum of the weighted losses, its divisor, and the sum of weights, from masked labels.

        With `members`, the prediction has an axis of members after the rows, and the loss is the
        mean of the members' losses.
        """
        if members:
            count = y_pred.shape[1]
            rows = tf.range(tf.shape(y_pred)[0] * count) // count  # each once per member
            repeated = [None if part is None else tf.gather(part, rows) for part in masked]
            y_pred = tf.reshape(y_pred, [-1, *y_pred.shape[2:]])
            loss, divisor, weight = self(Masked(*repeated), y_pred)
            return loss / count, divisor / count, weight / count
        masked = self.seen(masked, mask_of(y_pred))
        y, y_pred = masked.y, tf.cast(y_pred, tf.float32)
        by_element = masked.present.shape.rank == y_pred.shape.rank
        if by_element or y_pred.shape.rank == 1:  # Keras averages over a last axis
            y, y_pred = y[..., tf.newaxis], y_pred[..., tf.newaxis]
        call: Callable[..., tf.Tensor] = getattr(self.function, "call", self.function)
        losses = tf.convert_to_tensor(call(y, y_pred))
        _, present, weight = self.seen(masked, mask_of(losses))  # as `ignore_class` does
        while losses.shape.rank > present.shape.rank:
            losses = tf.reduce_mean(losses, axis=-1)
        if losses.shape.rank == 0:
            losses = tf.where(tf.reduce_all(present > 0), losses, float("nan"))
        while 0 < losses.shape.rank < present.shape.rank:  # the loss has averaged over positions
            present = tf.reduce_min(present, axis=-1)
            weight = None if weight is None else tf.reduce_mean(weight, axis=-1) * present
        counted = present if weight is None else weight
        loss = tf.reduce_sum(tf.where(counted != 0, counted * losses, 0.0))  # NaN stays NaN
        total = tf.reduce_sum(counted)
        if weight is None or self.reduction == "mean_with_sample_weight":
            return loss, total, total
        return loss, tf.reduce_sum(present), total

    def of_outputs(
        self, y: np.ndarray, output: Any, sample_weight: np.ndarray | None = None
    ) -> Callable[[np.ndarray], float]:
        """A function from outputs to their mean loss against the labels `y`.

        Args:
            y: Labels, NaN where missing.
            output: The model's output tensor, for its shape.
            sample_weight: Weights of the rows. Default None: all weigh the same.
        """
        masked = self.mask(tf.constant(y, tf.float32), output, sample_weight)

        def mean(outputs: np.ndarray) -> float:
            total, divisor, _ = self(masked, tf.constant(outputs, tf.float32))
            return float(total / divisor)

        return mean

    def _like(self, present: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Weights or a mask of rows or positions with the rank of `present`."""
        if weights.shape.rank == present.shape.rank + 1 and weights.shape[-1] in (1, None):
            weights = tf.squeeze(weights, axis=-1)
        if weights.shape.rank > present.shape.rank:
            raise ConfigError(
                f"Sample weights of output {self.task!r} have shape {tuple(weights.shape)}; "
                f"expected one per row or position, {tuple(present.shape)}."
            )
        while weights.shape.rank < present.shape.rank:
            weights = weights[..., tf.newaxis]
        return weights

    def _aligned(self, y: tf.Tensor, y_pred: Any) -> tf.Tensor:
        """`y` with the rank of the prediction, or one less if labels are class indices."""
        rank = len(y_pred.shape) - 1 if self.sparse else len(y_pred.shape)
        if y.shape.rank == rank + 1 and y.shape[-1] in (1, None):
            y = tf.squeeze(y, axis=-1)
        if y.shape.rank == rank - 1:
            y = y[..., tf.newaxis]
        if y.shape.rank != rank:
            one_hot = self.sparse and y.shape.rank == rank + 1
            raise ConfigError(
                f"Labels of output {self.task!r} have shape {tuple(y.shape)}, its prediction has "
                f"{tuple(y_pred.shape)}: expected labels of {rank} "
                f"dimension{'' if rank == 1 else 's'} for loss {self.name!r}."
                + (" For one-hot labels use 'categorical_crossentropy'." if one_hot else "")
            )
        widths = (y.shape[-1], y_pred.shape[-1])
        narrow = widths[0] == 1 and getattr(self.function, "narrow_labels", False)
        differ = None not in widths and widths[0] != widths[1]
        if not self.sparse and rank > 1 and differ and not narrow:
            raise ConfigError(
                f"Labels of output {self.task!r} have {widths[0]} "
                f"column{'' if widths[0] == 1 else 's'}, its prediction has {widths[1]}. "
                "For class indices use the loss 'sparse_categorical_crossentropy'."
            )
        return y


def _loss_name(function: Any) -> str:
    if isinstance(function, keras.losses.Loss):
        return identifier(type(function))
    return getattr(function, "__name__", type(function).__name__)
