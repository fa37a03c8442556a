"""One-gate mixture of experts (Ma et al., 2018)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtl_keras.architectures.mmoe import MMoE


@dataclass(frozen=True)
class OMoE(MMoE):
    """Experts shared by all tasks, weighed for each row by a single gate.

    ```
               ┌─ expert 1 ─┐
    features ──┼─ expert 2 ─┼──(gate)──┬── tower ─ head of task 1
               └─ expert 3 ─┘          └── tower ─ head of task 2
    ```

    Takes the arguments of `MMoE`.

    References:
        Ma et al., KDD 2018, section 3.2, after Jacobs et al.: "Adaptive Mixtures of Local
        Experts", Neural Computation 3, 1991.
    """

    identifier = "omoe"

    def gates(self, features: Any, sources: Sequence[str], tasks: Sequence[str]) -> dict[str, Any]:
        return dict.fromkeys(tasks, self.gate(features, sources, "shared"))
