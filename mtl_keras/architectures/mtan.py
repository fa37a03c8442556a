"""Multi-task attention network, in its dense form (Liu et al., 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.errors import check


@dataclass(frozen=True)
class MTAN(Architecture):
    r"""A shared trunk; an attention mask per task selects features from each of its layers.

    ```
    features ──── layer ─────────────── layer ──────────────
                    │ × mask 1            │ × mask 1
                    └──────── dense ──────┴──────── dense ── tower ─ head of task 1
                    (likewise for task 2)
    ```

    $a = \sigma(N(W_2\, \mathrm{ReLU}(N(W_1 [\text{shared}, \text{task's previous}]))))$, the task's
    feature is $\phi(N(V (a \odot \text{shared})))$, where N is the `normalisation`: none by
    default, and `"batch"` in the paper.

    Departures from the paper: convolutions are replaced by dense layers, and a block of the trunk
    is a single layer, so that a mask is computed from the output that it selects from, not from
    the output of the block's first layer.

    Args:
        layers: Widths of the trunk's layers. Default (256, 128).
        attention: Width of the hidden layer of a mask. Default 64.
        tower: Widths of each task's tower. Default none.

    References:
        Liu, Johns, Davison: "End-to-End Multi-Task Learning with Attention", CVPR 2019,
        https://arxiv.org/abs/1803.10704, equations 1 and 2.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = MTAN(layers=(8,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 8)
    """

    also_called: ClassVar[str] = "multi_task_attention_network attention"
    identifier = "mtan"

    layers: tuple[int, ...] = (256, 128)
    attention: int = 64
    tower: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.attention >= 1, "attention", "be >= 1", self.attention)

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        shared, own = features, dict[str, Any]()
        for number, width in enumerate(self.layers, start=1):
            name = f"shared_{number}"
            shared = self.finish_layer(self.dense(shared, width, name), name, shared)
            for task in tasks:
                own[task] = self._attended(shared, own.get(task), f"{task}_{number}")
        return self.towers(own, self.tower, features)

    def _attended(self, shared: Any, before: Any, name: str) -> Any:
        seen = shared
        if before is not None:
            seen = keras.layers.Concatenate(name=f"{name}_seen")([shared, before])
        hidden = self._normalised(seen, self.attention, f"{name}_attention", "relu")
        mask = self._normalised(hidden, shared.shape[-1], f"{name}_mask", "sigmoid")
        chosen = keras.layers.Multiply(name=f"{name}_chosen")([mask, shared])
        return self.finish_layer(self.dense(chosen, shared.shape[-1], name), name)

    def _normalised(self, x: Any, units: int, name: str, activation: str) -> Any:
        """A layer of a mask: dense, normalisation, activation."""
        linear = self.normalise(self.dense(x, units, name), name)
        return keras.layers.Activation(activation, name=f"{name}_{activation}")(linear)
