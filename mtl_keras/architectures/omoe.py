"""One-gate mixture of experts (Ma et al., 2018)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.mmoe import MMoE


@dataclass(frozen=True)
class OMoE(MMoE):
    """Experts shared by all tasks, which a single gate weighs for each row.

    ```
               ┌─ expert 1 ─┐
    features ──┼─ expert 2 ─┼──(gate)──┬── tower ─ head of task 1
               └─ expert 3 ─┘          └── tower ─ head of task 2
    ```

    References:
        Ma et al., KDD 2018, section 3.2, after Jacobs et al.: "Adaptive Mixtures of Local
        Experts", Neural Computation 3, 1991.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> experts = OMoE(experts=2, layers=(8,), tower=(4,))
    >>> parts = experts.represent(lambda prefix: rows, ["churned", "spend"])
    >>> gate = keras.Model(rows, parts).get_layer("shared_gate")
    >>> gate.sources
    ('expert_1', 'expert_2')
    """

    also_called: ClassVar[str] = "one_gate_mixture_of_experts"
    identifier = "omoe"

    def gates(self, features: Any, sources: Sequence[str], tasks: Sequence[str]) -> dict[str, Any]:
        return dict.fromkeys(tasks, self.gate(features, sources, "shared"))
