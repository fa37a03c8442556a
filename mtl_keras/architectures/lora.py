"""A shared trunk with a low-rank update per task and layer (LoRA)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.architectures.base import Architecture, Embed
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
        freeze: Whether to freeze the trunk and the embeddings of features, for example if you load
            pretrained weights. Default False.

    References:
        Hu et al.: "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022,
        https://arxiv.org/abs/2106.09685.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> small = LoRA(layers=(8,), rank=2)
    >>> parts = small.represent(lambda prefix, trainable: rows, ["churned", "spend"])
    >>> keras.Model(rows, parts).count_params()  # of which 32 are the trunk's
    76
    """

    also_called: ClassVar[str] = "low_rank_adaptation"
    identifier = "lora"

    layers: tuple[int, ...] = (256, 256)
    tower: tuple[int, ...] = ()
    rank: int = 4
    scale: float = 8.0
    freeze: bool = False

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared", trainable=not self.freeze)
        streams = dict.fromkeys(tasks, features)
        for number, width in enumerate(self.layers, start=1):
            shared = self.dense_layer(
                features, width, f"shared_{number}", trainable=not self.freeze
            )
            updates = self.updates(streams, width, number)
            for task, x in streams.items():
                name = f"{task}_{number}"
                summed = keras.layers.Add(name=f"{name}_sum")([shared(x), updates[task]])
                streams[task] = self.finish_layer(summed, name, x)
        return self.towers(streams, self.tower, features)

    def updates(self, streams: dict[str, Any], width: int, number: int) -> dict[str, Any]:
        """What each task adds to the shared layer of this number, from the layer's inputs."""
        return {
            task: LowRankUpdate(width, self.rank, self.scale, name=f"{task}_{number}_lora")(x)
            for task, x in streams.items()
        }
