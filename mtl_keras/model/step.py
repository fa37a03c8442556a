"""One step: forward, measure, decide, backward, update."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers import Balancer, Fixed
from mtl_keras.balancers.gradient import GradientBalancer
from mtl_keras.balancers.tracker import BalanceTracker
from mtl_keras.errors import ConfigError
from mtl_keras.model.backward import balanced
from mtl_keras.model.forward import Forward, Half, Inside, Sums, over_replicas
from mtl_keras.model.keras_private_optimizers import counted_once, summed_gradients
from mtl_keras.model.labels import by_output, by_task, named
from mtl_keras.model.logs import LossTracker
from mtl_keras.model.partition import Partition
from mtl_keras.model.task_loss import Masked, TaskLoss
from mtl_keras.model.task_metrics import TaskMetrics

Labels = Mapping[str, Masked]


class Step:
    """What a model does with a batch, and what it logs about it. Each model has one.

    Args:
        model: The compiled Keras model, for its outputs, variables, added losses and optimizer.
        losses: The loss of each task.
        partition: What the tasks share.
        balancer: Weighs the tasks; its state belongs to this model.
        inside: A model with the outputs, the members' outputs and the tensors of the boundary, or
            None if a step needs only the outputs.
        loss_tracker: Logs the losses.
        task_metrics: Logs the metrics.
        batches_per_block: Batches per compiled call on arrays; None for a suitable number.

    Attributes:
        balance_tracker: Tracks what the balancer did in an epoch.
        balancing: What the balancer did in each epoch of training, a dict per epoch.
        taking_part: For each task, 1 if it is trained, and 0 if it is left out or its weight is 0.
        measures: As in `balanced`, of the step that is being traced.
    """

    def __init__(
        self,
        model: keras.Model,
        losses: Mapping[str, TaskLoss],
        partition: Partition,
        balancer: Balancer,
        inside: keras.Model | None,
        loss_tracker: LossTracker,
        task_metrics: TaskMetrics,
        batches_per_block: int | None = None,
    ) -> None:
        self.model, self.losses, self.partition = model, losses, partition
        self.balancer, self.inside = balancer, inside
        self.loss_tracker, self.task_metrics = loss_tracker, task_metrics
        self.batches_per_block = batches_per_block
        self.tasks = list(losses)
        self.outputs = by_output(model.output, self.tasks)
        self.balance_tracker = BalanceTracker(
            self.tasks, gradients=balancer.needs != "losses", drops=balancer.drops
        )
        self.balancing: list[dict[str, Any]] = []
        self.told_of_slow_callbacks = False
        self.measures: bool | None = None
        self.taking_part = keras.Variable(
            np.ones(len(self.tasks)), trainable=False, dtype="float32", name="taking_part"
        )
        self.leave_out(())
        self._trainable = {id(v) for v in model.trainable_variables}

    def leave_out(self, tasks: Collection[str]) -> None:
        """Train all tasks but these from now on, as if none of their labels were present.

        Their losses are still logged.
        """
        weights = zip(self.tasks, self.loss_tracker.loss_weights)  # 0: a balancer sees it as absent
        self.taking_part.assign([float(task not in tasks and w != 0) for task, w in weights])

    def check_variables(self) -> None:
        """Check that a balancer knows which of the trainable variables the tasks share.

        Raises:
            ConfigError: if layers were frozen or unfrozen, or got new variables, since `compile`.
        """
        now = {id(v) for v in self.model.trainable_variables}
        if now != self._trainable and not isinstance(self.balancer, Fixed):
            raise ConfigError(
                "Layers were frozen or unfrozen since `compile`, which determined what the tasks "
                f"share for the balancer: {len(now - self._trainable)} variables became trainable, "
                f"{len(self._trainable - now)} ceased to be. Call `compile` again."
            )

    def train(self, x: Any, labels: Labels) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """One update of the model on a batch.

        Args:
            x: Inputs.
            labels: Masked labels by task.

        Returns:
            Predictions by task, and the batch as a vector for `track`.
        """
        self.check_variables()
        forward = self.forward(x, labels)
        variables = self.model.trainable_variables
        gradients, decision = balanced(
            self.balancer, forward, self.partition, variables, self.measures
        )
        self.apply(gradients, variables)
        if self.balancer.looks_back:
            self.look_back(x, labels, forward)
        vector = self._vector(forward.predictions, forward.sums)
        if self.balancer.diagnostics:
            vector = tf.concat([vector, decision.record], axis=0)
        return forward.predictions, vector

    def test(self, x: Any, labels: Labels) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Predictions and the batch as a vector, as in `train`, but without an update."""
        predictions = by_output(self.model(x, training=False), self.tasks)
        return predictions, self._vector(predictions, self.sums(predictions, labels))

    def run(self, batch: Any, training: bool) -> dict[str, tf.Tensor]:
        """Train or test on a batch of a data set, and log it; returns the logs so far."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        masked = self.mask(*named(y, sample_weight, self.tasks))
        predictions, vector = self.train(x, masked) if training else self.test(x, masked)
        self.track(vector[tf.newaxis])
        y_pred: Any = {task: predictions[task] for task in self.tasks}
        if not isinstance(self.model.output, dict):
            in_order = list(y_pred.values())
            y_pred = in_order if keras.tree.is_nested(self.model.output) else in_order[0]
        return self.model.compute_metrics(x, y, y_pred, sample_weight)

    def total(self, y: Any, y_pred: Any, sample_weight: Any) -> tf.Tensor:
        """The loss of a batch under `loss_weights`, and the tasks' losses logged."""
        masked = self.mask(*named(y, sample_weight, self.tasks))
        predictions = by_output(y_pred, self.tasks)
        sums = self.sums(predictions, masked)
        self.loss_tracker.add(LossTracker.summed(sums, tf.zeros([]))[tf.newaxis])
        means = tf.math.divide_no_nan(tf.stack(sums.losses), tf.stack(sums.divisors))
        return tf.reduce_sum(means * self.loss_tracker.loss_weights) + sums.extra

    def mean_losses(self, x: Any, y: Any) -> dict[str, tf.Tensor]:
        """Mean loss of each task over its present labels, without an update."""
        masked = self.mask(by_task(y, self.tasks, "y"), {})
        predictions = by_output(self.model(x, training=False), self.tasks)
        sums = self.sums(predictions, masked)
        return dict(zip(self.tasks, map(tf.math.divide_no_nan, sums.losses, sums.divisors)))

    def by_what_is_due(self, run: Callable[[], Any]) -> Any:
        """The results of one of two tracings: of a step that measures gradients, and of one not.

        Replicas cannot exchange gradients within a branch of a step, so the branch is outside.
        """
        if not isinstance(self.balancer, GradientBalancer) or self.balancer.update_every == 1:
            return run()

        def branch(measures: bool) -> Any:
            self.measures = measures
            try:
                return run()
            finally:
                self.measures = None

        return tf.cond(self.balancer.is_due(), lambda: branch(True), lambda: branch(False))

    # The parts of a step

    def forward(self, x: Any, labels: Labels) -> Forward:
        """The forward pass under a tape, with the losses to differentiate."""
        replicas = self.model.distribute_strategy.num_replicas_in_sync
        scale = self._loss_scale()
        with tf.GradientTape(persistent=True) as tape:
            seen = self.look_inside(x)
            sums = self.sums(seen.predictions, labels, seen.members)
            own = tf.stop_gradient(tf.stack([sums.losses, sums.divisors, sums.weights]))
            losses, totals, weights = tf.unstack(over_replicas(own, replicas))
            taking_part = tf.convert_to_tensor(self.taking_part.value)
            totals, weights = totals * taking_part, weights * taking_part
            shares = _shares(sums.losses, totals)
            scaled = shares if scale is None else [share * scale for share in shares]
            half = None
            if self.balancer.needs == "halves":
                first = self.sums(seen.predictions, _even_rows(labels), seen.members)
                parts = _shares(first.losses, totals)
                parts = parts if scale is None else [part * scale for part in parts]
                half = Half(parts, over_replicas(tf.stack(first.divisors), replicas))
            added = sums.extra / replicas if self.model.losses else None
            if added is not None and scale is not None:
                added = added * scale
        return Forward(
            tape=tape,
            predictions=seen.predictions,
            sums=sums,
            losses=scaled,
            added=added,
            totals=totals,
            means=tf.math.divide_no_nan(losses, totals),
            present=weights > 0,
            boundary=seen.boundary,
            scale=scale,
            replicas=replicas,
            half=half,
        )

    def look_inside(self, x: Any) -> Inside:
        """One call of the network in training mode."""
        if self.inside is None:
            return Inside(by_output(self.model(x, training=True), self.tasks), {}, [])
        seen = self.inside(x, training=True)
        predictions = by_output(seen["outputs"], self.tasks)
        return Inside(predictions, seen.get("members", {}), seen.get("boundary", []))

    def look_back(self, x: Any, labels: Labels, forward: Forward) -> None:
        """Show the balancer what the step did to the losses of its batch."""
        seen = self.look_inside(x)
        after = self.sums(seen.predictions, labels, seen.members).losses
        after = over_replicas(tf.stack(after), forward.replicas)
        means = tf.math.divide_no_nan(after, forward.totals)
        self.balancer.look_back(forward.means, means, forward.present)

    def sums(
        self,
        predictions: Mapping[str, tf.Tensor],
        labels: Labels,
        members: Mapping[str, tf.Tensor] = {},
    ) -> Sums:
        """The losses of a batch; an ensemble's loss is that of its members, not of their mean."""
        parts = [
            loss(labels[task], members.get(task, predictions[task]), members=task in members)
            for task, loss in self.losses.items()
        ]
        losses, divisors, weights = zip(*parts)
        added = [tf.reduce_sum(tf.cast(loss, tf.float32)) for loss in self.model.losses]
        return Sums(losses, divisors, weights, tf.add_n(added) if added else tf.zeros(()))

    def mask(self, y: Mapping[str, Any], sample_weight: Mapping[str, Any]) -> dict[str, Masked]:
        """Labels by task, with the missing ones masked."""
        return {
            task: loss.mask(y[task], self.outputs[task], sample_weight.get(task))
            for task, loss in self.losses.items()
        }

    def apply(self, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        """Let the optimizer take its step, with the gradients of all replicas' rows."""
        optimizer = self.model.optimizer
        alone = self.model.distribute_strategy.num_replicas_in_sync == 1
        once = counted_once(optimizer) if alone else contextlib.nullcontext()
        with summed_gradients(optimizer), once:
            optimizer.apply(gradients, variables)

    # What is logged

    def vector_size(self, training: bool) -> int:
        """Length of the vector that `train` (or `test`) makes of a batch."""
        with_balance = training and self.balancer.diagnostics
        return self.loss_tracker.size + (self.balance_tracker.size if with_balance else 0)

    def track(self, vectors: tf.Tensor) -> None:
        """Add batches, one row each, to the logs."""
        size = self.loss_tracker.size
        self.loss_tracker.add(vectors[:, :size])
        if vectors.shape[1] != size:
            self.balance_tracker.update_state(vectors[:, size:])

    def _vector(self, predictions: Mapping[str, tf.Tensor], sums: Sums) -> tf.Tensor:
        rows = tf.cast(tf.shape(predictions[self.tasks[0]])[0], tf.float32)
        return LossTracker.summed(sums, rows)

    def _loss_scale(self) -> tf.Tensor | None:
        """The factor by which the optimizer scales losses (mixed precision), or None."""
        optimizer = self.model.optimizer
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if not scales and optimizer.loss_scale_factor is None:
            return None
        return tf.cast(optimizer.scale_loss(tf.ones([])), tf.float32)


def _shares(losses: Sequence[tf.Tensor], totals: tf.Tensor) -> list[tf.Tensor]:
    """Sums of losses, each over its task's divisor; 0 without labels."""
    return [tf.math.divide_no_nan(loss, total) for loss, total in zip(losses, tf.unstack(totals))]


def _even_rows(labels: Labels) -> dict[str, Masked]:
    """Labels, in which those of rows with an odd number count as missing."""

    def halved(part: tf.Tensor | None) -> tf.Tensor | None:
        if part is None:
            return None
        even = tf.cast(tf.range(tf.shape(part)[0]) % 2 == 0, part.dtype)
        return part * tf.reshape(even, [-1] + [1] * (part.shape.rank - 1))

    return {task: Masked(m.y, halved(m.present), halved(m.weight)) for task, m in labels.items()}
