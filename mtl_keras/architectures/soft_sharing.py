"""Soft parameter sharing: separate trunks, tied by a penalty."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.errors import check
from mtl_keras.layers import TiedBatchEnsembleDense, TiedDense
from mtl_keras.layers.tied import PENALTIES


@dataclass(frozen=True)
class SoftSharing(Architecture):
    """A trunk for each task; an added loss pulls layers of the same depth towards each other.

    ```
    features ─┬─ layer ─── layer ─── tower ─ head of task 1
              │    ┊ tied    ┊ tied
              └─ layer ─── layer ─── tower ─ head of task 2
    ```

    Args:
        layers: Widths of each trunk's layers. Default (128, 128).
        tower: Widths of each task's tower. Default none.
        penalty: `"l2"`, the squared distance of each weight matrix to their mean, or `"trace"`, the
            nuclear norm of the stacked matrices, each flattened to a row. Default "l2".
        strength: Float >= 0, strength of the penalty. Default 1e-3.

    References:
        Duong et al.: "Low Resource Dependency Parsing: Cross-lingual Parameter Sharing in a Neural
        Network Parser", ACL 2015 (L2); Yang, Hospedales: "Trace Norm Regularised Deep Multi-Task
        Learning", ICLR 2017 workshop, https://arxiv.org/abs/1606.04038 (trace norm).

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = SoftSharing(layers=(8,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["churned"] is parts["spend"]
    False
    """

    also_called: ClassVar[str] = "soft_parameter_sharing"

    layers: tuple[int, ...] = (128, 128)
    tower: tuple[int, ...] = ()
    penalty: str = "l2"
    strength: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.penalty in PENALTIES, "penalty", "be 'l2' or 'trace'", self.penalty)
        check(self.strength >= 0, "strength", "be >= 0", self.strength)

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        streams = {}
        for task in tasks:
            x = features
            for number, width in enumerate(self.layers, start=1):
                name = f"{task}_{number}"
                kind = TiedBatchEnsembleDense if len(x.shape) == 3 else TiedDense
                tied = kind(
                    width,
                    group=f"layer_{number}",
                    penalty=self.penalty,
                    strength=self.strength,
                    name=name,
                )
                x = self.finish_layer(tied(x), name, x)
            streams[task] = x
        return self.towers(streams, self.tower, features)
