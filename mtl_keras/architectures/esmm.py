"""Entire-space multi-task model (Ma et al., 2018)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.architectures.base import Architecture, Embed, check_chain
from mtl_keras.tasks import Task


@dataclass(frozen=True)
class ESMM(Architecture):
    """A chain of binary tasks: p(step) is p(previous step) times a conditional probability.

    ```
    features ─┬─ tower ─ p(click) ──────────────────┬─ clicked
              └─ tower ─ p(buy | click) ── product ─┴─ bought
    ```

    Embeddings are shared, towers are not. Each task is trained on all rows by its own label
    ("bought" is click and buy); the conditional factor needs no label of its own, so it is not
    biased by learning from clicked rows only. A later step is never more probable than an earlier
    one.

    Tasks must all be binary, and declared in the order of the chain.

    Args:
        layers: Widths of each tower's layers. Default (256, 128, 64).

    References:
        Ma et al.: "Entire Space Multi-Task Model: An Effective Approach for Estimating Post-Click
        Conversion Rate", SIGIR 2018, https://arxiv.org/abs/1804.07931, equations 1 to 3.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = ESMM(layers=(8,)).represent(lambda prefix: rows, ["clicked", "bought"])
    >>> parts["clicked"] is parts["bought"]
    False
    """

    also_called: ClassVar[str] = "entire_space_multi_task_model"
    identifier = "esmm"

    layers: tuple[int, ...] = (256, 128, 64)

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        return self.towers(dict.fromkeys(tasks, features), self.layers, features)

    def connect(self, outputs: dict[str, Any]) -> dict[str, Any]:
        names = list(outputs)
        product = outputs[names[0]]
        chained = {names[0]: product}
        for number, name in enumerate(names[1:], start=2):
            product = keras.layers.Multiply(name=f"product_{number}")([product, outputs[name]])
            chained[name] = product
        return chained

    def check_tasks(self, tasks: Sequence[Task]) -> None:
        check_chain(self, tasks)
