"""Groups of tasks, each with its own trunk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.declaring.naming import layer_name
from mtl_keras.errors import ConfigError, nearest
from mtl_keras.tasks import Task


@dataclass(frozen=True)
class InGroups(Architecture):
    """Base class of architectures in which the tasks of a group share more than all tasks do."""

    groups: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "groups", tuple(tuple(group) for group in self.groups))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": [list(group) for group in self.groups]}

    def check_tasks(self, tasks: Sequence[Task]) -> None:
        names = [task.name for task in tasks]
        named = [name for group in self.groups for name in group]
        for name in named:
            if name not in names or named.count(name) > 1:
                raise ConfigError(
                    f"`groups` must name each task once. Received: {name!r}.{nearest(name, names)}"
                )
        if named and set(named) != set(names):
            missing = [name for name in names if name not in named]
            raise ConfigError(f"`groups` must name each task once. Not named: {missing}.")

    def groups_of(self, tasks: Sequence[str]) -> list[list[str]]:
        """The groups, by the names of the tasks' layers; one of all tasks if none are declared."""
        return [[layer_name(name) for name in group] for group in self.groups] or [list(tasks)]


@dataclass(frozen=True)
class Grouped(InGroups):
    """Tasks that help each other share a trunk; tasks of different groups share nothing.

    ```
    features ─┬─ trunk of group 1 ─┬─ tower ─ head of task 1
              │                    └─ tower ─ head of task 2
              └─ trunk of group 2 ─── tower ─ head of task 3
    ```

    Args:
        groups: Names of the tasks of each group. Default none: an experiment measures in a short
            training how a step for each task affects the others, and groups tasks that help each
            other (`mtl_keras.search.Affinity`).
        layers: Widths of each trunk's layers. Default (256, 128).
        tower: Widths of each task's tower. Default none.

    References:
        Standley et al.: "Which Tasks Should Be Learned Together in Multi-task Learning?", ICML
        2020; Fifty et al.: "Efficiently Identifying Task Groupings for Multi-Task Learning",
        NeurIPS 2021.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> grouped = Grouped(groups=(("a", "b"), ("c",)), layers=(8,))
    >>> parts = grouped.represent(lambda prefix: rows, ["a", "b", "c"])
    >>> parts["a"] is parts["b"], parts["a"] is parts["c"]
    (True, False)
    """

    also_called: ClassVar[str] = "task_grouping task_affinity_grouping clustered"

    layers: tuple[int, ...] = (256, 128)
    tower: tuple[int, ...] = ()

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        parts: dict[str, Any] = {}
        features: dict[str, Any] = {}
        for number, group in enumerate(self.groups_of(tasks), start=1):
            own = embed(f"group_{number}")
            trunk = self.multilayer(own, self.layers, f"group_{number}")
            parts |= dict.fromkeys(group, trunk)
            features |= dict.fromkeys(group, own)
        parts = {task: parts[task] for task in tasks}
        return self.towers(parts, self.tower, features)
