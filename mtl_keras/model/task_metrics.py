"""The metrics of all outputs, over present labels only, under the names that Keras gives them."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from mtl_keras.errors import ConfigError, nearest
from mtl_keras.model.keras_private import CompileMetrics, mask_of
from mtl_keras.model.labels import by_output, by_task
from mtl_keras.model.task_loss import Masked, TaskLoss

# Metrics of Keras that treat the elements of the last axis alike, unless they have `class_id`,
# `top_k` or `multi_label`: where a label of a row is missing, its others still count. Other metrics
# see whole rows (or positions) only.
ELEMENTWISE = {
    "AUC", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "FalseNegatives", "FalsePositives",
    "Hinge", "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "Precision", "PrecisionAtRecall",
    "Recall", "RecallAtPrecision", "RootMeanSquaredError", "SensitivityAtSpecificity",
    "SpecificityAtSensitivity", "SquaredHinge", "TrueNegatives", "TruePositives",
}  # fmt: skip
COUNTS = {"Sum", "FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives"}


class Entry(NamedTuple):
    """One metric of one output.

    Attributes:
        name: The name that it is logged under.
        task: The output.
        metric: The metric.
        weighted: Whether it counts rows by their sample weights.
        of_keras: Whether it is one of Keras's own (or this package's), for which many batches, and
            the positions of sequences and maps, are rows like any other.
        by_batch: Whether it must see each batch by itself: it is the user's own, or the output has
            a Keras mask, which travels with the batch.
    """

    name: str
    task: str
    metric: keras.metrics.Metric
    weighted: bool
    of_keras: bool
    by_batch: bool


class FunctionMetric(keras.metrics.Mean):
    """The mean of a function `(y_true, y_pred) -> value per row`.

    A function that averages over the batch itself counts as often as the batch has rows, and is
    right only if no label is missing; if one is, the metric is NaN.

    Args:
        function: The function.
        name: Name of the metric.
    """

    def __init__(self, function: Any, name: str) -> None:
        super().__init__(name=name)
        self.function = function

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        values = tf.cast(self.function(y_true, y_pred), tf.float32)
        if values.shape.rank == 0:
            value = tf.where(tf.reduce_all(sample_weight > 0), values, float("nan"))
            values = tf.fill(tf.shape(sample_weight), value)
        super().update_state(values, sample_weight)


class TaskMetrics(CompileMetrics):
    """The metrics of all outputs, each under `<task>_<metric>`; of a single one, `<metric>`.

    A metric without any label is NaN, where Keras has 0, unless it is a count. A metric with a
    `result` of the user's own is what that says.

    Args:
        losses: Loss of each task, by name; it determines the format of the labels.
        outputs: Each output's symbolic tensor, by name.
        metrics: For each task, a metric identifier or a list of them, computed without sample
            weights.
        weighted_metrics: Likewise, computed with sample weights.

    Raises:
        ConfigError: if a name is unknown, or the same metric object is used twice.
    """

    def __init__(
        self,
        losses: Mapping[str, TaskLoss],
        outputs: Mapping[str, Any],
        metrics: Mapping[str, Any],
        weighted_metrics: Mapping[str, Any],
    ) -> None:
        super().__init__(None, None)
        self.losses, self.outputs, self.entries = dict(losses), dict(outputs), []
        self.built = True  # to Keras, which would build it on a batch
        seen: dict[int, str] = {}
        for weighted, declared in ((False, metrics), (True, weighted_metrics)):
            for task in losses:
                for identifier in _as_list(declared.get(task)):
                    if isinstance(identifier, keras.metrics.Metric):
                        if id(identifier) in seen:
                            raise ConfigError(
                                f"The metric object {identifier.name!r} is used for outputs "
                                f"{seen[id(identifier)]!r} and {task!r}, which would mix their "
                                "values. Create one object per output."
                            )
                        seen[id(identifier)] = task
                    metric = _resolve(identifier, task, losses[task], outputs[task].shape[-1])
                    name = self._free_name(task, metric.name, weighted)
                    of_keras = _of_keras(identifier if callable(identifier) else metric)
                    by_batch = not of_keras or mask_of(outputs[task]) is not None
                    entry = Entry(name, task, metric, weighted, of_keras, by_batch)
                    self.entries.append(entry)
        self.labelled = self.add_variable((len(self.entries),), "zeros", name="labelled")

    def _free_name(self, task: str, metric: str, weighted: bool) -> str:
        """The name that Keras logs a metric under."""
        prefix = f"{task}_" if len(self.losses) > 1 else ""
        name = prefix + metric
        if name in self.names and weighted:
            name = f"{prefix}weighted_{metric}"
        number = 1
        first = name
        while name in self.names:
            name, number = f"{first}_{number}", number + 1
        return name

    @property
    def names(self) -> list[str]:
        """The names that the metrics are logged under."""
        return [entry.name for entry in self.entries]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [entry.metric for entry in self.entries]

    @property
    def by_batch(self) -> bool:
        """Whether a metric must see each batch by itself."""
        return any(entry.by_batch for entry in self.entries)

    @property
    def by_block(self) -> bool:
        """Whether a metric may see the rows of many batches at once, which is faster."""
        return not all(entry.by_batch for entry in self.entries)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch in the form in which Keras has it."""
        tasks = list(self.losses)
        labels = by_task(y_true, tasks, "y")
        weights = by_task(sample_weight, tasks, "sample_weight", spread=True)
        masked = {
            task: loss.mask(labels[task], self.outputs[task], weights.get(task))
            for task, loss in self.losses.items()
        }
        self.add(masked, by_output(y_pred, tasks))

    def add(
        self,
        masked: Mapping[str, Masked],
        predictions: Mapping[str, tf.Tensor],
        by_batch: bool | None = None,
    ) -> None:
        """Add rows with masked labels.

        Args:
            masked: Masked labels by task.
            predictions: Predictions by task.
            by_batch: Whether to update the metrics that must see each batch by itself, or those
                that need not; None for all.
        """
        labelled = []
        for entry in self.entries:
            if by_batch is None or entry.by_batch == by_batch:
                mask = mask_of(predictions[entry.task])
                labels = self.losses[entry.task].seen(masked[entry.task], mask)
                labelled.append(
                    _update(entry, labels, tf.cast(predictions[entry.task], tf.float32))
                )
            else:
                labelled.append(tf.constant(0.0))
        self.labelled.assign_add(tf.stack(labelled))

    def result(self) -> dict[str, tf.Tensor]:
        labelled = tf.unstack(tf.convert_to_tensor(self.labelled.value))
        return {
            entry.name: _defined(entry.metric, weight)
            for entry, weight in zip(self.entries, labelled)
        }

    def reset_state(self) -> None:
        self.labelled.assign(tf.zeros_like(self.labelled))
        for entry in self.entries:
            entry.metric.reset_state()


def _defined(metric: keras.metrics.Metric, weight: tf.Tensor) -> Any:
    """The result of a metric; NaN if the labels that it has seen have no weight."""
    kind, result = type(metric), metric.result()
    if kind.__name__ in COUNTS or not _of_keras(kind.result):
        return result
    return tf.where(weight > 0, result, tf.constant(float("nan"), result.dtype))


def _update(entry: Entry, labels: Masked, y_pred: tf.Tensor) -> tf.Tensor:
    """Add rows to a metric; the weight of their labels."""
    metric, (y, present, weight) = entry.metric, labels
    if not entry.weighted or weight is None:
        weight = present
    if y_pred.shape.rank == 1:  # Keras averages over a last axis
        y, y_pred = y[..., tf.newaxis], y_pred[..., tf.newaxis]
    kind = type(metric).__name__
    by_element = present.shape.rank == y_pred.shape.rank > 1
    one_class, among = getattr(metric, "class_id", None), getattr(metric, "top_k", None)
    whole = one_class is not None or among is not None or getattr(metric, "multi_label", False)
    if by_element and kind in ELEMENTWISE and not whole:
        y, y_pred = tf.reshape(y, (-1, 1)), tf.reshape(y_pred, (-1, 1))
        weight = tf.reshape(weight, [-1])
    elif by_element and one_class is not None and among is None:
        weight = weight[..., one_class]
    elif by_element and not getattr(metric, "multi_label", False):
        weight = tf.where(tf.reduce_all(present > 0, axis=-1), tf.reduce_mean(weight, axis=-1), 0.0)
    if weight.shape.rank > 1 and weight.shape.rank == y_pred.shape.rank - 1 and entry.of_keras:
        y = tf.reshape(y, [-1] if y.shape.rank == weight.shape.rank else [-1, y.shape[-1]])
        y_pred = tf.reshape(y_pred, [-1, y_pred.shape[-1]])
        weight = tf.reshape(weight, [-1])
    metric.update_state(y, y_pred, sample_weight=weight)
    return tf.reduce_sum(weight)


def _as_list(value: Any) -> Iterable[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _of_keras(metric: Any) -> bool:
    """Whether a metric's object or function is defined by Keras or this package."""
    if type(metric) is keras.metrics.MeanMetricWrapper:  # around any function
        return False
    defined = metric if hasattr(metric, "__name__") else type(metric)
    return defined.__module__.startswith(("keras.", "mtl_keras."))


def _resolve(identifier: Any, task: str, loss: TaskLoss, width: int | None) -> keras.metrics.Metric:
    """A Keras metric; `"accuracy"` and `"crossentropy"` become the kind that fits the loss."""
    if isinstance(identifier, str) and identifier in ("accuracy", "acc", "crossentropy", "ce"):
        suffix = "accuracy" if identifier in ("accuracy", "acc") else "crossentropy"
        kind = "Binary" if width == 1 or "binary" in loss.name else "Categorical"
        kind = "SparseCategorical" if loss.sparse else kind
        cls = getattr(keras.metrics, kind + suffix.capitalize())
        return cls(name=identifier)
    try:
        metric = keras.metrics.get(identifier)
    except ValueError as error:
        names = [name for name in dir(keras.metrics) if name[0].isalpha()]
        raise ConfigError(
            f"Unknown metric {identifier!r} for output {task!r}.{nearest(str(identifier), names)} "
            "Expected the name of a Keras metric, a `keras.metrics.Metric` or a function."
        ) from error
    name = identifier if isinstance(identifier, str) else _name(metric)
    if not isinstance(metric, keras.metrics.Metric):
        return FunctionMetric(metric, name)
    metric.name = name
    return metric


def _name(metric: Any) -> str:
    """The name of a metric's object or function, as Keras logs it."""
    if isinstance(metric, keras.metrics.Metric):
        return metric.name
    return getattr(metric, "__name__", type(metric).__name__)
