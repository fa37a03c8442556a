"""Hierarchy of multi-gate experts: HoME (Wang et al., 2024)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.architectures.base import Embed
from mtl_keras.architectures.grouped import InGroups
from mtl_keras.errors import check
from mtl_keras.layers import LowRankUpdate, Modulation, SoftmaxGate, WeightedSum


@dataclass(frozen=True)
class HoME(InGroups):
    r"""Shared experts, experts per group of tasks and experts per task, in two levels.

    ```
    level 1                                        level 2, for task 1 of group A

    features ─┬─ experts of A ──────(gate A)── zA ─┬─ experts of task 1 ──┐
              │                    ╱               ├─ experts of A ───────┤
              ├─ shared experts ──┼─(all)───── z ──┴─ shared experts ─────┴(gate 1)─ tower ─ head 1
              │                    ╲
              └─ experts of B ──────(gate B)── zB ── ...
    ```

    A group's gate mixes the experts of the group and the shared ones, and the shared gate mixes all
    experts. A task mixes the shared experts, which read z, with those of its group and its own,
    which read zA. Its gate sees z and zA.

    Three measures keep the experts useful. The layers of an expert are
    $\mathrm{swish}(\mathrm{BN}(W x))$, so that gates weigh outputs on the same scale, few of which
    are 0. Each expert has a *feature gate*: it reads $x \odot 2\sigma(B A x)$, with a low rank. A
    *self gate* adds the reader's own experts once more, weighted by $\sigma(W x)$, or by a softmax
    if there are several, so that the shared experts do not crowd them out.

    Try it if there are many tasks of a few kinds, some of which have far fewer positive labels than
    others, and if the experts of `mmoe` or `ple` serve only one task or none (`model.sharing`).

    Choices, where descriptions of the method differ or say nothing: a feature gate is one low-rank
    map that is 1 at the start; experts of the second level read the part that they belong to,
    not all parts together; groups, tasks, and the shared stream of the first level have self
    gates.

    Args:
        groups: Names of the tasks of each group. Default none: all tasks are one group.
        experts: Number of experts of each kind (shared, of a group, of a task) in a level. Default
            1.
        layers: Widths of each expert's layers. Default (256,).
        tower: Widths of each task's tower, which has `activation` and `normalisation`. Default
            (64,).
        rank: Rank of the feature gates. Default 4.

    References:
        Wang et al.: "HoME: Hierarchy of Multi-Gate Experts for Multi-Task Learning at Kuaishou",
        KDD 2025, https://arxiv.org/abs/2408.05430.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = HoME(layers=(8,), tower=(4,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 4)
    """

    also_called: ClassVar[str] = "hierarchy_of_multi_gate_experts"
    identifier = "home"

    experts: int = 1
    layers: tuple[int, ...] = (256,)
    tower: tuple[int, ...] = (64,)
    rank: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("experts", "rank"):
            check(getattr(self, name) >= 1, name, "be >= 1", getattr(self, name))

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        groups = dict(enumerate(self.groups_of(tasks), start=1))
        shared = self._experts(features, "level_1_shared")
        of_group = {g: self._experts(features, f"level_1_group_{g}") for g in groups}
        everything = {name: e for group in of_group.values() for name, e in group.items()} | shared
        z = self._read(features, "shared", everything, shared, "level_1_shared")
        shared_2 = self._experts(z, "level_2_shared")
        parts = {}
        for g, group in groups.items():
            name = f"group_{g}"
            sources = {**of_group[g], **shared}
            z_group = self._read(features, name, sources, of_group[g], f"level_1_{name}")
            of_group_2 = self._experts(z_group, f"level_2_{name}")
            seen = keras.layers.Concatenate(name=f"level_2_{name}_seen")([z_group, z])
            for task in group:
                own = self._experts(z_group, f"level_2_{task}")
                sources = {**own, **of_group_2, **shared_2}
                parts[task] = self._read(seen, task, sources, own, f"level_2_{task}")
        return self.towers({task: parts[task] for task in tasks}, self.tower, features)

    def _experts(self, x: Any, prefix: str) -> dict[str, Any]:
        normalised = dataclasses.replace(self, activation="swish", normalisation="batch")
        made = {}
        for number in range(1, self.experts + 1):
            name = f"{prefix}_expert_{number}"
            gate = LowRankUpdate(x.shape[-1], self.rank, float(self.rank), name=f"{name}_gate")(x)
            gated = Modulation(name=f"{name}_gated")(x, gate)
            made[name] = normalised.multilayer(gated, self.layers, name)
        return made

    def _read(
        self, x: Any, reader: str, sources: dict[str, Any], own: dict[str, Any], name: str
    ) -> Any:
        """What the gate takes from the sources, plus what the self gate takes of the own ones."""
        gate = SoftmaxGate(reader, list(sources), name=f"{name}_gate")(x)
        mixture = WeightedSum(name=f"{name}_mixture")(gate, list(sources.values()))
        activation = "sigmoid" if len(own) == 1 else "softmax"
        itself = self.dense(x, len(own), f"{name}_self_gate", activation)
        again = WeightedSum(name=f"{name}_own")(itself, list(own.values()))
        return keras.layers.Add(name=f"{name}_both")([mixture, again])
