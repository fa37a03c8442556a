"""Backbones, the parts of a network that read a text, an image or a sequence."""

import dataclasses
import sys
from typing import Any

import keras

from mtl_keras.backbones.base import Backbone
from mtl_keras.backbones.cnn import CNN
from mtl_keras.backbones.convolution import Convolution
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
            in parallel, or `"package.module:function"`, a function that makes a Keras layer or
            model.
        reads: What it must read: `"sequences"` or `"images"`.

    Returns:
        The backbone.

    Raises:
        ConfigError: if there is no such backbone, or it does not read this kind of data.

    Example:

    >>> get({"kind": "lstm", "units": 32}, "sequences").units
    32
    """
    if isinstance(declared, (list, tuple)):
        return Parallel(parts=tuple(get(part, reads) for part in declared))
    if isinstance(declared, keras.layers.Layer):
        return Pretrained(layer=declared)
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
