"""MultiTaskModel: a Keras Functional model whose outputs are tasks, balanced while they train."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras import balancers
from mtl_keras.balancers import Setup
from mtl_keras.balancers.tracker import BalanceTracker, record
from mtl_keras.declaring.registry import identifier
from mtl_keras.errors import ConfigError
from mtl_keras.layers import MemberMean, tied
from mtl_keras.model import backward as gradients
from mtl_keras.model import labels as targets
from mtl_keras.model import partition, sharing
from mtl_keras.model.logs import LossTracker, TaskMetrics
from mtl_keras.model.loops import BlockwiseModel
from mtl_keras.model.task_loss import Masked, TaskLoss


@keras.saving.register_keras_serializable("mtl_keras")
class MultiTaskModel(BlockwiseModel):
    """A Functional Keras model with named outputs, one per task.

    Made like any `keras.Model` from inputs and outputs; it trains, saves, loads and exports like
    one. What it adds:

    * the per-task losses become one update through a *balancer* (see `mtl_keras.balancers`);
    * a missing label (NaN) leaves its row in play for the other tasks, everywhere;
    * logs are true: `<task>_loss` and `<task>_<metric>` are exact means over the epoch's present
      labels, and `loss` is their sum under `loss_weights`, whatever the balancer;
    * class weights and sample weights per output;
    * `fit` on arrays runs many batches in one call of a compiled graph.

    Args:
        inputs: Input tensor, or a list or dict of them.
        outputs: A dict from task name to output tensor; or a list of output tensors, or one, each
            then named after the layer that made it.
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

    @property
    def tasks(self) -> list[str]:
        """Names of the outputs, in the order of all per-task vectors."""
        structure = self.output
        if isinstance(structure, dict):
            return list(structure)
        names = list(self.output_names)
        if len(set(names)) < len(names):
            raise ConfigError(
                f"Two outputs are made by layers of one name: {names}. Give the outputs as a dict "
                "{task: tensor}."
            )
        return names

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
            balancer: A `mtl_keras.balancers.Balancer`, its name, or a mapping with its `kind` and
                arguments. Default None: constant weights.
            run_eagerly: Whether to run without compiling to a graph, to debug.
            steps_per_execution: Batches per compiled call. `"auto"`: many for arrays in memory, one
                for a `tf.data.Dataset`. Batch callbacks fire once per call.
            jit_compile: Whether to compile the step with XLA; `"auto"` does where Keras does.
            auto_scale_loss: Whether to scale the loss under `mixed_float16`.

        Raises:
            ConfigError: if a name is not an output, or a loss or metric is unknown.
        """
        arguments = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
            "auto_scale_loss": auto_scale_loss,
        }
        if loss is None:
            raise ConfigError(f"`loss` must name a loss for each of the outputs {self.tasks}.")
        named_losses = targets.by_task(loss, self.tasks, "loss", spread=True)
        for task in self.tasks:
            if named_losses.get(task) is None:
                raise ConfigError(f"`loss` has no entry for output {task!r}.")
        named_weights = targets.by_task(loss_weights, self.tasks, "loss_weights")
        weights = {task: float(named_weights.get(task, 1.0)) for task in self.tasks}
        losses = {task: TaskLoss(task, named_losses[task]) for task in self.tasks}
        widths = {task: tensor.shape[-1] for task, tensor in self._named(self.output).items()}
        balancer = balancers.get(balancer)

        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=1 if steps_per_execution == "auto" else steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )
        found = partition.of(self, list(self._named(self.output).values()))
        balancer.setup(
            Setup(
                tasks=self.tasks,
                loss_weights=list(weights.values()),
                kinds=[loss.kind for loss in losses.values()],
                depths=found.depths,
                shared_size=sum(int(np.prod(v.shape)) for v in found.shared),
            )
        )
        self._check_balancer(balancer, found)
        members = {
            task: made.input_tensors[0]
            for task, tensor in self._named(self.output).items()
            if (made := partition.maker(tensor)) and isinstance(made.operation, MemberMean)
        }
        looks_inside = getattr(balancer, "gradients", "parameters") != "parameters"
        boundary = found.boundary if looks_inside else []
        probe = None
        if members or boundary:
            inside = {"outputs": self.output, "members": members, "boundary": boundary}
            probe = keras.Model(self.inputs, inside)
        looks_at_gradients = balancer.needs != "losses"
        parts = {
            "balancer": balancer,
            "_partition": found,
            "_probe": probe,
            "_balance": BalanceTracker(self.tasks, looks_at_gradients, balancer.drops),
            "balancing": [],
            "_task_losses": losses,
            "_loss_tracker": LossTracker(self.tasks, list(weights.values())),
            "_task_metrics": TaskMetrics(
                losses,
                widths,
                targets.by_task(metrics, self.tasks, "metrics"),
                targets.by_task(weighted_metrics, self.tasks, "weighted_metrics"),
            ),
            "_compile_arguments": {**arguments, "balancer": balancer},
        }
        for name, part in parts.items():
            # Past Keras's tracking: no part of the graph, nor of an exported SavedModel. Saving
            # to a `.keras` file finds them all the same.
            object.__setattr__(self, name, part)

    def _check_balancer(self, balancer: balancers.Balancer, found: partition.Partition) -> None:
        name = identifier(type(balancer))
        if balancer.needs != "losses" and not found.shared and len(self.tasks) > 1:
            warnings.warn(
                f"No variable is shared by two outputs, so balancer {name!r} has nothing to "
                "balance: every task is trained by its own gradient alone.",
                stacklevel=3,
            )
        if balancer.looks_back and getattr(self.optimizer, "gradient_accumulation_steps", None):
            raise ConfigError(
                f"Balancer {name!r} learns from what each step does to the losses; with "
                "gradient_accumulation_steps set on the optimizer, most steps do nothing. Expected "
                "None. Use a larger batch, or another balancer."
            )

    def get_compile_config(self) -> dict[str, Any]:
        if not self.compiled:
            return {}
        config = {**self._compile_arguments, "optimizer": self.optimizer}
        return keras.saving.serialize_keras_object(config)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        own = [self._loss_tracker, self._task_metrics] if self.compiled else []
        return own + [m for layer in self.layers for m in layer.metrics]

    # One batch

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        return self._one_batch(data, self._train_batch)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        return self._one_batch(data, self._test_batch)

    def _one_batch(self, data: Any, batch: Callable) -> dict[str, tf.Tensor]:
        x, y, sample_weight = self._unpack(data)
        masked = self._mask(y, sample_weight)
        predictions, sums = batch(x, {task: part[:2] for task, part in masked.items()})
        self._track(sums[tf.newaxis])
        self._task_metrics.update_state(masked, predictions)
        return self.get_metrics_result()

    def _track(self, steps: tf.Tensor) -> None:
        """Add steps, a row of numbers each, to what is logged."""
        size = self._loss_tracker.size
        self._loss_tracker.update_state(steps[:, :size])
        if steps.shape[1] != size:
            self._balance.update_state(steps[:, size:])

    def _train_batch(
        self, x: Any, labels: dict[str, tuple[tf.Tensor, tf.Tensor]]
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Forward, balance, backward, update. Labels are `(y, weight)`, masked."""
        balancer, partition = self.balancer, self._partition
        replicas = self.distribute_strategy.num_replicas_in_sync
        scale = self._loss_scale()
        with tf.GradientTape(persistent=True) as tape:
            predictions, members, boundary = self._inside(x)
            sums, weights, extra = self._task_sums(predictions, labels, members)
            totals = gradients.over_replicas(tf.stack(weights), replicas)
            shares = [tf.math.divide_no_nan(s, t) for s, t in zip(sums, tf.unstack(totals))]
            scaled = shares if scale is None else [share * scale for share in shares]
            added = extra / replicas if self.losses else None
            if added is not None and scale is not None:
                added = added * scale
        means = gradients.over_replicas(tf.stack(shares), replicas)
        forward = gradients.Forward(
            tape, scaled, means, totals > 0, added, boundary, scale, replicas
        )
        variables = self.trainable_variables
        if balancer.needs == "losses":
            task_weights = balancer.weigh(means, forward.present)
            found = gradients.weighted(forward, partition, variables, task_weights)
            note = record(task_weights, forward.present) if balancer.diagnostics else None
        else:
            found, solved = gradients.balanced(balancer, forward, partition, variables)
            note = solved.record if balancer.diagnostics else None
        self.optimizer.apply(found, variables)
        if balancer.looks_back:
            predicted, predicted_by_members, _ = self._inside(x)
            after, *_ = self._task_sums(predicted, labels, predicted_by_members)
            after = gradients.over_replicas(tf.stack(after), replicas)
            balancer.look_back(means, tf.math.divide_no_nan(after, totals), forward.present)
        rows = tf.cast(tf.shape(predictions[self.tasks[0]])[0], tf.float32)
        vector = LossTracker.summed(sums, weights, extra, rows)
        return predictions, vector if note is None else tf.concat([vector, note], axis=0)

    def _inside(self, x: Any) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
        """Outputs by task, those of the members of an ensemble, tensors where shared meets own."""
        if self._probe is None:
            return self._named(self(x, training=True)), {}, []
        found = self._probe(x, training=True)
        return self._named(found["outputs"]), found.get("members", {}), found.get("boundary", [])

    def _loss_scale(self) -> tf.Tensor | None:
        """By how much the optimizer wants losses multiplied (mixed precision), if at all."""
        optimizer = self.optimizer
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if not scales and optimizer.loss_scale_factor is None:
            return None
        return tf.cast(optimizer.scale_loss(tf.ones([])), tf.float32)

    def _test_batch(
        self, x: Any, labels: dict[str, tuple[tf.Tensor, tf.Tensor]]
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        predictions = self._named(self(x, training=False))
        rows = tf.cast(tf.shape(predictions[self.tasks[0]])[0], tf.float32)
        return predictions, LossTracker.summed(*self._task_sums(predictions, labels), rows)

    def _mask(self, y: dict[str, Any], sample_weight: dict[str, Any]) -> dict[str, Masked]:
        outputs = self._named(self.output)
        return {
            task: loss.mask(y[task], outputs[task], sample_weight.get(task))
            for task, loss in self._task_losses.items()
        }

    def _task_sums(
        self,
        predictions: dict[str, tf.Tensor],
        labels: dict[str, tuple[tf.Tensor, tf.Tensor]],
        members: Mapping[str, tf.Tensor] = {},
    ) -> tuple[tuple, tuple, tf.Tensor]:
        """Per task the sum of losses and of weights; and the added losses (regularisation)."""
        pairs = [
            loss(*labels[task], members.get(task, predictions[task]), members=task in members)
            for task, loss in self._task_losses.items()
        ]
        sums, weights = zip(*pairs)
        added = [tf.reduce_sum(tf.cast(loss, tf.float32)) for loss in self.losses]
        return sums, weights, tf.add_n(added) if added else tf.zeros(())

    @property
    def losses(self) -> list[Any]:
        """Losses that layers add, and the penalties between tied layers."""
        return [*super().losses, *tied.penalties(self.layers)]

    def loss_of(self, task: str, y: np.ndarray) -> Callable[[np.ndarray], float]:
        """A function from outputs of one task to their mean loss against the labels `y`."""
        loss, output = self._task_losses[task], self._named(self.output)[task]
        masked = loss.mask(tf.constant(y, tf.float32), output, None)

        def mean(outputs: np.ndarray) -> float:
            total, weight = loss(masked.y, masked.weight, tf.constant(outputs, tf.float32))
            return float(total / weight)

        return mean

    # What is shared

    def sharing(self, x: Any = None) -> pd.DataFrame:
        """Who uses what: the weights of gates, mixing units and selectors.

        Args:
            x: Inputs over which the weights of gates are averaged. Default None: gates, whose
                weights depend on the row, are left out.

        Returns:
            A table with the columns `layer`, `reader` (a task or stream), `source` (an expert or
            stream) and `weight`, in the order of the network's layers; empty where nothing of the
            kind is in it.
        """
        return sharing.table(self, x)

    # Names

    def _unpack(self, data: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """Inputs, labels and sample weights of a batch, the latter two by task."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y = targets.by_task(y, self.tasks, "y")
        for task in self.tasks:
            if y.get(task) is None:
                raise ConfigError(f"The data set has no labels for output {task!r}.")
        return x, y, targets.by_task(sample_weight, self.tasks, "sample_weight", spread=True)

    def _named(self, structure: Any) -> dict[str, Any]:
        """Outputs by task name."""
        if isinstance(structure, dict):
            return structure
        return dict(zip(self.tasks, keras.tree.flatten(structure)))
