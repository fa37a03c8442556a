"""The interface of a balancer: per-task losses, or their gradients, in; task weights out."""

import dataclasses
import inspect
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers.decision import Decision, Measured
from mtl_keras.balancers.rebuilding import rebuilt
from mtl_keras.balancers.state import State
from mtl_keras.balancers.tracker import step_record
from mtl_keras.declaring import docstrings
from mtl_keras.layers.mixins import arguments

SMALLEST_LOSS = 1e-8


@dataclasses.dataclass(frozen=True)
class Setup:
    """Facts about the model, which a balancer gets from `MultiTaskModel.compile`.

    Attributes:
        tasks: Names of the tasks, in the order used by all per-task vectors.
        loss_weights: The user's weight of each task, as given to `compile`. Default all 1.
        kinds: `"classification"` or `"regression"` for each task, read from its loss. Default all
            `"regression"`.
        depths: Number of layers on the longest path from an input to each output. Default all 1.
        shared_size: Number of trainable shared parameters. Default 0.

    Example:

    >>> Setup(["churned", "spend"], loss_weights=[1.0, 0.5]).tasks
    ['churned', 'spend']
    """

    tasks: Sequence[str]
    loss_weights: Sequence[float] | None = None
    kinds: Sequence[str] | None = None
    depths: Sequence[int] | None = None
    shared_size: int = 0


class Balancer(State):
    """Base class: combines the per-task losses into one update.

    A balancer declares in `needs` what it works on, and gets only that: it never sees a model, a
    gradient tape or the model's optimizer. Extend this class for methods that use loss values, and
    `GramianBalancer` or `JacobianBalancer` for methods that use gradients.

    A balancer is a Keras layer, so it has `get_config` and variables, and its state is saved in a
    `.keras` file. It is not part of the model's graph: it is neither in `model.layers` nor in an
    exported SavedModel.

    `compile` does not use the object itself: each model creates a copy with its own state,
    `model.balancer`, from `get_config`.

    To write a balancer, subclass this class and define `objective`, or `weigh` if the weights are
    not the gradient of an objective. Register the class with
    `@keras.saving.register_keras_serializable("my_package")`, and pass an object to `compile`.
    Instead of a class, you can pass a function of `losses` and `present` that returns weights.

    Args:
        diagnostics: Whether to log what the balancer did. Default True.
        name: Name of the layer. Default None: made from its class.

    Attributes:
        needs: `"losses"`, `"gramian"`, `"halves"` or `"jacobian"`.
        scale_invariant: Whether the update's direction is unchanged when a loss is rescaled.
        non_conflicting: Whether no task's loss rises along a small step.
        when: When to use it, for the table of methods.
        positive_losses: Whether it requires losses >= 0.
        looks_back: Whether it needs the losses of the same batch again after the step.
        drops: Whether it drops tasks. If so, the share of dropped steps is logged.
        weight_if_alike: The weight of a task if all tasks have the same gradient and a loss of 1,
            as a text, if it is not 1.

    Raises:
        ConfigError: if an argument is not as described above.

    Example:

    >>> class SumOfRoots(Balancer):
    ...     def objective(self, losses, present):
    ...         return tf.reduce_sum(tf.where(present, tf.sqrt(losses), 0.0))
    >>> balancer = SumOfRoots()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> balancer.weigh(tf.constant([1.0, 4.0]), tf.constant([True, True])).numpy()
    array([0.5 , 0.25], dtype=float32)
    """

    needs = "losses"
    scale_invariant = False
    non_conflicting = False
    when = ""
    positive_losses = False
    looks_back = False
    drops = False
    weight_if_alike = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        docstrings.complete(cls, Balancer)

    def __init__(self, diagnostics: bool = True, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.diagnostics = diagnostics
        self.tasks: list[str] = []

    @classmethod
    def options(cls) -> dict[str, inspect.Parameter]:
        """All arguments of the constructor and of its base classes, without those of Keras."""
        return arguments(cls)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{key: getattr(self, key) for key in self.options()}}

    # One declaration, any number of models

    def fresh(self) -> Self:
        """A copy with the same arguments and no state, for one model.

        Raises:
            ConfigError: if `get_config` lacks an argument of the constructor.

        Example:

        >>> from mtl_keras.balancers import DWA
        >>> declared = DWA(temperature=3.0)
        >>> declared.fresh().temperature, declared.fresh() is declared
        (3.0, False)
        """
        return rebuilt(self)

    # State

    def setup(self, facts: Setup) -> None:
        """Store the tasks and create the state. Called once, by `MultiTaskModel.compile`."""
        self.tasks, tasks = list(facts.tasks), len(facts.tasks)
        self.kinds = list(facts.kinds or ["regression"] * tasks)
        self.depths = list(facts.depths or [1] * tasks)
        self.shared_size = facts.shared_size
        self.preferences = np.asarray(facts.loss_weights or [1.0] * tasks, "float32")
        if not hasattr(self, "epochs"):  # a loaded one is `built` to Keras, but has no state
            self.invalid = self.add_state((tasks,), name="invalid")
            self.epochs = self.add_state((), name="epochs")
            self.build((tasks,))
            self.built = True

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Does nothing: `setup` creates the state, once the tasks are known."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Create further state with `add_state`; `input_shape` is `(tasks,)`."""

    # The method

    def objective(self, losses: tf.Tensor, present: tf.Tensor, *learned: tf.Tensor) -> tf.Tensor:
        """The scalar to minimise on this batch.

        Args:
            losses: Mean loss of each task over its present labels, float `(tasks,)`; 0 where the
                task has no label in the batch.
            present: Whether the task has a label in the batch, bool `(tasks,)`.
            learned: Values of the variables in `learned`.

        Returns:
            A differentiable scalar. It must not depend on tasks that are not present.
        """
        raise NotImplementedError(f"{type(self).__name__} defines neither `objective` nor `weigh`.")

    @property
    def learned(self) -> list[keras.Variable]:
        """The state variables that are updated by the gradient of `objective`."""
        return []

    def learn(self, gradients: list[tf.Tensor], present: tf.Tensor) -> None:
        """Update `learned` with these gradients of `objective`."""
        raise NotImplementedError(f"{type(self).__name__} does not define `learn`.")

    def decide(self, measured: Measured, present: tf.Tensor) -> Decision:
        """The weights of the tasks in this step: the one method that a training step calls.

        Args:
            measured: What the balancer `needs` to know of the batch.
            present: Whether a task has a label in the batch, bool `(tasks,)`.
        """
        weights = self.weigh(measured.losses, present)
        return Decision(weights, None, step_record(weights, present))

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The weight of each task's gradient in the update, `(tasks,)`.

        By default the derivatives of `objective` with respect to the losses; the `learned` state is
        updated as well. The weight of a task that is not present has no effect.

        Args:
            losses: As in `objective`.
            present: As in `objective`.
            gramian: Inner products of the tasks' gradients, float64 `(tasks, tasks)`, for a
                balancer that needs it; rows and columns of absent tasks are 0.
        """
        values = [tf.convert_to_tensor(variable.value) for variable in self.learned]
        with tf.GradientTape() as tape:
            tape.watch([losses, *values])
            objective = self.objective(losses, present, *values)
        weights, *gradients = tape.gradient(objective, [losses, *values])
        if gradients:
            self.learn(gradients, present)
        return weights

    def own_weights(self, weights: tf.Tensor, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """The weight of each task's gradient for parameters that only this task uses."""
        return weights

    def look_back(self, before: tf.Tensor, after: tf.Tensor, present: tf.Tensor) -> None:
        """Learn from the losses of a batch before and after the step; called if `looks_back`."""

    def on_epoch_end(self, losses: np.ndarray, labels: np.ndarray) -> None:
        """Learn from the losses of an epoch.

        Args:
            losses: Mean training loss of each task; NaN for a task without labels.
            labels: What each mean divides by: the number of the task's labels, or the sum of their
                weights for a loss with the reduction `"mean_with_sample_weight"`.
        """

    def end_epoch(self, losses: np.ndarray, labels: np.ndarray) -> None:
        """Call `on_epoch_end` and count the epoch."""
        self.on_epoch_end(losses, labels)
        self.epochs.assign_add(1.0)

    def call(self, losses: tf.Tensor, present: tf.Tensor, gramian: Any = None) -> tf.Tensor:
        """Same as `weigh`."""
        return self.weigh(losses, present, gramian)

    # Helpers

    def safe(self, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """Losses that are safe for a logarithm or a division: at least 1e-8, and 1 where absent.

        A negative loss is recorded in `invalid`, and training stops with an error that names the
        task.
        """
        self.invalid.assign_add(tf.cast(present & (losses < 0), tf.float32))
        return tf.where(present, tf.maximum(losses, SMALLEST_LOSS), tf.ones_like(losses))


def next_seed(seed: int, draws: keras.Variable) -> tf.Tensor:
    """The seed of the next random draw, of which `draws`, a state variable, counts the earlier."""
    draw = tf.convert_to_tensor(draws.assign_add(1.0))
    return tf.stack([seed, tf.cast(draw, tf.int32)])


def softmax_of(logits: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """A softmax over the present tasks, times their number; 0 for the others."""
    weights = tf.nn.softmax(tf.where(present, logits, -1e9))
    return tf.reduce_sum(tf.cast(present, logits.dtype)) * weights


def normalised(preferences: np.ndarray, present: tf.Tensor, dtype: Any = "float64") -> tf.Tensor:
    """Preferences of the present tasks, scaled to a mean of 1."""
    weights = tf.where(present, tf.constant(preferences, dtype), tf.zeros([], dtype))
    return weights / tf.reduce_sum(weights) * tf.reduce_sum(tf.cast(present, dtype))
