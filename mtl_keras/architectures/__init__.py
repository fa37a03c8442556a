"""Architectures: what the tasks share."""

import sys
from typing import Any

from mtl_keras import lookup
from mtl_keras.architectures.adapters import Adapters
from mtl_keras.architectures.aitm import AITM
from mtl_keras.architectures.base import Architecture
from mtl_keras.architectures.cgc import CGC
from mtl_keras.architectures.cross_stitch import CrossStitch
from mtl_keras.architectures.dselect_k import DSelectK
from mtl_keras.architectures.embedder import embedder
from mtl_keras.architectures.esmm import ESMM
from mtl_keras.architectures.lora import LoRA
from mtl_keras.architectures.mmoe import MMoE
from mtl_keras.architectures.mtan import MTAN
from mtl_keras.architectures.nddr import NDDR
from mtl_keras.architectures.omoe import OMoE
from mtl_keras.architectures.ple import PLE
from mtl_keras.architectures.shared_bottom import SharedBottom
from mtl_keras.architectures.single_task import SingleTask
from mtl_keras.architectures.sluice import Sluice
from mtl_keras.architectures.soft_sharing import SoftSharing
from mtl_keras.architectures.stem import STEM

__all__ = [
    "AITM",
    "CGC",
    "ESMM",
    "MTAN",
    "NDDR",
    "PLE",
    "STEM",
    "Adapters",
    "Architecture",
    "CrossStitch",
    "DSelectK",
    "LoRA",
    "MMoE",
    "OMoE",
    "SharedBottom",
    "SingleTask",
    "Sluice",
    "SoftSharing",
    "embedder",
    "get",
]


def get(declared: Any) -> Architecture:
    """An architecture from its name, a `{"kind": name, ...}` mapping or an object.

    Example:

    >>> get({"kind": "shared_bottom", "layers": [64]}).layers
    (64,)
    """
    return lookup.get(declared, sys.modules[__name__], Architecture, "architecture")
