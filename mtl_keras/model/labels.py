"""Labels and weights of several outputs, in any structure, by task name."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import ConfigError, DataError, shown, unknown
from mtl_keras.model.arrays import as_array

ONE_CLASS = (
    "`class_weight` of output {task!r} needs one class for each row: labels that are class indices "
    "(whole numbers in one column) or one-hot. Weigh other labels by `sample_weight`."
)


def by_task(
    value: Any, tasks: Sequence[str], argument: str, spread: bool = False
) -> dict[str, Any]:
    """`value` as a dict from task name.

    Args:
        value: A dict with task names as keys, a list in the order of the tasks, None, or one value.
        tasks: All task names.
        argument: Name of the argument, for messages.
        spread: Whether one value holds for every task; else it is for the only task.

    Raises:
        ConfigError: if a key is not a task, a list has the wrong length, or one value is given for
            several tasks.

    Example:

    >>> by_task([1.0, 0.5], ["churned", "spend"], "loss_weights")
    {'churned': 1.0, 'spend': 0.5}
    """
    if value is None:
        return {}
    if isinstance(value, Mapping):
        for name in value:
            if name not in tasks:
                raise ConfigError(f"In `{argument}`: " + unknown("output", name, tasks))
        return dict(value)
    if isinstance(value, (list, tuple)):
        if len(value) != len(tasks):
            if len(tasks) == 1:
                return {tasks[0]: value}
            raise ConfigError(
                f"`{argument}` must have one entry for each of the outputs {list(tasks)}. "
                f"Received: a list of {len(value)}."
            )
        return dict(zip(tasks, value))
    if spread or len(tasks) == 1:
        return dict.fromkeys(tasks, value)
    raise ConfigError(
        f"`{argument}` must be a dict or a list over the outputs {list(tasks)}. "
        f"Received: {type(value).__name__}."
    )


def output_names(model: keras.Model) -> list[str]:
    """Names of a model's outputs, in order.

    Outputs in a list are named after the layers that made them; of one layer, called twice, the
    second one is numbered: `head`, `head_1`.
    """
    if isinstance(model.output, dict):
        return list(model.output)
    names: list[str] = []
    for name in model.output_names:
        number, free = 1, name
        while free in names:
            free, number = f"{name}_{number}", number + 1
        names.append(free)
    return names


def by_output(structure: Any, tasks: Sequence[str]) -> dict[str, Any]:
    """A model's outputs, or values in the same structure, by task.

    Args:
        structure: A dict by task, a list in the order of the tasks, or the value for the only task.
        tasks: All task names.
    """
    if isinstance(structure, dict):
        return structure
    return dict(zip(tasks, keras.tree.flatten(structure)))


def named(
    y: Any, sample_weight: Any, tasks: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Labels and sample weights of a batch of a data set, by task.

    Raises:
        ConfigError: if the batch has no labels for a task.
    """
    labels = by_task(y, tasks, "y")
    for task in tasks:
        if labels.get(task) is None:
            raise ConfigError(f"The data set has no labels for output {task!r}.")
    return labels, by_task(sample_weight, tasks, "sample_weight", spread=True)


def checked(
    y: Any,
    sample_weight: Any,
    tasks: Sequence[str],
    class_weight: Mapping[Any, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Checked arrays of labels and sample weights by task, with class weights multiplied in.

    Raises:
        DataError: if a task has no labels, labels are not numbers, or a weight is invalid.
        ConfigError: if a name is not a task.
    """
    labels = by_task(y, tasks, "y")
    for task in tasks:
        if labels.get(task) is None:
            raise DataError(
                f"`y` has no labels for output {task!r}. Received labels for: {sorted(labels)}. "
                "For a task without any labels, pass an array of NaN."
            )
    labels = {task: _numbers(labels[task], task) for task in tasks}
    if isinstance(sample_weight, (list, tuple)) and len(sample_weight) != len(tasks):
        sample_weight = np.asarray(sample_weight)
    weights = by_task(sample_weight, tasks, "sample_weight", spread=True)
    weights = {
        task: _sample_weights(weight, task)
        for task, weight in weights.items()
        if weight is not None
    }
    for task, table in class_weights(class_weight, tasks).items():
        weight = _class_weights(np.asarray(labels[task]), table, task)
        weights[task] = weight * weights[task] if task in weights else weight
    return labels, weights


def class_weights(
    class_weight: Mapping[Any, Any] | None, tasks: Sequence[str]
) -> dict[str, Mapping[int, float]]:
    """Class weights by task: of a single one also without its name, as in Keras.

    Raises:
        ConfigError: if a name is not a task, or its weights are not a mapping from class indices to
            numbers >= 0.

    Example:

    >>> class_weights({0: 1.0, 1: 3.0}, ["churned"])
    {'churned': {0: 1.0, 1: 3.0}}
    """
    if len(tasks) == 1 and class_weight and not set(class_weight) <= set(tasks):
        class_weight = {tasks[0]: class_weight}
    tables = by_task(class_weight, tasks, "class_weight")
    for task, table in tables.items():
        if not isinstance(table, Mapping):
            raise ConfigError(
                f"`class_weight` of output {task!r} must be a dict from class index to weight. "
                f"Received: {table!r}"
            )
        for index, weight in table.items():
            numbers = not isinstance(index, str) and isinstance(weight, (int, float, np.number))
            if not (numbers and np.isfinite(weight) and weight >= 0):
                raise ConfigError(
                    f"`class_weight` of output {task!r} must give class indices (numbers) finite "
                    f"weights >= 0. Received: {{{index!r}: {weight!r}}}."
                )
    return tables


def class_weighted(
    dataset: tf.data.Dataset, class_weight: Mapping[Any, Any], tasks: Sequence[str]
) -> tf.data.Dataset:
    """A data set of batches whose sample weights include class weights."""
    tables = class_weights(class_weight, tasks)

    def weighted(*batch: Any) -> tuple[Any, Any, Any]:
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        labels, weights = named(y, sample_weight, tasks)
        rows = tf.shape(keras.tree.flatten(labels)[0])[0]
        for task in tasks:
            weight = tf.ones([rows]) if weights.get(task) is None else weights[task]
            if task not in tables:
                weights[task] = tf.cast(weight, tf.float32)
                continue
            classes, one = _class_of(labels[task])
            with tf.control_dependencies([tf.debugging.Assert(one, [ONE_CLASS.format(task=task)])]):
                classes = tf.identity(classes)
            by_class = tf.ones_like(classes)
            for index, value in tables[task].items():
                by_class = tf.where(classes == float(index), float(value), by_class)
            if weight.shape.rank == 2 and by_class.shape.rank == 1:
                by_class = by_class[:, tf.newaxis]
            weights[task] = tf.cast(weight, tf.float32) * by_class
        return x, y, weights

    return dataset.map(weighted, num_parallel_calls=tf.data.AUTOTUNE)


def weights_of_all(sample_weight: Any, y: Any) -> Any:
    """Sample weights with an entry for every task, as Keras needs them; None if there are none."""
    if not sample_weight or not isinstance(y, Mapping):
        return sample_weight or None
    rows = {task: np.ones(int(values.shape[0]), "float32") for task, values in y.items()}
    return {**rows, **sample_weight}


def split_last(data: Any, fraction: float) -> tuple[Any, Any]:
    """Split every array of `data` into the first rows and the last `fraction` of them."""
    leaves = [leaf for leaf in keras.tree.flatten(data) if leaf is not None]
    rows = int(leaves[0].shape[0])
    first = int(rows * (1.0 - fraction))
    if not 0 < first < rows:
        raise ConfigError(
            f"`validation_split` must leave rows on both sides. Received: "
            f"validation_split={fraction} of {rows} rows."
        )

    def part(rows: slice) -> Any:
        return keras.tree.map_structure(lambda t: None if t is None else t[rows], data)

    return part(slice(first)), part(slice(first, None))


def _numbers(values: Any, task: str) -> Any:
    if isinstance(values, tf.Tensor):
        return values
    if isinstance(values, np.ma.MaskedArray):  # its mask says which labels are missing
        values = np.ma.filled(values.astype("float64"), np.nan)
    array = np.asarray(as_array(values))
    if array.dtype == object:
        try:
            array = array.astype("float32")
        except (TypeError, ValueError) as error:
            raise DataError(
                f"Labels of output {task!r} must be numbers (NaN where missing). Received: {error}."
                " Turn text labels into class indices, or use `mtl_keras.Experiment`, which does."
            ) from error
    if array.dtype.kind in "US":
        raise DataError(
            f"Labels of output {task!r} are text, e.g. {str(array.flat[0])!r}. Turn them into "
            "class indices, or use `mtl_keras.Experiment`, which does."
        )
    return array.astype("float32") if array.dtype == np.float64 else array


def _sample_weights(weight: Any, task: str) -> Any:
    array = np.asarray(weight)
    numbers = array.dtype.kind in "biuf"
    if not (numbers and np.isfinite(array).all() and (array >= 0).all()):
        raise DataError(
            f"Sample weights of output {task!r} must be finite numbers >= 0. "
            f"Received: {f'minimum {np.min(array)}' if numbers else shown(array.flat[0])}."
        )
    return weight if isinstance(weight, tf.Tensor) else array


def _class_weights(labels: np.ndarray, table: Mapping[int, float], task: str) -> np.ndarray:
    classes, one = _class_of(tf.convert_to_tensor(labels))
    if not one:
        raise DataError(ONE_CLASS.format(task=task))
    indices = classes.numpy()
    weights = np.ones(indices.shape[0], "float32")
    for index, weight in table.items():
        weights[indices == index] = weight
    return weights


def _class_of(labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The class index of each row, `(rows,)`, and whether each labelled row has one class."""
    if labels.shape.rank == 1:
        labels = labels[:, tf.newaxis]
    labels = tf.cast(labels, tf.float32)
    if labels.shape.rank != 2:
        return tf.zeros(tf.shape(labels)[:1]), tf.constant(False)
    if labels.shape[1] == 1:
        classes = labels[:, 0]
        one = tf.equal(classes, tf.round(classes))
    else:  # one-hot, or shares of the classes
        classes = tf.cast(tf.argmax(labels, axis=1), tf.float32)
        one = tf.abs(tf.reduce_sum(labels, axis=1) - 1) < 1e-3
    return classes, tf.reduce_all(one | tf.reduce_any(tf.math.is_nan(labels), axis=1))
