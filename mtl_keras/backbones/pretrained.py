"""A pretrained Keras layer or model as a backbone."""

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from mtl_keras.backbones.base import Backbone
from mtl_keras.backbones.keras_layer import as_text, copied, from_text, pooled
from mtl_keras.errors import ConfigError, shown


@dataclass(frozen=True, kw_only=True)
class Pretrained(Backbone):
    """An existing Keras layer or model with its weights, such as a pretrained encoder.

    It is called on the feature's encoded rows: indices `(rows, length)` for a text, images `(rows,
    height, width, channels)` from 0 to 255. A model of keras-hub that takes `token_ids` and
    `padding_mask` gets both. Its output is `(rows, n)`; one vector per word (or pixel) is pooled.

    The weights become part of the trained network, but not of an experiment's file. Use `source`
    for an experiment that is trained from its file or by other processes.

    Args:
        layer: The layer or model. It is copied, so that you can use it more than once.
        source: Instead of `layer`, the name of a function that creates it,
            `"package.module:function"`, which can be written in a file.
        trainable: Whether its weights are trained further. Default False. If True, the layer may
            also be a new one, without weights.

    Raises:
        ConfigError: if there is neither a layer nor a source; when the network is built, also if
            the weights are missing, or if the output for an empty text is NaN.

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
        if (self.layer is None) == (self.source is None):
            raise ConfigError("A pretrained backbone needs either `layer` or `source`.")
        if isinstance(self.layer, str):
            from_text(self.layer)  # to refuse now what cannot be made

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        original = self.layer if self.layer is not None else imported(self.source or "")
        if isinstance(original, str):
            original = from_text(original)
            if original.weights:
                raise ConfigError(
                    f"The weights of the pretrained layer {original.name!r} are not stored with "
                    "the experiment. Name a function that loads them: "
                    "encoder={'kind': 'pretrained', 'source': 'package.module:function'}."
                )
        if not (original.built or self.trainable):
            raise ConfigError(
                f"The layer {original.name!r} has no weights yet, and would not be trained either. "
                "Load its weights, or set trainable=True."
            )
        layer = copied(original, name)
        output = layer(_arguments(original, x, mask))
        if original.built:
            layer.set_weights(original.get_weights())
        layer.trainable = self.trainable
        if isinstance(output, dict):
            output = output.get("pooled_output", output.get("sequence_output"))
        if mask is not None:
            _check_empty_row(layer, x, mask)
        return self._dropped(pooled(output, mask, name), name)

    def get_config(self) -> dict[str, Any]:
        """The arguments, a layer as text; its weights are stored in the trained network only."""
        config = {"kind": "pretrained", "dropout": self.dropout, "trainable": self.trainable}
        if self.source is not None:
            return {**config, "source": self.source}
        text = self.layer if isinstance(self.layer, str) else as_text(self.layer)
        return {**config, "layer": text}


def _arguments(layer: keras.layers.Layer, x: Any, mask: Any) -> Any:
    """What a layer is called on: a model with named inputs gets those that it has."""
    names = getattr(layer, "input", None)  # a layer that was not called has none
    if not isinstance(names, dict):
        return x
    offered = {"token_ids": x, "padding_mask": mask}
    if "segment_ids" in names:
        offered["segment_ids"] = keras.layers.Rescaling(0, dtype="int32")(x)
    return {key: offered[key] for key in names}


def _check_empty_row(layer: keras.layers.Layer, x: Any, mask: Any) -> None:
    """Raise a ConfigError if the output of a layer that masks words itself is NaN without words."""
    row = keras.ops.zeros((1, *x.shape[1:]), x.dtype)
    present = keras.ops.arange(mask.shape[1])[None] == 0
    output = layer(_arguments(layer, row, present))
    if not all(np.isfinite(value).all() for value in keras.tree.flatten(output)):
        raise ConfigError(
            f"The output of {layer.name!r} is NaN if a row is empty, as with "
            "`GlobalAveragePooling1D` after `Embedding(mask_zero=True)`. Leave the pooling out, "
            "which is done here, or use another one."
        )


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
