"""Adaptive information transfer along a chain of steps (Xi et al., 2021)."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.architectures.base import Architecture, Embed, check_chain
from mtl_keras.errors import check
from mtl_keras.layers import OrderPenalty, StopGradient, TransferAttention
from mtl_keras.tasks import Task


@dataclass(frozen=True)
class AITM(Architecture):
    r"""A chain of binary tasks, in which each is a step on the way to the next (clicked, bought).

    ```
    features ─┬─ tower ─────────────────── head of step 1
              │      └─ transfer ─┐
              ├─ tower ─ attention ─────── head of step 2
              │              └─ transfer ─┐
              └─ tower ───────── attention ─ head of step 3
    ```

    A step passes on $p_{t-1} = \phi(W_t z_{t-1} + b_t)$; `layers.TransferAttention` has the
    mathematics of $z_t$. If the probability of a step exceeds that of the previous step, an added
    loss penalises the excess (`calibrator` times its mean over rows), which orders the steps
    softly.

    Tasks must all be binary, and declared in the order of the chain.

    If the paper leaves something open, the defaults follow the authors' code
    (https://github.com/xidongbo/AITM): one attention serves all steps, gradients of later steps
    flow back into earlier ones, and steps share embeddings only. Other implementations stop these
    gradients.

    Args:
        layers: Widths of the layers of a trunk that all towers read. Default none: they read the
            features.
        tower: Widths of each task's tower, before the transfer. Default (128, 64, 32).
        calibrator: Float >= 0, strength of the added loss. Default 0.6.
        share_attention: Whether all steps have the same attention. Default True.
        stop_gradient: Whether gradients of later steps are stopped before they reach a step.
            Default False.

    References:
        Xi et al.: "Modeling the Sequential Dependence among Audience Multi-step Conversions with
        Multi-task Learning in Targeted Display Advertising", KDD 2021,
        https://arxiv.org/abs/2105.08489.

    Example:

    >>> import keras
    >>> rows = keras.Input((3,))
    >>> parts = AITM(tower=(8,)).represent(lambda prefix: rows, ["clicked", "bought"])
    >>> [(task, part.shape) for task, part in parts.items()]
    [('clicked', (None, 8)), ('bought', (None, 8))]
    """

    also_called: ClassVar[str] = "adaptive_information_transfer_multi_task"
    identifier = "aitm"

    layers: tuple[int, ...] = ()
    tower: tuple[int, ...] = (128, 64, 32)
    calibrator: float = 0.6
    share_attention: bool = True
    stop_gradient: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.calibrator >= 0, "calibrator", "be >= 0", self.calibrator)

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        shared = self.multilayer(features, self.layers, "shared")
        steps = {task: self.multilayer(shared, self.tower, f"{task}_tower") for task in tasks}
        attention = TransferAttention(name="attention")
        for before, task in itertools.pairwise(tasks):
            passing = steps[before]
            if self.stop_gradient:
                passing = StopGradient(name=f"{task}_stop")(passing)
            name, width = f"{task}_transfer", passing.shape[-1]
            passed = self.finish_layer(self.dense(passing, width, name), name)
            if not self.share_attention:
                attention = TransferAttention(name=f"{task}_attention")
            steps[task] = attention(steps[task], passed)
        return self.towers(steps, (), features)

    def connect(self, outputs: dict[str, Any]) -> dict[str, Any]:
        names = list(outputs)
        ordered = {names[0]: outputs[names[0]]}
        for number, (before, name) in enumerate(itertools.pairwise(names), start=2):
            penalty = OrderPenalty(self.calibrator, name=f"order_{number}")
            ordered[name] = penalty(outputs[name], outputs[before])
        return ordered

    def check_tasks(self, tasks: Sequence[Task]) -> None:
        check_chain(self, tasks)
