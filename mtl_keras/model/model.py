"""MultiTaskModel: a Keras Functional model whose outputs are tasks, balanced while they train."""

from collections.abc import Callable
from typing import Any, overload

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.errors import ConfigError, shown
from mtl_keras.layers import Gate, Mixing, tied
from mtl_keras.model import keras_private
from mtl_keras.model.partition import Partition
from mtl_keras.model.trainer import BalancedTrainer


class MultiTaskModel(BalancedTrainer):
    """A Functional Keras model with named outputs, one per task.

    You build, train, save, load and export it like any `keras.Model`, and its logs have the same
    names; `docs/keras.md` lists the differences. It adds:

    * a *balancer* that combines the per-task losses into one update (see `mtl_keras.balancers`);
    * missing labels (NaN): the row still counts for the other tasks;
    * true means in the logs: `<task>_loss` and `<task>_<metric>` are means over all present labels
      of the epoch, and `loss` is the sum of the losses weighted by `loss_weights`, whatever the
      balancer;
    * class weights and sample weights per output;
    * a fast `fit` for arrays, which runs many batches per call of a compiled graph.

    Keras's own training step, without a balancer, trains models that define `call` or override
    `compute_loss`, that have nested outputs, or that have an output without a loss.

    Args:
        inputs: Input tensor, or a list or dict of them.
        outputs: A dict from task name to output tensor. Or a list of output tensors or a single
            one, which are named after the layers that made them.
        name: Name of the model.

    Raises:
        ConfigError: if it is given an argument of `compile`, such as the balancer.

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

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is MultiTaskModel and keras_private.is_functional_call(args, kwargs):
            cls = FunctionalMultiTaskModel
        return super().__new__(cls)

    @overload
    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None: ...

    @overload  # of a subclass that defines `call`
    def __init__(
        self, *, name: str | None = None, trainable: bool = True, dtype: Any = None
    ) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if keras_private.is_functional_call(args, kwargs):
            for name in {"balancer", "optimizer", "loss", "loss_weights", "metrics"} & {*kwargs}:
                raise ConfigError(  # Keras would ignore it
                    f"`{name}` is an argument of `compile`, not of the model: "
                    f"model.compile({name}={shown(kwargs[name])}, ...)."
                )
            if not isinstance(self, FunctionalMultiTaskModel):  # a subclass's first model
                make = keras_private.make_functional
                make(type(self), MultiTaskModel, FunctionalMultiTaskModel)
            keras_private.Functional.__init__(self, *args, **kwargs)
        else:
            super().__init__(*args, **kwargs)

    @property
    def balancing(self) -> list[dict[str, Any]]:
        """The balancer's weights and diagnostics for each epoch of training, a dict per epoch."""
        return self.step.balancing

    @property
    def partition(self) -> Partition:
        """The variables that the tasks share, which `compile` determined from the graph."""
        return self.step.partition

    @property
    def metric_names(self) -> list[str]:
        """The names of the metrics in the logs, without those of losses."""
        return self.step.task_metrics.names

    @property
    def losses(self) -> list[Any]:
        """The losses added by layers, and the penalties of tied layers."""
        return [*super().losses, *tied.penalties(self.layers)]

    def mean_losses(self, x: Any, y: Any) -> dict[str, tf.Tensor]:
        """Return the mean loss of each task over its present labels, as differentiable scalars.

        Args:
            x: Inputs, as tensors or arrays.
            y: Labels by task, NaN where missing.
        """
        return self.step.mean_losses(x, y)

    def loss_of(
        self, task: str, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> Callable[[np.ndarray], float]:
        """Return a function from one task's outputs to their mean loss for the labels `y`."""
        return self.step.losses[task].of_outputs(y, self.step.outputs[task], sample_weight)

    def sharing(self, x: Any = None) -> pd.DataFrame:
        """Return what each task uses: the weights of gates, mixing units and selectors.

        Args:
            x: Inputs over which the weights of gates are averaged. Default None: gates are left
                out.

        Returns:
            A table with the columns `layer`, `reader` (a task or stream), `source` (an expert or
            stream) and `weight`, in the order of the layers; empty if there are no such layers.
        """
        gates = {layer.name: layer.output for layer in self.layers if isinstance(layer, Gate)}
        means = {}
        if gates and x is not None:
            weights = keras.Model(self.input, gates).predict(x, batch_size=4096, verbose=0)
            means = {name: w.reshape(-1, w.shape[-1]).mean(axis=0) for name, w in weights.items()}
        rows = []
        for layer in self.layers:
            if layer.name in means:
                mean = means[layer.name]
                rows += [(layer.name, layer.reader, *p) for p in zip(layer.sources, mean)]
            if isinstance(layer, Mixing):
                for reader, weights in zip(layer.streams, layer.mixing):
                    rows += [(layer.name, reader, *p) for p in zip(layer.streams, weights)]
        return pd.DataFrame(rows, columns=["layer", "reader", "source", "weight"])


@keras.saving.register_keras_serializable("mtl_keras", name="MultiTaskModel")
class FunctionalMultiTaskModel(MultiTaskModel, keras_private.Functional):
    """What `MultiTaskModel(inputs, outputs)` makes, as `keras.Model` makes a `Functional`."""


# To a user it is a `MultiTaskModel`: in the default name of a model, in `repr` and in errors. HDF5
# files name a class by this name alone.
FunctionalMultiTaskModel.__name__ = "MultiTaskModel"
keras.saving.get_custom_objects()["MultiTaskModel"] = FunctionalMultiTaskModel
