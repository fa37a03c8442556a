"""`predict` for arrays in memory, without the per-call cost of Keras's loop."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.feeding.blocks import row_count, rows_within

ROWS = 4096
BYTES = 8 * 2**20  # of inputs per slice


class Predictor:
    """A model's outputs for arrays in memory.

    Args:
        model: The model. What is run is its `predict_function`, of which a graph is kept for each
            type of inputs, until Keras makes a new one (after `compile` and `quantize`).
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._function: Any = None
        self._graphs: dict[str, Any] = {}

    def __call__(self, x: Any, batch_size: int | None = None) -> Any:
        """Outputs for all rows of `x`, in the structure of the model's outputs, as NumPy arrays.

        Args:
            x: Arrays.
            batch_size: Rows per slice. Default None: 4096, or fewer if rows are as large as images.
        """
        tensors = keras.tree.map_structure(tf.convert_to_tensor, x)
        rows = row_count(x, "x")
        size = batch_size or rows_within(tensors, BYTES, ROWS)
        graph = self._graph(tensors)

        def part(chosen: slice) -> Any:
            return graph([(keras.tree.map_structure(lambda tensor: tensor[chosen], tensors),)])

        parts = [part(slice(start, start + size)) for start in range(0, rows, size)]
        return keras.tree.map_structure(lambda *part: np.concatenate(part), *parts)

    def _graph(self, tensors: Any) -> Any:
        """The model as a traced function of any number of rows of these types."""
        specs = keras.tree.map_structure(
            lambda t: tf.TensorSpec((None, *t.shape[1:]), t.dtype), tensors
        )
        key = str(specs)
        model = self.model
        model.make_predict_function()
        if model.predict_function is not self._function:
            self._function, self._graphs = model.predict_function, {}
        if key not in self._graphs:
            traced = self._function
            if model.distribute_strategy.num_replicas_in_sync > 1:  # all would answer all rows
                traced = tf.function(lambda data: model.predict_step(data[0]), autograph=False)
            self._graphs[key] = traced.get_concrete_function([(specs,)])
        return self._graphs[key]
