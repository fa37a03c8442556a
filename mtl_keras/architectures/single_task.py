"""No sharing: the control to measure the effect of sharing against."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed


@dataclass(frozen=True)
class SingleTask(Architecture):
    """A separate network for each task, embeddings included, in one model.

    ```
    features ─┬─ trunk ─ head of task 1
              └─ trunk ─ head of task 2
    ```

    Args:
        layers: Widths of each trunk's layers. Default (256, 128).
        tower: Widths of each task's tower. Default none.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = SingleTask(layers=(8,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["churned"] is parts["spend"]
    False
    """

    also_called: ClassVar[str] = "single separate independent none single_task_learning"

    layers: tuple[int, ...] = (256, 128)
    tower: tuple[int, ...] = ()

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = {task: embed(task) for task in tasks}
        trunks = {task: self.multilayer(features[task], self.layers, task) for task in tasks}
        return self.towers(trunks, self.tower, features)
