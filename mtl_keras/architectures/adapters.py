"""A shared trunk with a bottleneck adapter per task and layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.layers import BottleneckAdapter


@dataclass(frozen=True)
class Adapters(Architecture):
    """One trunk for all tasks; after each layer, a small adapter modifies the output for each task.

    ```
    features ─┬─ shared layer ─ adapter of 1 ─ shared layer ─ adapter of 1 ─ tower ─ head 1
              └─ (the same)   ─ adapter of 2 ─ (the same)   ─ adapter of 2 ─ tower ─ head 2
    ```

    An adapter adds the output of a narrow bottleneck, which has the trunk's `activation`, to its
    input, and starts as the identity.

    Departure from the paper: the paper adapts the outputs of attention and feed-forward blocks of a
    transformer, before their skip connections, and trains its layer normalisation too. Here,
    each layer of the trunk is adapted, and each task has its own normalisation, if there is
    any.

    Args:
        layers: Widths of the trunk's layers. Default (256, 256).
        tower: Widths of each task's tower. Default none.
        bottleneck: Units of an adapter's bottleneck. Default 16.
        freeze: Whether to freeze the trunk and the embeddings of features, for example if you load
            pretrained weights. Default False.

    References:
        Houlsby et al.: "Parameter-Efficient Transfer Learning for NLP", ICML 2019,
        https://arxiv.org/abs/1902.00751.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = Adapters(layers=(8,)).represent(lambda prefix, trainable: rows, ["churned"])
    >>> parts["churned"].shape
    (None, 8)
    """

    also_called: ClassVar[str] = "adapter residual_adapters"

    layers: tuple[int, ...] = (256, 256)
    tower: tuple[int, ...] = ()
    bottleneck: int = 16
    freeze: bool = False

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared", trainable=not self.freeze)
        streams = dict.fromkeys(tasks, features)
        for number, width in enumerate(self.layers, start=1):
            shared = self.dense_layer(
                features, width, f"shared_{number}", trainable=not self.freeze
            )
            for task, x in streams.items():
                name = f"{task}_{number}"
                y = self.finish_layer(shared(x), name, x)
                adapter = BottleneckAdapter(
                    self.bottleneck, self.activation, name=f"{name}_adapter"
                )
                streams[task] = adapter(y)
        return self.towers(streams, self.tower, features)
