"""MultiTaskModel: a Keras Functional model whose outputs are tasks, balanced while they train."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.balancers import Balancer
from mtl_keras.declaring.registry import without_imports
from mtl_keras.feeding.blocks import in_memory
from mtl_keras.layers import tied
from mtl_keras.model import keras_private, loops, sharing
from mtl_keras.model.compiling import Compiled, Declared
from mtl_keras.model.labels import output_names
from mtl_keras.model.partition import Partition
from mtl_keras.model.predictor import Predictor
from mtl_keras.model.step import Step


@keras.saving.register_keras_serializable("mtl_keras")
class MultiTaskModel(keras_private.BuiltFromOneReplica, keras.Model):
    """A Functional Keras model with named outputs, one per task.

    Built, trained, saved, loaded and exported like any `keras.Model`. It adds:

    * a *balancer* that combines the per-task losses into one update (see `mtl_keras.balancers`);
    * missing labels (NaN): the row still counts for the other tasks;
    * true logs: `<task>_loss` and `<task>_<metric>` are exact means over the epoch's present
      labels, and `loss` is their sum under `loss_weights`, whatever the balancer;
    * class weights and sample weights per output;
    * a fast `fit` on arrays, which runs many batches per call of a compiled graph.

    Args:
        inputs: Input tensor, or a list or dict of them.
        outputs: A dict from task name to output tensor; or a list of output tensors, or a single
            one, each named after the layer that made it.
        name: Name of the model.

    Example:

    >>> rows = keras.Input((3,))
    >>> shared = keras.layers.Dense(8, activation="relu")(rows)
    >>> churned = keras.layers.Dense(1, activation="sigmoid")(shared)
    >>> spend = keras.layers.Dense(1)(shared)
    >>> model = MultiTaskModel(rows, {"churned": churned, "spend": spend})
    >>> model.compile("adam", loss={"churned": "binary_crossentropy", "spend": "mse"},
    ...               metrics={"churned": "auc"}, balancer="uncertainty")
    >>> x = np.ones((4, 3), "float32")
    >>> y = {"churned": np.array([0, 1, 1, 0]), "spend": np.array([1.5, np.nan, 0.0, 2.0])}
    >>> history = model.fit(x, y, verbose=0)
    >>> sorted(history.history)[:4]
    ['churned_auc', 'churned_loss', 'churned_weight', 'loss']
    """

    # Not Keras objects, so they are not part of the graph or of an exported SavedModel.
    _compiled: Compiled | None = None
    _predictor: Predictor | None = None
    train_function: Any
    test_function: Any

    @property
    def tasks(self) -> list[str]:
        """Names of the outputs, in the order of all per-task vectors."""
        return output_names(self)

    # Compiling

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        balancer: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int | str = "auto",
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Configure the model for training.

        Args:
            optimizer: A Keras optimizer or its name.
            loss: A dict `{task: loss}`, a list in the order of the outputs, or one loss for all.
                Losses are means over present labels.
            loss_weights: A dict `{task: float}` or a list; 1.0 for a task that is not named. Used
                by the balancer as the user's preference, and for the logged `loss`.
            metrics: A dict `{task: metric or list}` or a list in the order of the outputs.
                Computed over present labels, without sample weights.
            weighted_metrics: Likewise, with sample weights.
            balancer: A `mtl_keras.balancers.Balancer`, its name, a mapping with its `kind` and
                arguments, or a function. An object is a declaration: the model makes a copy with
                its own state, `model.balancer`. Default None: constant weights.
            run_eagerly: Whether to run without compiling to a graph, for debugging.
            steps_per_execution: Batches per compiled call. `"auto"`: many for arrays in memory, one
                for a `tf.data.Dataset`. Batch callbacks fire once per call.
            jit_compile: Whether to compile the step with XLA; `"auto"`: as Keras decides.
            auto_scale_loss: Whether to scale the loss under `mixed_float16`.

        Raises:
            ConfigError: if a name is unknown, or the balancer cannot be copied.
        """
        declared = Declared(self.tasks, loss, loss_weights, metrics, weighted_metrics, balancer)
        declared.set_running(run_eagerly, steps_per_execution, jit_compile, auto_scale_loss)
        super().compile(optimizer=optimizer, **declared.for_keras())
        self._compiled = declared.compiled(self)

    def get_compile_config(self) -> dict[str, Any]:
        if self._compiled is None:
            return {}
        config = {**self._compiled.arguments, "optimizer": self.optimizer}
        return keras.saving.serialize_keras_object(config)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        with without_imports():  # the file may come from elsewhere
            self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    @property
    def step(self) -> Step:
        """What the model does with a batch, once it is compiled."""
        if self._compiled is None:
            raise AttributeError("The model is not compiled. Call `compile` first.")
        return self._compiled.step

    @property
    def balancer(self) -> Balancer:
        """The model's own balancer, whose state is saved with the model."""
        return self.step.balancer

    @property
    def balancing(self) -> list[dict[str, Any]]:
        """What the balancer did in each epoch of training, a dict per epoch."""
        return self.step.balancing

    @property
    def partition(self) -> Partition:
        """Which variables the tasks share, as `compile` read it from the graph."""
        return self.step.partition

    @property
    def metric_names(self) -> list[str]:
        """The names that metrics are logged under, `<task>_<metric>`, without those of losses."""
        return self.step.task_metrics.names

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        own = [] if self._compiled is None else [self.step.loss_tracker, self.step.task_metrics]
        return own + [m for layer in self.layers for m in layer.metrics]

    @property
    def losses(self) -> list[Any]:
        """The losses added by layers, and the penalties between tied layers."""
        return [*super().losses, *tied.penalties(self.layers)]

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        return self.step.run(data, training=True)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        return self.step.run(data, training=False)

    def make_train_function(self, force: bool = False) -> None:
        if self.train_function is None or force:
            loops.build_optimizer(self)
            super().make_train_function(force=True)
            self.train_function = loops.block_function(
                self, self.step, self.train_function, training=True
            )

    def make_test_function(self, force: bool = False) -> None:
        if self.test_function is None or force:
            super().make_test_function(force=True)
            self.test_function = loops.block_function(
                self, self.step, self.test_function, training=False
            )

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
        """Train the model. Arguments are as in `keras.Model.fit`, except these.

        Args:
            x: Arrays (one, or a list or dict of them) or a `tf.data.Dataset` of batches.
            y: A dict `{task: labels}`, a list in the order of the outputs, or one array. NaN in
                float labels is a missing label.
            class_weight: For each output, a dict from class index to weight: `{"churned": {0: 1.0,
                1: 3.0}}`. Multiplied into the sample weights.
            sample_weight: One array for all outputs, or a dict or list per output; outputs that are
                not named have weight 1.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            TrainingError: if a task's loss becomes infinite or NaN.
            ConfigError: if a name is not an output.
            DataError: if the arrays' lengths differ.
        """
        call = loops.fit_call(
            self,
            self.step,
            loops.Rows(x, y, sample_weight),
            loops.Validation(
                validation_split, validation_data, validation_steps, validation_batch_size
            ),
            class_weight=class_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            callbacks=callbacks,
            epochs=epochs,
            verbose=verbose,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_freq=validation_freq,
        )
        return call.run(super().fit)

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
        **options: Any,
    ) -> Any:
        """Losses and metrics on data. Arguments are as in `fit` and `keras.Model.evaluate`.

        Returns:
            The value of `loss`, or a list in the order of `metrics_names`, or, with `return_dict`,
            a dict with the names that `fit` logs.
        """
        rows = loops.Rows(x, y, sample_weight)
        options |= {"verbose": verbose, "callbacks": callbacks, "return_dict": return_dict}
        call = loops.evaluate_call(self, self.step, rows, batch_size, steps, **options)
        return call.run(super().evaluate)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Outputs for `x`, in the structure of the model's outputs, as NumPy arrays.

        Arrays in memory are run in slices of `batch_size` rows (default 4096, or fewer if rows are
        as large as images); anything else is run as in Keras.
        """
        if not in_memory(x) or steps is not None or callbacks or self.run_eagerly:
            return super().predict(x, batch_size, verbose, steps, callbacks)
        if self._predictor is None:
            self._predictor = Predictor(self)
        return self._predictor(x, batch_size)

    def mean_losses(self, x: Any, y: Any) -> dict[str, tf.Tensor]:
        """Mean loss of each task over its present labels, as differentiable scalars; no update.

        Args:
            x: Inputs, as tensors or arrays.
            y: Labels by task, NaN where missing.
        """
        return self.step.mean_losses(x, y)

    def loss_of(self, task: str, y: np.ndarray) -> Callable[[np.ndarray], float]:
        """A function from one task's outputs to their mean loss against the labels `y`."""
        return self.step.losses[task].of_outputs(y, self.step.outputs[task])

    def sharing(self, x: Any = None) -> pd.DataFrame:
        """What each task uses: the weights of gates, mixing units and selectors.

        Args:
            x: Inputs to average the weights of gates over. Default None: gates are left out.

        Returns:
            A table with the columns `layer`, `reader` (a task or stream), `source` (an expert or
            stream) and `weight`; empty if the network has no such layers.
        """
        return sharing.table(self, x)
