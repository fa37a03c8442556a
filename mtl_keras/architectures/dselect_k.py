"""Mixture of experts with sparse gates (Hazimeh et al., 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import one_of
from mtl_keras.architectures.mmoe import MMoE
from mtl_keras.errors import check
from mtl_keras.layers import DSelectGate
from mtl_keras.layers.gates import SPARE_CODES


@dataclass(frozen=True)
class DSelectK(MMoE):
    """MMoE with sparse gates, each of which learns to select at most `selectors` experts.

    ```
               ┌─ expert 1 ─┐
    features ──┼─ expert 2 ─┼──(1 and 3, say)── tower ─ head of task 1
               └─ expert 3 ─┴──(2)──────────── tower ─ head of task 2
    ```

    `layers.DSelectGate` describes the mathematics and the few departures from the paper. The
    arguments `temperature`, `gate_bias` and `gate_dropout` of `MMoE` must be left as they are: the
    gates are no softmax.

    Args:
        selectors: Integer >= 1, k. Default 2.
        gamma: Float > 0, width of the smooth step. Default 1.0.
        entropy: Float >= 0, strength of the entropy penalty that makes selectors choose. Default
            1e-6.
        conditional: Whether the selection depends on the row. Default False: one selection per
            task.
        spare_codes: What to do with binary codes that belong to no expert, if `experts` is not a
            power of two: `"penalised"`, as in the paper, or `"reused"`, which gives the first
            experts more weight at the start. Default "penalised".

    References:
        Hazimeh et al.: "DSelect-k: Differentiable Selection in the Mixture of Experts with
        Applications to Multi-Task Learning", NeurIPS 2021, https://arxiv.org/abs/2106.03760.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> experts = DSelectK(experts=2, layers=(8,), tower=(4,))
    >>> parts = experts.represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 4)
    """

    also_called: ClassVar[str] = "dselect sparse_gates"
    identifier = "dselect_k"
    without_effect: ClassVar[tuple[str, ...]] = ("temperature", "gate_bias", "gate_dropout")

    selectors: int = 2
    gamma: float = 1.0
    entropy: float = 1e-6
    conditional: bool = False
    spare_codes: str = "penalised"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("spare_codes", self.spare_codes, SPARE_CODES)
        for name in self.without_effect:
            default, given = getattr(MMoE, name), getattr(self, name)
            check(given == default, name, f"be {default}: DSelectK has no softmax gates", given)

    def gate(self, features: Any, sources: Sequence[str], reader: str) -> Any:
        layer = DSelectGate(
            reader,
            sources,
            selectors=self.selectors,
            gamma=self.gamma,
            entropy=self.entropy,
            conditional=self.conditional,
            spare_codes=self.spare_codes,
            name=f"{reader}_gate",
        )
        return layer(features)
