"""The interface of a balancer: per-task losses in, one objective out."""

from typing import Any

import keras
import tensorflow as tf


class Balancer(keras.layers.Layer):
    """How the per-task losses become one update.

    A balancer declares in `needs` what it works on and gets only that. It never sees a model, a
    tape or a user's optimizer. Its state is made of non-trainable `keras.Variable`s, so that it is
    saved and resumed with the model; what it learns by gradient (see `learned`) is updated with
    an optimizer of its own, beside the model's and untouched by its weight decay or clipping.

    Being a Keras layer gives it variables, `get_config` and a place in the `.keras` file. The model
    keeps it outside its graph: it is absent from `model.layers` and from an exported SavedModel.

    To write one: subclass, register, and return a scalar from `objective`:

    ```python
    @keras.saving.register_keras_serializable("my_package")
    class MeanLogLoss(mtl_keras.balancers.Balancer):
        def objective(self, losses, present):
            return tf.reduce_sum(tf.where(present, tf.math.log(losses), 0.0))

    model.compile("adam", loss={...}, balancer=MeanLogLoss())
    ```

    Attributes:
        needs: `"losses"`: `objective` is differentiated with respect to all parameters.
        tasks: Names of the tasks, in the order of every vector. Set by `build`.
        preferences: The user's `loss_weights`, float tensor of shape `(tasks,)`. Set by `build`.
    """

    needs = "losses"

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.tasks: list[str] = []
        self.preferences: list[float] = []
        self.optimizer: keras.optimizers.Optimizer | None = None

    def setup(self, tasks: list[str], loss_weights: list[float], kinds: list[str]) -> None:
        """Learn the tasks and make the state. Called once, by `MultiTaskModel.compile`.

        Args:
            tasks: Names of the tasks, in the order of the loss vector.
            loss_weights: The user's weight of each task, as given to `compile`.
            kinds: `"classification"` or `"regression"` for each task, read from its loss.
        """
        self.tasks = list(tasks)
        self.preferences = [float(weight) for weight in loss_weights]
        self.kinds = list(kinds)
        if not self.built:
            self.build((len(tasks),))

    def objective(self, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """The scalar to minimise on this batch.

        Args:
            losses: Mean loss of each task over its present labels, float `(tasks,)`; 0 where the
                task has no label in the batch.
            present: Whether the task has a label in the batch, bool `(tasks,)`.

        Returns:
            A differentiable scalar. A task that is not present must take no part in it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `objective`.")

    @property
    def learned(self) -> list[keras.Variable]:
        """Variables that are updated by the gradient of `objective`, with `self.optimizer`."""
        return []

    def task_weights(self) -> tf.Tensor | None:
        """The weight that each task's loss has now, `(tasks,)`, for the logs; None if constant."""
        return None

    def call(self, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """Same as `objective`."""
        return self.objective(losses, present)
