"""Cross-stitch networks (Misra et al., 2016)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.layers import CrossStitchUnit


@dataclass(frozen=True)
class CrossStitch(Architecture):
    """A trunk for each task; after each layer, every trunk mixes in a learned share of the others.

    ```
    features ─┬─ layer ─┐ ┌─ layer ─┐ ┌─ tower ─ head of task 1
              │         ├a┤         ├a┤
              └─ layer ─┘ └─ layer ─┘ └─ tower ─ head of task 2
    ```

    Args:
        layers: Widths of each trunk's layers. Default (128, 128).
        tower: Widths of each task's tower. Default none.
        own: Initial weight of a trunk's own output. Default 0.9.

    References:
        Misra et al.: "Cross-stitch Networks for Multi-task Learning", CVPR 2016,
        https://arxiv.org/abs/1604.03539.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = CrossStitch(layers=(8,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> keras.Model(rows, parts).get_layer("stitch_1").mixing.shape
    (2, 2)
    """

    also_called: ClassVar[str] = "cross_stitch_networks"

    layers: tuple[int, ...] = (128, 128)
    tower: tuple[int, ...] = ()
    own: float = 0.9

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = {task: embed(task) for task in tasks}

        def stitch(number: int) -> CrossStitchUnit:
            return CrossStitchUnit(list(tasks), self.own, name=f"stitch_{number}")

        return self.towers(self.parallel(features, self.layers, stitch), self.tower, features)
