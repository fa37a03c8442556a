"""Architectures: what the tasks share."""

import sys
from typing import Any

from mtl_keras import lookup
from mtl_keras.architectures.base import Architecture, embedder
from mtl_keras.architectures.shared_bottom import SharedBottom
from mtl_keras.architectures.single_task import SingleTask

__all__ = ["Architecture", "SharedBottom", "SingleTask", "embedder", "get"]


def get(declared: Any) -> Architecture:
    """An architecture from its name, a `{"kind": name, ...}` mapping or an object.

    Example:

    >>> get({"kind": "shared_bottom", "layers": [64]}).layers
    (64,)
    """
    return lookup.get(declared, sys.modules[__name__], Architecture, "architecture")
