"""Hard parameter sharing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_keras.architectures.base import (
    Architecture,
    check_dropout,
    check_layers,
    multilayer,
)


@dataclass(frozen=True)
class SharedBottom(Architecture):
    """One trunk for all tasks, a tower for each.

    ```
    features ─ shared trunk ─┬─ tower ─ head of task 1
                             └─ tower ─ head of task 2
    ```

    Args:
        layers: Widths of the trunk's layers. Default (256, 128).
        tower: Widths of each task's own layers. Default (64,).
        activation: Name of a Keras activation. Default "relu".
        dropout: Share of units dropped after each layer in training. Default 0.1.

    References:
        Caruana: "Multitask Learning", Machine Learning 28, 1997.
    """

    layers: tuple[int, ...] = (256, 128)
    tower: tuple[int, ...] = (64,)
    activation: str = "relu"
    dropout: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", check_layers(self.layers, "layers", least=1))
        object.__setattr__(self, "tower", check_layers(self.tower, "tower"))
        check_dropout(self.dropout)

    def represent(self, embed: Callable[[str], Any], tasks: Sequence[str]) -> dict[str, Any]:
        shared = multilayer(embed("shared"), self.layers, self.activation, self.dropout, "shared")
        return {
            task: multilayer(shared, self.tower, self.activation, self.dropout, f"{task}_tower")
            for task in tasks
        }
