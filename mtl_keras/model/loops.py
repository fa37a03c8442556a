"""`fit`, `evaluate` and `predict` that run arrays in memory many batches to a call."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import ConfigError
from mtl_keras.feeding import batch_loop as loop
from mtl_keras.feeding import memory as blocks
from mtl_keras.model import labels as targets
from mtl_keras.model.monitor import Watch

PREDICT_ROWS = 4096
PREDICT_BYTES = 8 * 2**20  # of inputs, at once


class BlockwiseModel(keras.Model):
    """The loops of a `MultiTaskModel`.

    That class gives them its `tasks`, what to do with a batch (`_train_batch`, `_test_batch`), and
    what counts (`_mask`, `_track`, `_task_metrics`).
    """

    train_function: Any
    test_function: Any
    steps_per_execution: int

    # Many batches: the functions that Keras's loops call

    def make_train_function(self, force: bool = False) -> None:
        if getattr(self, "train_function", None) is None or force:
            if not self.optimizer.built:  # else TensorFlow traces the whole step twice
                with self.distribute_strategy.scope():
                    self.optimizer.build(self.trainable_variables)
            super().make_train_function(force=True)
            self.train_function = self._with_blocks(
                self.train_function, self._train_batch, training=True
            )

    def make_test_function(self, force: bool = False) -> None:
        if getattr(self, "test_function", None) is None or force:
            super().make_test_function(force=True)
            self.test_function = self._with_blocks(
                self.test_function, self._test_batch, training=False
            )

    def _with_blocks(self, keras_function: Callable, batch: Callable, training: bool) -> Callable:
        """A function that runs one block where the iterator has blocks, else Keras's function."""

        @tf.function(autograph=False)
        def run_block(iterator: Any) -> dict[str, tf.Tensor]:
            x, y, sample_weight, ruler = iterator.get_next()
            batch_size = ruler.shape[0]
            masked = self._mask(y, sample_weight)
            labels = {task: tuple(part[:2]) for task, part in masked.items()}
            predictions, sums = loop.over_batches(
                batch,
                (x, labels),
                batch_size,
                outputs=self._named(self.output) if self._task_metrics else {},
                sums=self._loss_tracker.size
                + (self._balance.size if training and self.balancer.diagnostics else 0),
                jit_compile=self.jit_compile,
            )
            self._track(sums)
            if predictions:  # once per block: most of a metric's cost is per call
                self._task_metrics.update_state(masked, predictions)
            return self.get_metrics_result()

        def function(iterator: Any) -> dict[str, tf.Tensor]:
            if blocks.is_block(getattr(iterator, "element_spec", None)):
                return run_block(iterator)
            if isinstance(iterator, tf.data.Iterator) and self.steps_per_execution == 1:
                # Fetched before the step: at the end of the data, what does not need them (weight
                # decay, the step count) would run once more inside Keras's function.
                iterator = iter([next(iterator)])
            return keras_function(iterator)

        return function

    # The public loops

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[str, Mapping[int, float]] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> keras.callbacks.History:
        """Train the model; as `keras.Model.fit`, with these differences.

        Args:
            x: Arrays (one, or a list or dict of them) or a `tf.data.Dataset` of batches.
            y: A dict `{task: labels}`, a list in the order of the outputs, or one array. NaN in
                float labels is a missing label.
            class_weight: Per output a dict from class index to weight:
                `{"churned": {0: 1.0, 1: 3.0}}`. Multiplied into the sample weights.
            sample_weight: One array for all outputs, or a dict or list per output; outputs that are
                not named have weight 1.
            batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle,
                initial_epoch, steps_per_epoch, validation_steps, validation_batch_size,
                validation_freq: As in Keras.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            TrainingError: if a task's loss becomes infinite or not a number.
            ConfigError: if a name is not an output.
            DataError: if the arrays' lengths differ.
        """
        if y is not None:
            y, sample_weight = targets.labels(y, sample_weight, self.tasks, class_weight)
        elif class_weight is not None:
            raise ConfigError("`class_weight` needs `y` as arrays; put weights into the data set.")
        if validation_split and validation_data is None:
            train, held_out = targets.split_last((x, y, sample_weight), validation_split)
            x, y, sample_weight = train
        elif isinstance(validation_data, (tuple, list)):
            val_x, val_y, val_weight = keras.utils.unpack_x_y_sample_weight(tuple(validation_data))
            held_out = (val_x, *targets.labels(val_y, val_weight, self.tasks))
        else:
            held_out = (validation_data, None, None)
        validation_batch_size = validation_batch_size or batch_size

        callbacks = [Watch(), *_as_list(callbacks)]
        common = {
            "epochs": epochs,
            "verbose": verbose,
            "initial_epoch": initial_epoch,
            "validation_freq": validation_freq,
        }
        if not self._fits_memory(x, y) or steps_per_epoch is not None:
            return super().fit(
                x,
                y,
                batch_size=batch_size,
                sample_weight=targets.complete(sample_weight, y),
                shuffle=shuffle and y is not None,  # a data set comes in its own order
                callbacks=callbacks,
                validation_data=_as_keras(held_out),
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_batch_size=validation_batch_size,
                **common,
            )

        train = self._blocks((x, y, sample_weight), batch_size, shuffle, initial_epoch)
        validation_data = _as_keras(held_out)
        if self._fits_memory(*held_out[:2]):
            held_out = self._blocks(held_out, validation_batch_size, size=train.batches_per_block)
            validation_data, validation_steps = held_out.dataset, held_out.steps
        with self._executing(train.batches_per_block):
            return super().fit(
                train.dataset,
                shuffle=False,  # the blocks are shuffled
                steps_per_epoch=train.steps,
                callbacks=blocks.ExactBatchNumbers(
                    callbacks,
                    steps=train.steps,
                    add_history=True,
                    add_progbar=verbose != 0,
                    verbose=verbose,
                    epochs=epochs,
                    model=self,
                ),
                validation_data=validation_data,
                validation_steps=validation_steps,
                **common,
            )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Losses and metrics on data; arguments as in `fit`.

        Returns:
            The value of `loss`, or a list in the order of `metrics_names`, or, with `return_dict`,
            a dict with the names that `fit` logs.
        """
        common = {"verbose": verbose, "callbacks": callbacks, "return_dict": return_dict}
        if y is not None:
            y, sample_weight = targets.labels(y, sample_weight, self.tasks)
        if not self._fits_memory(x, y) or steps is not None:
            return super().evaluate(
                x,
                y,
                batch_size,
                sample_weight=targets.complete(sample_weight, y),
                steps=steps,
                **common,
                **kwargs,
            )
        made = self._blocks((x, y, sample_weight), batch_size)
        with self._executing(made.batches_per_block):
            return super().evaluate(made.dataset, steps=made.steps, **common, **kwargs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Outputs for `x`, in the structure of the model's outputs, as NumPy arrays.

        Arrays in memory are run in slices of `batch_size` rows (default 4096, or fewer where rows
        are as large as images), without the per-call cost of Keras's loop; anything else as in
        Keras.
        """
        if not blocks.in_memory(x) or steps is not None or callbacks or self.run_eagerly:
            return super().predict(x, batch_size, verbose, steps, callbacks)
        tables = keras.tree.map_structure(tf.convert_to_tensor, x)
        rows = blocks.row_count(x, "x")
        size = batch_size or blocks.rows_within(tables, PREDICT_BYTES, PREDICT_ROWS)
        forward = self._forward_for(tables)

        def part(rows: slice) -> Any:
            return forward(keras.tree.map_structure(lambda table: table[rows], tables))

        parts = [part(slice(start, start + size)) for start in range(0, rows, size)]
        return keras.tree.map_structure(lambda *part: np.concatenate(part), *parts)

    def _forward_for(self, tables: Any) -> Any:
        """The model as a traced function of any number of rows of these types, kept."""
        if getattr(self, "_forward", None) is None:
            object.__setattr__(self, "_forward", {})
        specs = keras.tree.map_structure(
            lambda t: tf.TensorSpec((None, *t.shape[1:]), t.dtype), tables
        )
        key = str(specs)
        if key not in self._forward:
            forward = tf.function(lambda x: self(x, training=False), autograph=False)
            self._forward[key] = forward.get_concrete_function(specs)
        return self._forward[key]

    # Helpers of the loops

    def _fits_memory(self, x: Any, y: Any) -> bool:
        """Whether the data are arrays that can go in blocks."""
        single = self.distribute_strategy.num_replicas_in_sync == 1
        return y is not None and blocks.in_memory(x) and single and not self.run_eagerly

    def _blocks(
        self,
        data: Any,
        batch_size: int | None,
        shuffle: bool = False,
        first_epoch: int = 0,
        size: int | None = None,
    ) -> blocks.Blocks:
        given = self._compile_arguments["steps_per_execution"]
        x, y, sample_weight = data
        return blocks.make(
            (x, y, sample_weight or {}),
            batch_size or 32,
            shuffle=shuffle,
            seed=int(np.random.randint(2**31)) if shuffle else 0,
            first_epoch=first_epoch,
            batches_per_block=size or (None if given == "auto" else given),
        )

    @contextlib.contextmanager
    def _executing(self, batches: int) -> Iterator[None]:
        """Tell Keras's loop that one call runs so many batches."""
        before, self.steps_per_execution = self.steps_per_execution, batches
        try:
            yield
        finally:
            self.steps_per_execution = before


def _as_keras(data: tuple[Any, Any, Any]) -> Any:
    """`(x, y, sample_weight)` as Keras's own loop takes it."""
    x, y, sample_weight = data
    return x if y is None else (x, y, targets.complete(sample_weight, y))


def _as_list(callbacks: Any) -> list[Any]:
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return (
        list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks] * bool(callbacks)
    )
