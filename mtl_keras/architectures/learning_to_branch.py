"""A tree of layers whose branches are learned: Learning to Branch (Guo et al., 2020)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.errors import check
from mtl_keras.layers import BranchGate, WeightedSum


@dataclass(frozen=True)
class LearningToBranch(Architecture):
    r"""A learned tree: which tasks share a layer, and after which layer they separate.

    ```
    features ─┬─ layer 1.1 ─┬─ layer 2.1 ─┬─ tower ─ head of task 1
              │             │             └─ tower ─ head of task 2
              │             └─ layer 2.2 ─── tower ─ head of task 3
              └─ layer 1.2   (read by none)
    ```

    Each level of the tree has several parallel layers. Each of them, and each task, reads one layer
    of the level before. For `explore` training steps, `layers.BranchGate` draws this layer at
    random, with probabilities that are learned by gradient descent after a `warmup`. Then every
    branch keeps its most probable layer, and the resulting tree is trained. `model.sharing` shows
    the tree.

    Try it if tasks fall into groups that you do not know (`grouped` uses known groups, or measures
    them first), or to find out which tasks belong together.

    Departures from the paper: the paper trains the resulting tree again from the start; here,
    training continues. The numbers that determine the probabilities are multiplied by
    `strength`, so that the usual learning rate suffices. Layers that no task reads are still
    computed.

    Args:
        layers: Widths of the tree's layers. Default (128, 128).
        branches: Maximum number of parallel layers. There are never more than there are tasks.
            Default 4.
        tower: Widths of each task's tower. Default none.
        explore: Integer >= 0, training steps (batches) before the tree is fixed. Default 1000,
            about a quarter of a typical training.
        warmup: Integer >= 0, training steps before the probabilities are learned. Default 400.
        temperature: Float > 0, initial temperature of the softmax that gives the gradients. Default
            50.0.
        strength: Float > 0, how much faster the probabilities are learned than the weights. Default
            10.0.

    References:
        Guo, Lee, Ulbricht: "Learning to Branch for Multi-Task Learning", ICML 2020,
        https://arxiv.org/abs/2006.01895.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = LearningToBranch(layers=(8,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 8)
    """

    also_called: ClassVar[str] = "branching branched tree"

    layers: tuple[int, ...] = (128, 128)
    branches: int = 4
    tower: tuple[int, ...] = ()
    explore: int = 1000
    warmup: int = 400
    temperature: float = 50.0
    strength: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.branches >= 1, "branches", "be >= 1", self.branches)
        for name in ("explore", "warmup"):
            check(getattr(self, name) >= 0, name, "be >= 0", getattr(self, name))
        for name in ("temperature", "strength"):
            check(getattr(self, name) > 0, name, "be > 0", getattr(self, name))

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        nodes = {"features": features}
        for number, width in enumerate(self.layers, start=1):
            made = {}
            for branch in range(1, min(self.branches, len(tasks)) + 1):
                name = f"branch_{number}_{branch}"
                x = self._read(name, nodes)
                made[name] = self.finish_layer(self.dense(x, width, name), name, x)
            nodes = made
        return self.towers({task: self._read(task, nodes) for task in tasks}, self.tower, features)

    def _read(self, reader: str, nodes: dict[str, Any]) -> Any:
        """One of the nodes."""
        vectors = list(nodes.values())
        if len(vectors) == 1:
            return vectors[0]
        gate = BranchGate(
            reader,
            list(nodes),
            explore=self.explore,
            warmup=self.warmup,
            temperature=self.temperature,
            strength=self.strength,
            name=f"{reader}_parent",
        )
        return WeightedSum(name=f"{reader}_reads")(gate(vectors[0]), vectors)
