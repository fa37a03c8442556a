"""Sluice networks (Ruder et al., 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.errors import check
from mtl_keras.layers import LayerMixture, SluiceUnit, SubspaceOrthogonality


@dataclass(frozen=True)
class Sluice(Architecture):
    """A trunk for each task, split into subspaces; which subspaces and layers to share is learned.

    ```
    features ─┬─ [a|b] ─┐ ┌─ [a|b] ─┐ ┌─ beta: mean of all layers ─ tower ─ head of task 1
              │         ├α┤         ├α┤
              └─ [a|b] ─┘ └─ [a|b] ─┘ └─ beta: mean of all layers ─ tower ─ head of task 2
    ```

    Departures from the paper: beta is a softmax, so that it averages the layers, whereas the paper
    does not constrain it; and the rows of alpha initially sum to one, with most of the weight
    on the subspace itself.

    Args:
        width: Units of each layer; a multiple of `subspaces`. Default 128.
        depth: Number of layers. Default 2.
        tower: Widths of each task's tower. Default none.
        subspaces: Integer >= 1, subspaces per layer. Default 2.
        own: Initial diagonal of alpha. Default 0.9.
        orthogonality: Strength of the penalty that keeps subspaces different. Default 1e-3.

    References:
        Ruder, Bingel, Augenstein, Sogaard: "Latent Multi-task Architecture Learning", AAAI 2019,
        https://arxiv.org/abs/1705.08142.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = Sluice(width=8).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 8)
    """

    also_called: ClassVar[str] = "sluice_networks"

    width: int = 128
    depth: int = 2
    tower: tuple[int, ...] = ()
    subspaces: int = 2
    own: float = 0.9
    orthogonality: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        good = self.subspaces >= 1 and self.width % self.subspaces == 0
        check(good, "width", f"be a multiple of subspaces={self.subspaces}", self.width)
        check(self.depth >= 1, "depth", "be >= 1", self.depth)

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = {task: embed(task) for task in tasks}
        streams = list(features.values())
        outputs: dict[str, list[Any]] = {task: [] for task in tasks}
        for number in range(1, self.depth + 1):
            layers = []
            for task, x in zip(tasks, streams):
                name = f"{task}_{number}"
                penalty = SubspaceOrthogonality(self.subspaces, self.orthogonality)
                layer = self.dense_layer(x, self.width, name, kernel_regularizer=penalty)
                linear = layer(x)
                layers.append(self.finish_layer(linear, name, x))
            unit = SluiceUnit(list(tasks), self.subspaces, self.own, name=f"sluice_{number}")
            streams = unit(layers)
            for task, x in zip(tasks, streams):
                outputs[task].append(x)
        mixed = {task: LayerMixture(name=f"{task}_beta")(outputs[task]) for task in tasks}
        return self.towers(mixed, self.tower, features)
