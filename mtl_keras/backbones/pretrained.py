"""Any Keras layer or model as a backbone: the hook for pretrained ones."""

import importlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.backbones.base import Backbone
from mtl_keras.errors import ConfigError
from mtl_keras.layers import SequencePooling


@dataclass(frozen=True, kw_only=True)
class Pretrained(Backbone):
    """A Keras layer or model that is already made, with the weights that it has.

    It is called on what the feature encodes: indices `(rows, length)` for a text, images `(rows,
    height, width, channels)` from 0 to 255. A model of keras-hub that takes `token_ids` and
    `padding_mask` gets both. Its output is `(rows, n)`, or more, of which the mean is taken.

    Args:
        layer: The layer or model. A copy of it is used, so that it can be used more than once.
        source: In place of it, `"package.module:function"`, a function that makes it; so it can be
            written in a file.
        trainable: Whether it is trained further. Default False.

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
            object.__setattr__(self, "layer", _made(json.loads(self.layer)))
        if (self.layer is None) == (self.source is None):
            raise ConfigError("A pretrained backbone needs either `layer` or `source`.")

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        original = self.layer if self.layer is not None else imported(self.source or "")
        layer = type(original).from_config({**original.get_config(), "name": name})
        named = isinstance(original, keras.Model) and isinstance(original.input, dict)
        given: Any = x
        if named:
            offered = {"token_ids": x, "padding_mask": mask}
            if "segment_ids" in original.input:
                offered["segment_ids"] = keras.layers.Rescaling(0, dtype="int32")(x)
            given = {key: offered[key] for key in original.input}
        output = layer(given)
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
        """A layer as text; its weights are in the trained network alone."""
        config = {"kind": "pretrained", "dropout": self.dropout, "trainable": self.trainable}
        if self.source is not None:
            return {**config, "source": self.source}
        return {**config, "layer": as_text(self.layer)}


def as_text(layer: Any) -> str:
    """A layer's class and arguments."""
    return json.dumps(keras.saving.serialize_keras_object(layer), sort_keys=True)


def _made(config: Any) -> Any:
    return keras.saving.deserialize_keras_object(config)


def from_text(text: str) -> Any:
    """The layer of `as_text`, with new weights."""
    return _made(json.loads(text))


def imported(source: str) -> Any:
    """What `"package.module:function"` makes.

    Raises:
        ConfigError: if there is none.
    """
    module, colon, function = source.partition(":")
    if not colon:
        raise ConfigError(f"`source` must be 'package.module:function'. Received: {source!r}")
    try:
        return getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"`source={source!r}` cannot be used: {error}.") from error
