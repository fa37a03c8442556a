"""What `fit` and `evaluate` are given: rows to train, to validate or to evaluate on."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from mtl_keras.errors import ConfigError
from mtl_keras.feeding.blocks import Blocks
from mtl_keras.model import labels
from mtl_keras.model.arrays import as_array
from mtl_keras.model.step import Step

BATCH_SIZE = 32  # Keras's default


class Rows(NamedTuple):
    """Inputs, labels and sample weights; or a data set as `x`, without the others."""

    x: Any
    y: Any = None
    sample_weight: Any = None

    def as_arguments(self) -> dict[str, Any]:
        """As arguments of Keras's own `fit` or `evaluate`."""
        weights = labels.weights_of_all(self.sample_weight, self.y)
        return {"x": self.x, "y": self.y, "sample_weight": weights}

    def first(self, batches: int | None, batch_size: int | None) -> "Rows":
        """The first rows, as many as some batches have; all for None."""
        if batches is None or isinstance(self.x, Blocks):
            return self
        stop = batches * (batch_size or BATCH_SIZE)
        cut = keras.tree.map_structure(lambda a: None if a is None else a[:stop], tuple(self))
        return Rows(*cut)

    def as_keras(self) -> Any:
        """As the `validation_data` of Keras's own `fit`."""
        return self.x if self.y is None else tuple(self.as_arguments().values())


class Validation(NamedTuple):
    """What to validate on, as given to `fit`: `validation_split`, `validation_data` and so on."""

    split: float
    data: Any
    steps: int | None
    batch_size: int | None

    def held_out(self, train: Rows) -> tuple[Rows, Rows]:
        """The rows to train on, and the rows to validate on."""
        if self.split and self.data is None:
            first, last = labels.split_last(tuple(train), self.split)
            return Rows(*first), Rows(*last)
        if isinstance(self.data, (tuple, list)) and not isinstance(self.data, Blocks):
            return train, Rows(*keras.utils.unpack_x_y_sample_weight(tuple(self.data)))
        return train, Rows(self.data)


def checked(rows: Rows, step: Step, class_weight: Any = None) -> tuple[Rows, Any]:
    """Rows with class weights multiplied in, and those left for Keras to multiply in.

    Tables become arrays, and arrays get labels and weights by task.
    """
    tasks = step.tasks
    if rows.y is not None:
        y, sample_weight = labels.checked(rows.y, rows.sample_weight, tasks, class_weight)
        for task, values in y.items():
            step.losses[task].check_classes(values, step.outputs[task])
        return Rows(keras.tree.map_structure(as_array, rows.x), y, sample_weight), None
    if class_weight is None:
        return rows, None
    if isinstance(rows.x, tf.data.Dataset):
        return Rows(labels.class_weighted(rows.x, class_weight, tasks)), None
    tables = labels.class_weights(class_weight, tasks)
    if len(tasks) == 1:
        return rows, tables[tasks[0]]
    raise ConfigError(
        "`class_weight` of several outputs needs `y` as arrays, or a `tf.data.Dataset`. "
        f"Received: {type(rows.x).__name__}. Yield sample weights by output from it."
    )
