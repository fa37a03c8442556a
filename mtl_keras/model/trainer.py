"""How a model is compiled and trained: by the balanced step, in Keras's loops.

As in Keras, a trainer is what gives a model `compile`, `fit`, `evaluate` and `predict`.
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import Balancer
from mtl_keras.declaring.registry import without_imports
from mtl_keras.feeding.blocks import in_memory
from mtl_keras.model import keras_private, loops, step_choice
from mtl_keras.model.arrays import as_array
from mtl_keras.model.compiling import Compiled, Declared
from mtl_keras.model.labels import output_names
from mtl_keras.model.predictor import Predictor
from mtl_keras.model.rows import Rows, Validation
from mtl_keras.model.step import Step


class BalancedTrainer(keras_private.BuiltFromOneReplica, keras.Model):
    """The base class of `MultiTaskModel` that compiles and trains it.

    Attributes:
        xla_pays: With `jit_compile="auto"` and no GPU, whether XLA compiles the training on arrays
            or blocks; None until the first `fit` decides.
    """

    # Not Keras objects, so they are not part of the graph or of an exported SavedModel.
    _compiled: Compiled | None = None
    _predictor: Predictor | None = None
    xla_pays: bool | None = None
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
        run_eagerly: bool = False,
        steps_per_execution: int | str = "auto",
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        balancer: Any = None,
    ) -> None:
        """Configure the model for training, as `keras.Model.compile` does.

        Args:
            optimizer: A Keras optimizer or its name.
            loss: A dict `{task: loss}`, a list in the order of the outputs, or one loss for all.
                Losses are means over present labels.
            loss_weights: A dict `{task: float}` or a list; 1.0 for tasks that are not named. The
                balancer uses them as preferences, and the logged `loss` as weights. A task with the
                weight 0 is not trained, and a balancer does not see it.
            metrics: A dict `{task: metric or list}` or a list in the order of the outputs.
                Computed over present labels, without sample weights.
            weighted_metrics: Likewise, with sample weights.
            run_eagerly: Whether to run without compiling to a graph, for debugging.
            steps_per_execution: Batches per compiled call. `"auto"`: many for arrays in memory,
                unless a callback acts on single batches; otherwise one.
            jit_compile: Whether to compile the step with XLA. `"auto"`: with a GPU, Keras decides.
                Without one, the first `fit` does: it compiles networks of dense layers if the
                training is so long that compiling is worth the seconds it takes. See
                `docs/keras.md`.
            auto_scale_loss: Whether to scale the loss under `mixed_float16`.
            balancer: A `mtl_keras.balancers.Balancer`, its name, a mapping with its `kind` and
                arguments, or a function. The model creates its own copy of an object,
                `model.balancer`. Default None: constant weights.

        Raises:
            ConfigError: if a name is unknown, if the balancer cannot be copied, or if there is a
                balancer and Keras's own step trains the model.
        """
        arguments: dict[str, Any] = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
            "auto_scale_loss": auto_scale_loss,
        }
        self._compiled = None
        reason = step_choice.why_keras(self, loss)
        declared = None if reason else Declared(self.tasks, arguments, balancer)
        if reason:
            step_choice.check_balancer(balancer, reason)
        batches = 1 if steps_per_execution == "auto" else steps_per_execution
        super().compile(optimizer=optimizer, **{**arguments, "steps_per_execution": batches})
        self.xla_pays = None if jit_compile == "auto" and not self.jit_compile else False
        if declared is None:
            self._compiled = Compiled(None, {**arguments, "balancer": balancer}, reason)
        else:
            self._compiled = declared.compiled(self)

    def get_compile_config(self) -> dict[str, Any]:
        if self._compiled is None:
            return {}
        config = {**self._compiled.arguments, "optimizer": self.optimizer}
        return keras.saving.serialize_keras_object(config)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        if step_choice.overrides(self, "compile"):
            super().compile_from_config(config)  # which says what to do
            return
        with without_imports():  # the file may come from elsewhere
            self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def step(self) -> Step:
        """The training step of the compiled model."""
        if self._compiled is None:
            raise AttributeError("The model is not compiled. Call `compile` first.")
        if self._compiled.step is None:
            raise AttributeError(f"The model is trained by Keras's own step, {self._compiled.why}.")
        return self._compiled.step

    @property
    def balanced(self) -> bool:
        """Whether the model is compiled and uses the balanced step, not Keras's own."""
        return self._compiled is not None and self._compiled.step is not None

    @property
    def balancer(self) -> Balancer:
        """The model's own balancer, whose state is saved with the model."""
        return self.step.balancer

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """The total loss of a batch under `loss_weights`, for a `train_step` of the user's own."""
        if not self.balanced:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        return self.step.total(y, y_pred, sample_weight)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        if not self.balanced:
            return super().train_step(data)
        return self.step.run(data, training=True)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        if not self.balanced:
            return super().test_step(data)
        return self.step.run(data, training=False)

    def make_train_function(self, force: bool = False) -> None:
        if self.train_function is None or force:
            loops.build_optimizer(self)
            super().make_train_function(force=True)
            self.train_function = loops.block_function(self, self.train_function, training=True)

    def make_test_function(self, force: bool = False) -> None:
        if self.test_function is None or force:
            super().make_test_function(force=True)
            self.test_function = loops.block_function(self, self.test_function, training=False)

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
        class_weight: Mapping[Any, Any] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> keras.callbacks.History:
        """Train the model. Other arguments are those of `keras.Model.fit`.

        Args:
            x: Arrays (one, or a list or dict of them) or a `tf.data.Dataset` of batches.
            y: A dict `{task: labels}`, a list in the order of the outputs, or one array. NaN in
                float labels is a missing label.
            class_weight: For each output, a dict from class index to weight: `{"churned": {0: 1.0,
                1: 3.0}}`; for a single output, `{0: 1.0, 1: 3.0}`. They are multiplied with the
                sample weights.
            sample_weight: One array for all outputs, or a dict or list with one per output. Outputs
                that are not named have the weight 1.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            TrainingError: if a task's loss becomes infinite or NaN.
            ConfigError: if a name is not an output.
            DataError: if the arrays' lengths differ.
        """
        validation = Validation(
            validation_split, validation_data, validation_steps, validation_batch_size
        )
        call = loops.fit_call(
            self,
            Rows(x, y, sample_weight),
            validation,
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
        """Return losses and metrics. Arguments are those of `fit` and `keras.Model.evaluate`.

        Returns:
            The value of `loss`, or a list in the order of `metrics_names`, or, with `return_dict`,
            a dict with the names that `fit` logs.
        """
        rows = Rows(x, y, sample_weight)
        options |= {"verbose": verbose, "callbacks": callbacks, "return_dict": return_dict}
        call = loops.evaluate_call(self, rows, batch_size, steps, **options)
        return call.run(super().evaluate)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the outputs for `x` as NumPy arrays, in the structure of the model's outputs.

        Arrays in memory are computed in slices of `batch_size` rows (default 4096, or fewer if rows
        are as large as images). Everything else is computed as in Keras.
        """
        x = keras.tree.map_structure(as_array, x)
        if not in_memory(x) or steps is not None or callbacks or self.run_eagerly:
            with keras_private.batches_per_call(self, loops.batches_per_call(self)):
                return super().predict(x, batch_size, verbose, steps, callbacks)
        if self._predictor is None:
            self._predictor = Predictor(self)
        return self._predictor(x, batch_size)
