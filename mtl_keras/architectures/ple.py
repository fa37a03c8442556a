"""Progressive layered extraction (Tang et al., 2020)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.errors import check
from mtl_keras.layers import SoftmaxGate, WeightedSum


@dataclass(frozen=True)
class PLE(Architecture):
    r"""Several levels of task-specific and shared experts, which each task's gate mixes.

    ```
                  level 1                        level 2
    task 1:  ─ own experts ────(gate 1)──── own experts ────(gate 1)── tower ─ head 1
                      ╲        ╱     ╲               ╲       ╱
    shared:  ─ shared experts ─(all)──── shared experts ───
                      ╱        ╲     ╱               ╱       ╲
    task 2:  ─ own experts ────(gate 2)──── own experts ────(gate 2)── tower ─ head 2
    ```

    At each level $x_k \leftarrow \sum \mathrm{softmax}(W_k x_k)$ over the task's own experts of
    $x_k$ and the shared experts of $x_s$; $x_s \leftarrow \sum \mathrm{softmax}(W_s x_s)$ over all
    experts of all tasks. The last level has no shared gate.

    Args:
        levels: Number of levels. Default 2.
        task_experts: Number of experts per task and level. Default 1.
        shared_experts: Number of shared experts per level. Default 1.
        layers: Widths of each expert's layers. Default (256,).
        tower: Widths of each task's tower. Default (64,).
        temperature: Float > 0, softmax temperature of the gates. Default 1.0.

    References:
        Tang et al.: "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning Model for
        Personalized Recommendations", RecSys 2020, https://doi.org/10.1145/3383313.3412236.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = PLE(layers=(8,), tower=(4,)).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 4)
    """

    also_called: ClassVar[str] = "progressive_layered_extraction"

    levels: int = 2
    task_experts: int = 1
    shared_experts: int = 1
    layers: tuple[int, ...] = (256,)
    tower: tuple[int, ...] = (64,)
    temperature: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("levels", "task_experts", "shared_experts"):
            check(getattr(self, name) >= 1, name, "be >= 1", getattr(self, name))

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        streams, shared = dict.fromkeys(tasks, features), features
        for level in range(1, self.levels + 1):
            streams, shared = extraction(self, streams, shared, level, level == self.levels)
        return self.towers(streams, self.tower, features)


def extraction(
    architecture: Any, streams: dict[str, Any], shared: Any, level: int, last: bool
) -> tuple[dict[str, Any], Any]:
    """One level: new streams for the tasks and the shared stream, each mixed by its gate.

    Args:
        architecture: Has `task_experts`, `shared_experts`, `layers` and `temperature`.
        streams: The stream of each task.
        shared: The shared stream.
        level: Number of the level, from 1.
        last: Whether this is the last level, after which nothing reads the shared stream.
    """

    def experts(stream: Any, owner: str, count: int) -> dict[str, Any]:
        names = [f"level_{level}_{owner}_expert_{number}" for number in range(1, count + 1)]
        return {name: architecture.multilayer(stream, architecture.layers, name) for name in names}

    def read(stream: Any, reader: str, sources: dict[str, Any]) -> Any:
        name = f"level_{level}_{reader}"
        gate = SoftmaxGate(
            reader, list(sources), temperature=architecture.temperature, name=f"{name}_gate"
        )
        return WeightedSum(name=f"{name}_mixture")(gate(stream), list(sources.values()))

    common = experts(shared, "shared", architecture.shared_experts)
    own = {
        task: experts(stream, task, architecture.task_experts) for task, stream in streams.items()
    }
    read_by_tasks = {
        task: read(stream, task, {**own[task], **common}) for task, stream in streams.items()
    }
    if last:
        return read_by_tasks, None
    everything = {name: expert for group in own.values() for name, expert in group.items()}
    return read_by_tasks, read(shared, "shared", {**everything, **common})
