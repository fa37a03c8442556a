"""NDDR: layerwise feature fusing (Gao et al., 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.layers import DiscriminativeReduction


@dataclass(frozen=True)
class NDDR(Architecture):
    """A trunk for each task; after each layer, every trunk recombines the features of all trunks.

    ```
    features ─┬─ layer ─┐┌ W1, BN, ReLU ─ layer ─┐┌ W1, BN, ReLU ─ tower ─ head of task 1
              │         ├┤                       ├┤
              └─ layer ─┘└ W2, BN, ReLU ─ layer ─┘└ W2, BN, ReLU ─ tower ─ head of task 2
    ```

    Args:
        layers: Widths of each trunk's layers. Default (128, 128).
        tower: Widths of each task's tower. Default none.
        own: Initial weight of a trunk's own features. Default 0.9.

    References:
        Gao et al.: "NDDR-CNN: Layerwise Feature Fusing in Multi-Task CNNs by Neural
        Discriminative Dimensionality Reduction", CVPR 2019, https://arxiv.org/abs/1801.08297.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = NDDR(layers=(8,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 8)
    """

    also_called: ClassVar[str] = "neural_discriminative_dimensionality_reduction nddr_cnn"
    identifier = "nddr"

    layers: tuple[int, ...] = (128, 128)
    tower: tuple[int, ...] = ()
    own: float = 0.9

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = {task: embed(task) for task in tasks}

        def reduction(number: int) -> DiscriminativeReduction:
            return DiscriminativeReduction(list(tasks), self.own, name=f"nddr_{number}")

        return self.towers(self.parallel(features, self.layers, reduction), self.tower, features)
