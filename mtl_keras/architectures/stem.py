"""STEM: shared and task-specific embeddings (Su et al., 2024)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.errors import check
from mtl_keras.layers import SoftmaxGate, StopGradient, WeightedSum


@dataclass(frozen=True)
class STEM(Architecture):
    """Shared and task-specific embeddings and experts; tasks read, but do not train, each other's.

    ```
    embeddings of 1 ── experts of 1 ──┬──────── (stop) ──┐
    shared embeddings ─ shared experts ┼──(gate 1)── tower ─ head of task 1
    embeddings of 2 ── experts of 2 ───┴(stop)
    ```

    A task's gate sees the task's own features plus the shared ones, and mixes *all* experts; its
    gradient does not flow into the other tasks' experts and embeddings.

    Args:
        task_experts: Number of experts per task. Default 1.
        shared_experts: Number of shared experts. Default 1.
        layers: Widths of each expert's layers. Default (256, 128).
        gate: Widths of a gate's hidden layers. Default (64,).
        tower: Widths of each task's tower. Default (64,).

    References:
        Su et al.: "STEM: Unleashing the Power of Embeddings for Multi-task Recommendation", AAAI
        2024, https://arxiv.org/abs/2308.13537.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = STEM(layers=(8,), tower=(4,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 4)
    """

    also_called: ClassVar[str] = "shared_and_task_specific_embeddings"
    identifier = "stem"

    task_experts: int = 1
    shared_experts: int = 1
    layers: tuple[int, ...] = (256, 128)
    gate: tuple[int, ...] = (64,)
    tower: tuple[int, ...] = (64,)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("task_experts", "shared_experts"):
            check(getattr(self, name) >= 1, name, "be >= 1", getattr(self, name))
        object.__setattr__(self, "gate", tuple(self.gate))

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = {owner: embed(owner) for owner in [*tasks, "shared"]}
        experts = {
            owner: {
                name: self.multilayer(features[owner], self.layers, name)
                for name in self._names(owner)
            }
            for owner in features
        }
        mixed = {}
        for task in tasks:
            sources = {}
            for owner, group in experts.items():
                for name, expert in group.items():
                    if owner not in (task, "shared"):
                        expert = StopGradient(name=f"{task}_reads_{name}")(expert)
                    sources[name] = expert
            seen = keras.layers.Add(name=f"{task}_gate_input")([features[task], features["shared"]])
            hidden = self.multilayer(seen, self.gate, f"{task}_gate_hidden")
            gate = SoftmaxGate(task, list(sources), name=f"{task}_gate")(hidden)
            mixed[task] = WeightedSum(name=f"{task}_mixture")(gate, list(sources.values()))
        return self.towers(mixed, self.tower, {task: features[task] for task in tasks})

    def _names(self, owner: str) -> list[str]:
        count = self.shared_experts if owner == "shared" else self.task_experts
        return [f"{owner}_expert_{number}" for number in range(1, count + 1)]
