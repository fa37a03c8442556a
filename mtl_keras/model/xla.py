"""Whether XLA compiles a training on the processor, where `jit_compile` is `"auto"`.

Keras leaves XLA off without a GPU. Compiling takes two to five seconds, and then saves a part of
each step (`benchmarks/xla_gain.py`): of small networks of dense layers a quarter to three quarters,
of the networks of an experiment, whose steps are longer, a fifth to a half, and of recurrent layers
a half to three quarters. Convolutions, and layers that draw random numbers, become many times
slower; dropout does not, as `feeding/batch_loop.py` chooses how its masks are drawn.
`keras.layers.Embedding` is left out, because XLA takes the nearest row for a wrong index, where
TensorFlow raises an error; with `CategoryEmbedding` and `TokenEmbedding`, the loss is NaN.
"""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import Fixed, Uncertainty
from mtl_keras.model import step_choice
from mtl_keras.model.keras_private import supports_jit
from mtl_keras.model.keras_private_optimizers import schedule_of
from mtl_keras.model.step import Step

EMBEDDINGS = {"Members", "PeriodicEmbedding", "PiecewiseLinearEmbedding"}
"""Layers with which a step takes milliseconds, so that compiling soon pays."""

RECURRENT = {"Bidirectional", "GRU", "LSTM"}
"""Layers with which it pays sooner still."""

CELLS = (keras.layers.GRUCell, keras.layers.LSTMCell, keras.layers.SimpleRNNCell)

LAYERS = (
    EMBEDDINGS
    | RECURRENT
    | {
        "Activation",
        "Add",
        "Ascending",
        "BatchEnsembleDense",
        "BatchNormalization",
        "CategoryEmbedding",
        "Concatenate",
        "CumulativeLogits",
        "Dense",
        "Dropout",
        "InputLayer",
        "LayerNormalization",
        "MemberDense",
        "MemberMean",
        "Present",
        "SequencePooling",
        "TokenEmbedding",
        "ZeroInflatedLogNormalParameters",
    }
)
LOSSES = {
    "binary_crossentropy",
    "categorical_crossentropy",
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "pinball",
    "poisson",
    "poisson_deviance",
    "sparse_categorical_crossentropy",
    "zero_inflated_log_normal_loss",
}
OPTIMIZERS = {"Adam", "AdamW", "RMSprop", "SGD"}

STEPS = 30_000
"""Steps of a training, over all epochs, from which it is worth compiling a network without
`EMBEDDINGS`."""

PRODUCTS = 2**23
"""Rows of a batch times trainable weights of such a network: above, the products are most of a
step, and TensorFlow divides them among threads."""

LONG_STEPS, RECURRENT_STEPS, EPOCHS = 1_000, 500, 20
"""The same for networks with `EMBEDDINGS`, and with `RECURRENT` layers: steps over at most this
number of epochs, after which many trainings end, whatever number is declared."""


def decide(
    model: keras.Model, batch_size: int, epochs: int, steps: int, possible: bool = True
) -> None:
    """Decide whether XLA compiles a model's training on arrays or blocks, unless that is decided.

    Args:
        model: The compiled model, whose `xla_pays` is set.
        batch_size: Rows per batch.
        epochs: Number of epochs, wherever the training starts, so that a training that is resumed
            takes the same steps as an uninterrupted one.
        steps: Batches of an epoch.
        possible: Whether many batches run in one call. Default True.
    """
    if model.xla_pays is None:
        model.xla_pays = possible and pays(model, model.step, batch_size, epochs, steps)


def pays(model: keras.Model, step: Step, batch_size: int, epochs: int, steps: int) -> bool:
    """Whether a training takes less time with XLA, as far as is known; see `decide`."""
    layers = [part for layer in model.layers for part in within(layer)]
    kinds = {type(layer).__name__ for layer in layers}
    weights = sum(v.shape.num_elements() for v in model.trainable_variables)
    soon = RECURRENT_STEPS if kinds & RECURRENT else LONG_STEPS
    return (
        (
            min(epochs, EPOCHS) * steps >= soon
            if kinds & (RECURRENT | EMBEDDINGS)
            else epochs * steps >= STEPS and batch_size * weights <= PRODUCTS
        )
        and not tf.config.list_physical_devices("GPU")
        and model.distribute_strategy.num_replicas_in_sync == 1
        and type(step.balancer) in (Fixed, Uncertainty)
        and not step_choice.overrides(model, "call")
        and not step.task_metrics.by_batch
        and all(len(tensor.shape) <= (3 if kinds & RECURRENT else 2) for tensor in model.inputs)
        and kinds <= LAYERS
        and not any(draws(layer) or getattr(layer, "stateful", False) for layer in layers)
        and {loss.name for loss in step.losses.values()} <= LOSSES
        and type(model.optimizer).__name__ in OPTIMIZERS
        and all(map(_of_keras_or_ours, _parts(model, step, layers)))
        and all(layer.dtype_policy.name == "float32" for layer in layers)
        and supports_jit(model)
    )


def within(layer: keras.Layer) -> list[keras.Layer]:
    """A layer, and those that a bidirectional one calls."""
    both = isinstance(layer, keras.layers.Bidirectional)
    return [layer, layer.forward_layer, layer.backward_layer] if both else [layer]


def draws(layer: keras.Layer) -> bool:
    """Whether a layer draws random numbers in training, in a way that is slow with XLA."""
    if isinstance(layer, keras.layers.Bidirectional):
        return draws(layer.forward_layer) or draws(layer.backward_layer)
    cell = getattr(layer, "cell", None)
    if isinstance(cell, CELLS):  # with a seed, used or not
        return cell.dropout > 0 or cell.recurrent_dropout > 0
    return not isinstance(layer, keras.layers.Dropout) and any(
        variable.name == "seed_generator_state" for variable in layer.variables
    )


def _parts(model: keras.Model, step: Step, layers: list[keras.Layer]) -> list[Any]:
    """All objects and functions that a user could have written, and XLA might not compile."""
    own = ("activation", "regularizer", "constraint")
    layers = [*layers, *(layer.cell for layer in layers if hasattr(layer, "cell"))]
    of_layers = [v for layer in layers for name, v in vars(layer).items() if name.endswith(own)]
    losses = [loss.function for loss in step.losses.values()]
    return [*layers, *of_layers, *losses, model.optimizer, schedule_of(model.optimizer)]


def _of_keras_or_ours(part: Any) -> bool:
    module = getattr(part, "__module__", type(part).__module__)
    return part is None or str(module).startswith(("keras.", "mtl_keras."))
