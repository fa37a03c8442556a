"""Decides how a model is trained: by its own balanced step, in blocks or by batches, or by Keras's.

The step of this package needs a loss for each output of a graph. What Keras allows beyond that
(models that define `call`, outputs without a loss, nested outputs, `compute_loss` of one's own) is
left to Keras's own step. Where a subclass overrides a part of the step, Keras's loop calls it for
each batch; only what nobody overrides may run many batches per call.
"""

from collections.abc import Iterable
from typing import Any

import keras

from mtl_keras import balancers
from mtl_keras.errors import ConfigError
from mtl_keras.feeding.blocks import BlockProgress
from mtl_keras.model.keras_private import profiles_batches
from mtl_keras.model.labels import output_names

BATCH_HOOKS = [
    f"on_{kind}batch_{when}" for kind in ("", "train_", "test_") for when in ("begin", "end")
]


def why_keras(model: keras.Model, loss: Any) -> str | None:
    """Why Keras's own step must train a model, as the end of a sentence; None if it need not."""
    if not hasattr(model, "output_names"):
        return "as it defines `call` instead of a graph"
    if overrides(model, "compute_loss"):
        return "as its class overrides `compute_loss`"
    output = model.output
    leaves = keras.tree.flatten(output)
    if keras.tree.is_nested(output) and not _flat(output):
        return "as its outputs are nested"
    if loss is None:
        return "as `compile` was given no `loss`"
    if (
        isinstance(loss, dict)
        and not _is_config(loss)
        and not set(loss) <= set(output_names(model))
    ):
        return None  # a wrong name is refused
    declared = _entries(loss, len(leaves))
    if any(entry is None for entry in declared) or len(declared) < len(leaves):
        return "as an output has no loss"
    if any(keras.tree.is_nested(entry) and not _is_config(entry) for entry in declared):
        return "as its losses are nested"
    if any(getattr(entry, "reduction", "mean") in ("sum", "none", None) for entry in declared):
        return "as a loss has the reduction 'sum' or 'none', not a mean"
    return None


def check_balancer(balancer: Any, reason: str) -> None:
    """Refuse a balancer for a model that Keras's own step trains.

    Raises:
        ConfigError: if the balancer is another than constant weights.
    """
    if balancer is not None and not isinstance(balancers.get(balancer), balancers.Fixed):
        raise ConfigError(
            f"A balancer needs one loss, a mean over rows, for each output of a graph. This model "
            f"is trained by Keras's own step, {reason}. Change that, or leave out `balancer`. "
            f"Received: balancer={balancer!r}."
        )


def overrides(model: keras.Model, *methods: str) -> bool:
    """Whether a model's class (or the object itself) has its own version of one of the methods."""
    own = next(cls for cls in type(model).__mro__ if cls.__module__.startswith("mtl_keras.model."))
    return any(
        name in vars(model) or getattr(type(model), name) is not getattr(own, name)
        for name in methods
    )


def own_step(model: keras.Model, training: bool) -> bool:
    """Whether a subclass has a part of the step for Keras's loop to call on each batch."""
    return overrides(model, "train_step" if training else "test_step", "compute_metrics")


def acting_on_batches(callbacks: Iterable[Any]) -> list[str]:
    """The names of the callbacks that do something at each batch, not only at each epoch."""
    return [type(callback).__name__ for callback in callbacks if _acts_on_batches(callback)]


def _acts_on_batches(callback: Any) -> bool:
    if isinstance(callback, BlockProgress):
        return False
    if getattr(callback, "save_freq", None) == "epoch":  # ModelCheckpoint, BackupAndRestore
        return False
    if isinstance(callback, keras.callbacks.TensorBoard) and callback.update_freq == "epoch":
        return bool(callback.write_steps_per_second) or profiles_batches(callback)
    kind, base = type(callback), keras.callbacks.Callback
    return any(
        name in vars(callback) or getattr(kind, name) is not getattr(base, name)
        for name in BATCH_HOOKS
    )


def _flat(output: Any) -> bool:
    """Whether a structure of outputs is a plain dict, list or tuple of tensors."""
    plain = type(output) in (dict, list, tuple)
    return plain and len(output) == len(keras.tree.flatten(output))


def _entries(loss: Any, outputs: int) -> list[Any]:
    """The losses of all outputs, as far as they are declared."""
    if isinstance(loss, dict) and not _is_config(loss):
        return list(loss.values())
    if isinstance(loss, (list, tuple)):
        return list(loss)
    return [loss] * outputs


def _is_config(loss: Any) -> bool:
    """Whether a dict is the serialized form of one loss."""
    return isinstance(loss, dict) and "class_name" in loss and "config" in loss
