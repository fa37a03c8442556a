"""A shared trunk with a low-rank update per task and layer (LoRA)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from mtl_keras.architectures.base import Architecture
from mtl_keras.layers import LowRankUpdate


@dataclass(frozen=True)
class LoRA(Architecture):
    r"""One trunk for all tasks; each task adds a low-rank update to each of its matrices.

    ```
    features ─┬─ W + B₁A₁ ─── W + B₁A₁ ─── tower ─ head of task 1
              └─ W + B₂A₂ ─── W + B₂A₂ ─── tower ─ head of task 2
    ```

    $y_k = W x + \frac{s}{r} B_k A_k x$; B is 0 at the start, so all tasks begin with the shared
    trunk.

    Args:
        layers: Widths of the trunk's layers. Default (256, 256).
        tower: Widths of each task's tower. Default none.
        rank: r. Default 4.
        scale: s. Default 8.0.
        freeze: Whether to freeze the trunk, for one whose weights you load. Default False.

    References:
        Hu et al.: "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022,
        https://arxiv.org/abs/2106.09685.
    """

    identifier = "lora"

    layers: tuple[int, ...] = (256, 256)
    tower: tuple[int, ...] = ()
    rank: int = 4
    scale: float = 8.0
    freeze: bool = False

    def represent(self, embed: Callable[[str], Any], tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        streams = dict.fromkeys(tasks, features)
        for number, width in enumerate(self.layers, start=1):
            shared = self.dense_layer(
                features, width, f"shared_{number}", trainable=not self.freeze
            )
            for task, x in streams.items():
                name = f"{task}_{number}"
                update = LowRankUpdate(width, self.rank, self.scale, name=f"{name}_lora")(x)
                summed = keras.layers.Add(name=f"{name}_sum")([shared(x), update])
                streams[task] = self.finish_layer(summed, name, x)
        return self.towers(streams, self.tower, features)
