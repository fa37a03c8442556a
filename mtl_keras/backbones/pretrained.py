"""Any Keras layer or model as a backbone, such as a pretrained one."""

import importlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.backbones.base import Backbone
from mtl_keras.errors import ConfigError, shown
from mtl_keras.layers import SequencePooling


@dataclass(frozen=True, kw_only=True)
class Pretrained(Backbone):
    """An existing Keras layer or model with its weights, such as a pretrained encoder.

    It is called on the feature's encoded rows: indices `(rows, length)` for a text, images `(rows,
    height, width, channels)` from 0 to 255. A model of keras-hub that takes `token_ids` and
    `padding_mask` gets both. Its output is `(rows, n)`; the mean is taken over any further axes.

    Args:
        layer: The layer or model. It is copied, so that you can use it more than once.
        source: Instead of `layer`, the name of a function that creates it,
            `"package.module:function"`, which can be written in a file.
        trainable: Whether its weights are trained further. Default False.

    Example:

    >>> backbone = Pretrained(source="keras.applications:MobileNetV3Small")  # makes it when used
    >>> backbone.get_config()["source"]
    'keras.applications:MobileNetV3Small'
    """

    reads: ClassVar[str] = "anything"
    layer: Any = None
    source: str | None = None
    trainable: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.layer, str):
            object.__setattr__(self, "layer", from_text(self.layer))
        if (self.layer is None) == (self.source is None):
            raise ConfigError("A pretrained backbone needs either `layer` or `source`.")

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        original = self.layer if self.layer is not None else imported(self.source or "")
        layer = type(original).from_config({**original.get_config(), "name": name})
        named = isinstance(original, keras.Model) and isinstance(original.input, dict)
        layer_input: Any = x
        if named:
            offered = {"token_ids": x, "padding_mask": mask}
            if "segment_ids" in original.input:
                offered["segment_ids"] = keras.layers.Rescaling(0, dtype="int32")(x)
            layer_input = {key: offered[key] for key in original.input}
        output = layer(layer_input)
        if original.built:
            layer.set_weights(original.get_weights())
        layer.trainable = self.trainable
        if isinstance(output, dict):
            output = output.get("pooled_output", output.get("sequence_output"))
        if len(output.shape) == 3:
            output = SequencePooling(name=f"{name}_pooled")(output, mask=mask)
        elif len(output.shape) == 4:
            output = keras.layers.GlobalAveragePooling2D(name=f"{name}_pooled")(output)
        return self._dropped(output, name)

    def get_config(self) -> dict[str, Any]:
        """The arguments, a layer as text; its weights are stored in the trained network only."""
        config = {"kind": "pretrained", "dropout": self.dropout, "trainable": self.trainable}
        if self.source is not None:
            return {**config, "source": self.source}
        return {**config, "layer": as_text(self.layer)}


def as_text(layer: Any) -> str:
    """A layer's class and arguments, as text."""
    return json.dumps(keras.saving.serialize_keras_object(layer), sort_keys=True)


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


def imported(source: str) -> Any:
    """The layer or model that the function `"package.module:function"` returns.

    Raises:
        ConfigError: if there is no such function, or it fails or returns something else.
    """
    module, colon, function = source.partition(":")
    if not colon:
        raise ConfigError(f"`source` must be 'package.module:function'. Received: {source!r}")
    try:
        layer = getattr(importlib.import_module(module), function)()
    except Exception as error:  # the function's own
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(f"`source={source!r}` cannot be used ({why}).") from error
    if not isinstance(layer, keras.layers.Layer):
        raise ConfigError(
            f"`source` must name a function that returns a Keras layer or model. Received: "
            f"source={source!r}, which returns {shown(layer)}."
        )
    return layer
