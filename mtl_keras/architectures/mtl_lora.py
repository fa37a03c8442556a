"""A shared trunk with low-rank updates that tasks mix from common parts (MTL-LoRA)."""

from dataclasses import dataclass
from typing import Any

import keras

from mtl_keras.architectures.lora import LoRA
from mtl_keras.errors import check
from mtl_keras.layers import LayerMixture


@dataclass(frozen=True)
class MTLLoRA(LoRA):
    r"""One trunk for all tasks; each task adds a low-rank update that it mixes from shared parts.

    ```
                  ┌─ W ───────────────────────────────────────────────┐
    x of task k ──┤               ┌─ B₁ ─┐                            + ─ next layer
                  └─ A ─── Λ_k ───┼─ B₂ ─┼─(weights of task k)─ s/r ──┘
                                  └─ B₃ ─┘
    ```

    $y_k = W x + \frac{s}{r} \sum_i \mathrm{softmax}(w_k / \tau)_i B_i \Lambda_k A x$, where A and
    the $B_i$ are shared by all tasks, and $\Lambda_k$ (r x r) and $w_k$ belong to one task.
    $\Lambda$ starts as the identity and B at 0, so all tasks begin with the shared trunk.

    Try it in the situations for `lora`, in which tasks differ a little, if there are many tasks or
    some have few labels: each learns a small matrix and a few weights instead of a whole update.

    Departure from the paper: unless `freeze` is set, the trunk is trained as well, because it is
    not pretrained as a language model is.

    Args:
        ups: Number of matrices B. Default 3.
        temperature: Float > 0, tau. With a low temperature, a task chooses a single B. Default 0.1,
            as in the authors' script.

    References:
        Yang et al.: "MTL-LoRA: Low-Rank Adaptation for Multi-Task Learning", 2024,
        https://arxiv.org/abs/2410.09437.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> small = MTLLoRA(layers=(8,), rank=2)
    >>> parts = small.represent(lambda prefix, trainable: rows, ["churned", "spend"])
    >>> keras.Model(rows, parts).count_params()  # of which 32 are the trunk's
    100
    """

    identifier = "mtl_lora"

    ups: int = 3
    temperature: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.ups >= 1, "ups", "be >= 1", self.ups)
        check(self.temperature > 0, "temperature", "be > 0", self.temperature)

    def updates(self, streams: dict[str, Any], width: int, number: int) -> dict[str, Any]:
        def linear(units: int, initializer: str, name: str) -> keras.layers.Layer:
            return keras.layers.Dense(
                units, use_bias=False, kernel_initializer=initializer, name=name
            )

        down = linear(self.rank, "he_uniform", f"lora_{number}_down")
        ups = [linear(width, "zeros", f"lora_{number}_up_{i}") for i in range(1, self.ups + 1)]
        # Weights that differ from the start: else all B would learn the same.
        differing = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        made = {}
        for task, x in streams.items():
            name = f"{task}_{number}"
            low = linear(self.rank, "identity", f"{name}_lambda")(down(x))
            mixture = LayerMixture(self.temperature, differing, name=f"{name}_mixture")
            mixed = mixture([up(low) for up in ups])
            made[task] = keras.layers.Rescaling(self.scale / self.rank, name=f"{name}_lora")(mixed)
        return made
