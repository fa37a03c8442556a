"""A shared trunk with a bottleneck adapter per task and layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_keras.architectures.base import Architecture
from mtl_keras.layers import BottleneckAdapter


@dataclass(frozen=True)
class Adapters(Architecture):
    """One trunk for all tasks; after each layer, a small adapter modifies the output for each task.

    ```
    features ─┬─ shared layer ─ adapter of 1 ─ shared layer ─ adapter of 1 ─ tower ─ head 1
              └─ (the same)   ─ adapter of 2 ─ (the same)   ─ adapter of 2 ─ tower ─ head 2
    ```

    An adapter adds the output of a narrow bottleneck to its input and starts as the identity.

    Args:
        layers: Widths of the trunk's layers. Default (256, 256).
        tower: Widths of each task's tower. Default none.
        bottleneck: Units of an adapter's bottleneck. Default 16.
        freeze: Whether to freeze the trunk, for one whose weights you load. Default False.

    References:
        Houlsby et al.: "Parameter-Efficient Transfer Learning for NLP", ICML 2019,
        https://arxiv.org/abs/1902.00751.
    """

    layers: tuple[int, ...] = (256, 256)
    tower: tuple[int, ...] = ()
    bottleneck: int = 16
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
                y = self.finish_layer(shared(x), name, x)
                streams[task] = BottleneckAdapter(self.bottleneck, name=f"{name}_adapter")(y)
        return self.towers(streams, self.tower, features)
