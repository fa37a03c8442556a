"""Hard parameter sharing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_keras.architectures.base import (
    Architecture,
    check_dropout,
    check_layers,
    multilayer,
    with_skip,
)


@dataclass(frozen=True)
class SharedBottom(Architecture):
    """One trunk for all tasks, a tower for each.

    ```
    features ─┬─ shared trunk ─┬─ tower ─ head of task 1
              │                └─ tower ─ head of task 2
              └─ (skip: also straight to every head)
    ```

    Args:
        layers: Widths of the trunk's layers. Default (128, 64).
        tower: Widths of each task's own layers. Default (32,).
        activation: Name of a Keras activation. Default "relu".
        dropout: Share of units dropped after each layer in training. Default 0.3.
        skip: Whether each head also sees the features themselves, so that a linear model of each
            task is a part of the network ("wide and deep"). Default True.

    References:
        Cheng et al.: "Wide & Deep Learning for Recommender Systems", DLRS 2016 (the skip).
        Caruana: "Multitask Learning", Machine Learning 28, 1997.
    """

    layers: tuple[int, ...] = (128, 64)
    tower: tuple[int, ...] = (32,)
    activation: str = "relu"
    dropout: float = 0.3
    skip: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", check_layers(self.layers, "layers", least=1))
        object.__setattr__(self, "tower", check_layers(self.tower, "tower"))
        check_dropout(self.dropout)

    def represent(self, embed: Callable[[str], Any], tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        shared = multilayer(features, self.layers, self.activation, self.dropout, "shared")
        towers = {
            task: multilayer(shared, self.tower, self.activation, self.dropout, f"{task}_tower")
            for task in tasks
        }
        return with_skip(towers, dict.fromkeys(tasks, features)) if self.skip else towers
