"""Architectures, which determine what the tasks share."""

import dataclasses
import sys
from collections.abc import Collection, Mapping
from typing import Any

from mtl_keras.architectures.adapters import Adapters
from mtl_keras.architectures.aitm import AITM
from mtl_keras.architectures.base import Architecture
from mtl_keras.architectures.cgc import CGC
from mtl_keras.architectures.cross_stitch import CrossStitch
from mtl_keras.architectures.dselect_k import DSelectK
from mtl_keras.architectures.embedder import embedder
from mtl_keras.architectures.esmm import ESMM
from mtl_keras.architectures.grouped import Grouped
from mtl_keras.architectures.home import HoME
from mtl_keras.architectures.learning_to_branch import LearningToBranch
from mtl_keras.architectures.lora import LoRA
from mtl_keras.architectures.mmoe import MMoE
from mtl_keras.architectures.mtan import MTAN
from mtl_keras.architectures.mtl_lora import MTLLoRA
from mtl_keras.architectures.nddr import NDDR
from mtl_keras.architectures.omoe import OMoE
from mtl_keras.architectures.pepnet import PEPNet
from mtl_keras.architectures.ple import PLE
from mtl_keras.architectures.shared_bottom import SharedBottom
from mtl_keras.architectures.single_task import SingleTask
from mtl_keras.architectures.sluice import Sluice
from mtl_keras.architectures.soft_sharing import SoftSharing
from mtl_keras.architectures.stem import STEM
from mtl_keras.declaring import registry

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
    "Grouped",
    "HoME",
    "LearningToBranch",
    "LoRA",
    "MMoE",
    "MTLLoRA",
    "OMoE",
    "PEPNet",
    "SharedBottom",
    "SingleTask",
    "Sluice",
    "SoftSharing",
    "embedder",
    "get",
]


def get(
    declared: Any,
    defaults: Mapping[str, Any] | None = None,
    only_accepted: bool = False,
    others: Collection[str] = (),
) -> Architecture:
    """Return the architecture for a name, a `{"kind": name, ...}` mapping or an object.

    Args:
        declared: The name, mapping or object.
        defaults: Arguments that the architecture gets if it has them and the name or mapping does
            not set them. Default none.
        only_accepted: Whether to ignore arguments of a mapping that the architecture does not have,
            instead of raising an error. Default False.
        others: Further valid names, for the error message. Default none.

    Returns:
        The architecture.

    Raises:
        ConfigError: if there is no such architecture, or it does not have one of the arguments.

    Example:

    >>> get({"kind": "shared_bottom", "layers": [64]}).layers
    (64,)
    """
    package = sys.modules[__name__]
    if isinstance(declared, str):
        declared = {"kind": declared}
    if isinstance(declared, Mapping) and "kind" in declared:
        cls = registry.resolve(str(declared["kind"]), package, Architecture, "architecture", others)
        accepted = {field.name for field in dataclasses.fields(cls)} - set(cls.without_effect)
        fitting = {key: value for key, value in (defaults or {}).items() if key in accepted}
        declared = {**fitting, **declared}
        if only_accepted:
            declared = {k: v for k, v in declared.items() if k == "kind" or k in accepted}
    return registry.get(declared, package, Architecture, "architecture", others=others)
