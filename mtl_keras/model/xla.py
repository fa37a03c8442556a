"""Whether XLA compiles a training on the processor, where `jit_compile` is `"auto"`.

Keras leaves XLA off without a GPU. Compiling takes about two seconds, and then saves a part of each
step: of small networks of dense layers a quarter to three quarters, while convolutions, and layers
that draw random numbers, become many times slower (`benchmarks/xla_gain.py`); dropout does not, as
`feeding/batch_loop.py` chooses how its masks are drawn. Layers that look rows up are left out,
because XLA takes the nearest row for a wrong index, where TensorFlow raises an error.
"""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers import Fixed, Uncertainty
from mtl_keras.model import step_choice
from mtl_keras.model.keras_private import supports_jit
from mtl_keras.model.keras_private_optimizers import schedule_of
from mtl_keras.model.step import Step

LAYERS = {
    "Activation",
    "Add",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "InputLayer",
    "LayerNormalization",
}
LOSSES = {
    "binary_crossentropy",
    "categorical_crossentropy",
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "poisson",
}
OPTIMIZERS = {"Adam", "AdamW", "RMSprop", "SGD"}

STEPS = 30_000
"""Steps of a training, over all epochs, from which it is worth compiling."""

PRODUCTS = 2**23
"""Rows of a batch times trainable weights: above, the products are most of a step, and TensorFlow
divides them among threads."""


def pays(model: keras.Model, step: Step, batch_size: int, steps: int) -> bool:
    """Whether a training on arrays takes less time with XLA, as far as is known.

    It depends on the declared number of epochs, wherever the training starts, so that a training
    that is resumed takes the same steps as an uninterrupted one.

    Args:
        model: The compiled model.
        step: Its step.
        batch_size: Rows per batch.
        steps: Batches of all epochs.
    """
    weights = sum(v.shape.num_elements() for v in model.trainable_variables)
    return (
        steps >= STEPS
        and batch_size * weights <= PRODUCTS
        and not tf.config.list_physical_devices("GPU")
        and model.distribute_strategy.num_replicas_in_sync == 1
        and type(step.balancer) in (Fixed, Uncertainty)
        and step.inside is None
        and not step_choice.overrides(model, "call")
        and not step.task_metrics.by_batch
        and all(len(tensor.shape) == 2 for tensor in model.inputs)
        and {type(layer).__name__ for layer in model.layers} <= LAYERS
        and {loss.name for loss in step.losses.values()} <= LOSSES
        and type(model.optimizer).__name__ in OPTIMIZERS
        and all(map(_of_keras, _parts(model, step)))
        and all(layer.dtype_policy.name == "float32" for layer in model.layers)
        and supports_jit(model)
    )


def _parts(model: keras.Model, step: Step) -> list[Any]:
    """All objects and functions that a user could have written, and XLA might not compile."""
    own = ("activation", "regularizer", "constraint")
    of_layers = [
        v for layer in model.layers for name, v in vars(layer).items() if name.endswith(own)
    ]
    losses = [loss.function for loss in step.losses.values()]
    return [*model.layers, *of_layers, *losses, model.optimizer, schedule_of(model.optimizer)]


def _of_keras(part: Any) -> bool:
    module = getattr(part, "__module__", type(part).__module__)
    return part is None or str(module).startswith("keras.")
