"""A Keras layer of one's own as a backbone, and Keras layers as text."""

import inspect
import json
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.backbones.base import Backbone
from mtl_keras.errors import ConfigError, shown
from mtl_keras.layers import SequencePooling


@dataclass(frozen=True, kw_only=True)
class KerasLayer(Backbone):
    """A Keras layer or model, trained with the network from new weights.

    `encoder=layer` is short for it if the layer has no weights yet. Like every backbone, it reads
    vectors `(rows, length, n)` of a text or a sequence, or images `(rows, height, width, channels)`
    from 0 to 1. If its `call` takes a `mask`, it gets the one of the vectors. Its output is
    `(rows, n)`; one vector per word (or pixel) is pooled. Layers whose `trainable` is False stay as
    they are initialised.

    Args:
        layer: The layer or model, which is copied for each trunk of the network. A class of your
            own must be registered with Keras, and `get_config` must return its arguments.

    Raises:
        ConfigError: if `layer` is not a Keras layer.

    Example:

    >>> words = keras.Input((5, 4))
    >>> backbone = KerasLayer(layer=keras.layers.LSTM(16))
    >>> backbone.represent(words, None, "review").shape
    (None, 16)
    """

    reads: ClassVar[str] = "anything"
    layer: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.layer, str):
            object.__setattr__(self, "layer", from_text(self.layer))
        if not isinstance(self.layer, keras.layers.Layer):
            raise ConfigError(f"`layer` must be a Keras layer. Received: {shown(self.layer)}.")

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        layer = copied(self.layer, name)
        masked = mask is not None and "mask" in inspect.signature(layer.call).parameters
        output = layer(x, mask=mask) if masked else layer(x)
        return self._dropped(pooled(output, mask, name), name)

    def get_config(self) -> dict[str, Any]:
        """The arguments, the layer as text."""
        return {"kind": "keras_layer", "dropout": self.dropout, "layer": as_text(self.layer)}


def copied(layer: keras.layers.Layer, name: str) -> keras.layers.Layer:
    """A layer with the same arguments, another name, and weights of its own."""
    return type(layer).from_config({**layer.get_config(), "name": name})


def pooled(output: Any, mask: Any, name: str) -> Any:
    """One vector per row: the mean and maximum of a sequence's vectors, the mean of an image's."""
    if len(output.shape) == 3:
        if mask is not None and mask.shape[1] != output.shape[1]:
            mask = None  # the layer has made another sequence of it
        return SequencePooling(name=f"{name}_pooled")(output, mask=mask)
    if len(output.shape) == 4:
        return keras.layers.GlobalAveragePooling2D(name=f"{name}_pooled")(output)
    return output


def as_text(layer: Any) -> str:
    """A layer's class and arguments, as text.

    Raises:
        ConfigError: if the class does not define `get_config` and has arguments that need it.
    """
    try:
        config = keras.saving.serialize_keras_object(layer)
    except NotImplementedError as error:
        raise ConfigError(
            f"The layer {layer.name!r} cannot be written to a file: define `get_config` of "
            f"{type(layer).__name__}, with all arguments of its constructor."
        ) from error
    return json.dumps(config, sort_keys=True)


def from_text(text: str) -> keras.layers.Layer:
    """The layer that `as_text` described, with new weights.

    Nothing is imported but Keras's own layers, and no code that the text holds is run.

    Raises:
        ConfigError: if it describes something else, such as a lambda or a class that is not
            registered with Keras.
    """
    try:
        layer = keras.saving.deserialize_keras_object(json.loads(text), safe_mode=True)
    except Exception as error:  # Keras's are of many types
        why = " ".join(str(error).split())[:300]
        raise ConfigError(
            f"Expected a Keras layer, as text. Received: {shown(text)}, which cannot be made "
            f"({type(error).__name__}: {why}). Register a class of your own with "
            "@keras.saving.register_keras_serializable, and import its module first."
        ) from error
    if not isinstance(layer, keras.layers.Layer):
        raise ConfigError(
            f"Expected a Keras layer, as text. Received: {shown(text)}, which is {shown(layer)}."
        )
    return layer
