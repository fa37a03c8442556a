"""Backbones, the parts of a network that read a text, an image or a sequence."""

import dataclasses
import sys
from typing import Any

import keras

from mtl_keras.backbones.base import Backbone
from mtl_keras.backbones.cnn import CNN
from mtl_keras.backbones.convolution import Convolution
from mtl_keras.backbones.keras_layer import KerasLayer
from mtl_keras.backbones.parallel import Parallel
from mtl_keras.backbones.pooling import Pooling
from mtl_keras.backbones.pretrained import Pretrained
from mtl_keras.backbones.recurrent import GRU, LSTM
from mtl_keras.backbones.transformer import Transformer
from mtl_keras.declaring import registry
from mtl_keras.errors import ConfigError

__all__ = [
    "CNN",
    "GRU",
    "LSTM",
    "Backbone",
    "Convolution",
    "KerasLayer",
    "Parallel",
    "Pooling",
    "Pretrained",
    "Transformer",
    "get",
]


def get(declared: Any, reads: str) -> Backbone:
    """Return the backbone for a name, a `{"kind": name, ...}` mapping, an object or a Keras layer.

    Args:
        declared: E.g. `"lstm"`, `{"kind": "lstm", "bidirectional": True}`, a list of these to use
            in parallel, a Keras layer without weights, which is trained (`KerasLayer`), or
            `"package.module:function"`, a function that makes a pretrained layer or model
            (`Pretrained`).
        reads: What it must read: `"sequences"` or `"images"`.

    Returns:
        The backbone.

    Raises:
        ConfigError: if there is no such backbone, if it does not read this kind of data, or if a
            layer has weights, which may or may not be pretrained.

    Example:

    >>> get({"kind": "lstm", "units": 32}, "sequences").units
    32
    """
    if isinstance(declared, (list, tuple)):
        return Parallel(parts=tuple(get(part, reads) for part in declared))
    if isinstance(declared, keras.layers.Layer):
        if declared.weights:
            raise ConfigError(
                f"The layer {declared.name!r} already has weights. As an encoder, wrap it in "
                "mtl_keras.backbones.Pretrained(layer=...) to keep them (with trainable=True to "
                "train them further), or in KerasLayer(layer=...) to train it from new weights."
            )
        return KerasLayer(layer=declared)
    if isinstance(declared, str) and ":" in declared:
        return Pretrained(source=declared)
    backbone = registry.get(declared, sys.modules[__name__], Backbone, "backbone")
    if isinstance(backbone, Parallel):
        parts = tuple(get(part, reads) for part in backbone.parts)
        backbone = dataclasses.replace(backbone, parts=parts)
    if backbone.reads not in (reads, "anything"):
        kinds = registry.classes(sys.modules[__name__], Backbone)
        good = [name for name, cls in kinds.items() if cls.reads in (reads, "anything")]
        raise ConfigError(
            f"Backbone {declared!r} reads {backbone.reads}, not {reads}. Expected one of: "
            f"{', '.join(good)}."
        )
    return backbone
