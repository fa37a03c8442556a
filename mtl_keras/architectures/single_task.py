"""No sharing: the control that tells whether sharing helped."""

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
class SingleTask(Architecture):
    """A network of its own for each task, embeddings included, in one model.

    ```
    features ─┬─ trunk ─ head of task 1
              └─ trunk ─ head of task 2
    ```

    Args:
        layers: Widths of each trunk's layers. Default (128, 64, 32): those of `SharedBottom`'s
            trunk and tower together.
        activation: Name of a Keras activation. Default "relu".
        dropout: Share of units dropped after each layer in training. Default 0.3.
        skip: Whether each head also sees its features themselves. Default True.
    """

    layers: tuple[int, ...] = (128, 64, 32)
    activation: str = "relu"
    dropout: float = 0.3
    skip: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", check_layers(self.layers, "layers", least=1))
        check_dropout(self.dropout)

    def represent(self, embed: Callable[[str], Any], tasks: Sequence[str]) -> dict[str, Any]:
        features = {task: embed(task) for task in tasks}
        towers = {
            task: multilayer(features[task], self.layers, self.activation, self.dropout, task)
            for task in tasks
        }
        return with_skip(towers, features) if self.skip else towers
