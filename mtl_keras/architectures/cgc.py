"""Customized gate control: one level of PLE (Tang et al., 2020)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.architectures.ple import extraction
from mtl_keras.errors import check


@dataclass(frozen=True)
class CGC(Architecture):
    """Task-specific and shared experts; each task's gate mixes its own experts and the shared ones.

    ```
    features ─┬─ own experts of 1 ──┐
              ├─ shared experts ────┼──(gate 1)── tower ─ head of task 1
              │                     ├──(gate 2)── tower ─ head of task 2
              └─ own experts of 2 ──┘
    ```

    Args:
        task_experts: Number of experts per task. Default 1.
        shared_experts: Number of shared experts. Default 1.
        layers: Widths of each expert's layers. Default (256, 128).
        tower: Widths of each task's tower. Default (64,).
        temperature: Float > 0, softmax temperature of the gates. Default 1.0.

    References:
        Tang et al., RecSys 2020, section 4.1.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = CGC(layers=(8,), tower=(4,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 4)
    """

    also_called: ClassVar[str] = "customized_gate_control"

    task_experts: int = 1
    shared_experts: int = 1
    layers: tuple[int, ...] = (256, 128)
    tower: tuple[int, ...] = (64,)
    temperature: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("task_experts", "shared_experts"):
            check(getattr(self, name) >= 1, name, "be >= 1", getattr(self, name))

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        streams, _ = extraction(self, dict.fromkeys(tasks, features), features, 1, last=True)
        return self.towers(streams, self.tower, features)
