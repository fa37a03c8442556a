"""Multi-gate mixture of experts (Ma et al., 2018)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.errors import check
from mtl_keras.layers import SoftmaxGate, WeightedSum


@dataclass(frozen=True)
class MMoE(Architecture):
    r"""Experts shared by all tasks, which a gate per task weighs for each row.

    ```
               ┌─ expert 1 ─┐
    features ──┼─ expert 2 ─┼──(gate of task 1)── tower ─ head of task 1
               └─ expert 3 ─┴──(gate of task 2)── tower ─ head of task 2
    ```

    $f^k(x) = \sum_i g^k_i(x) E_i(x)$, $g^k = \mathrm{softmax}(W_k x / \tau)$.

    Args:
        experts: Number of experts. Default 4.
        layers: Widths of each expert's layers. Default (256, 128).
        tower: Widths of each task's tower. Default (64,).
        temperature: Float > 0, tau, of the gates. Default 1.0.
        gate_bias: Whether gates have a bias. Default False.
        gate_dropout: Fraction of experts hidden from a gate in training. Default 0.0.

    References:
        Ma et al.: "Modeling Task Relationships in Multi-task Learning with Multi-gate
        Mixture-of-Experts", KDD 2018, https://doi.org/10.1145/3219819.3220007, equations 5 to 7.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> experts = MMoE(experts=2, layers=(8,), tower=(4,))
    >>> parts = experts.represent(lambda prefix: rows, ["churned", "spend"])
    >>> gate = keras.Model(rows, parts).get_layer("spend_gate")
    >>> gate.sources
    ('expert_1', 'expert_2')
    """

    also_called: ClassVar[str] = "multi_gate_mixture_of_experts mixture_of_experts moe experts"
    identifier = "mmoe"

    experts: int = 4
    layers: tuple[int, ...] = (256, 128)
    tower: tuple[int, ...] = (64,)
    temperature: float = 1.0
    gate_bias: bool = False
    gate_dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.experts >= 1, "experts", "be >= 1", self.experts)

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        names = [f"expert_{number}" for number in range(1, self.experts + 1)]
        experts = [self.multilayer(features, self.layers, name) for name in names]
        gates = self.gates(features, names, tasks)
        mixed = {task: WeightedSum(name=f"{task}_mixture")(gates[task], experts) for task in tasks}
        return self.towers(mixed, self.tower, features)

    def gates(self, features: Any, sources: Sequence[str], tasks: Sequence[str]) -> dict[str, Any]:
        """Weights over the experts, per task."""
        return {task: self.gate(features, sources, task) for task in tasks}

    def gate(self, features: Any, sources: Sequence[str], reader: str) -> Any:
        layer = SoftmaxGate(
            reader,
            sources,
            temperature=self.temperature,
            use_bias=self.gate_bias,
            dropout=self.gate_dropout,
            name=f"{reader}_gate",
        )
        return layer(features)
