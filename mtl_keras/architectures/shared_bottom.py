"""Hard parameter sharing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed


@dataclass(frozen=True)
class SharedBottom(Architecture):
    """Hard parameter sharing: one trunk for all tasks, and a tower for each.

    ```
    features ─┬─ shared trunk ─┬─ tower ─ head of task 1
              │                └─ tower ─ head of task 2
              └─ (skip: also straight to every head)
    ```

    Args:
        layers: Widths of the trunk's layers. Default (256, 128).
        tower: Widths of each task's tower. Default none.

    References:
        Caruana: "Multitask Learning", Machine Learning 28, 1997.
        Cheng et al.: "Wide & Deep Learning for Recommender Systems", DLRS 2016 (the skip).

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = SharedBottom(layers=(8,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["churned"] is parts["spend"]
    True
    """

    also_called: ClassVar[str] = (
        "hard_sharing hard_parameter_sharing shared shared_trunk shared_backbone mlp dense"
    )

    layers: tuple[int, ...] = (256, 128)
    tower: tuple[int, ...] = ()

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        shared = self.multilayer(features, self.layers, "shared")
        return self.towers(dict.fromkeys(tasks, shared), self.tower, features)
