"""Adaptive information transfer along a chain of steps (Xi et al., 2021)."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_keras.architectures.base import Architecture, check_chain
from mtl_keras.layers import InformationTransfer, OrderPenalty
from mtl_keras.tasks import Task


@dataclass(frozen=True)
class AITM(Architecture):
    """For a chain of binary tasks, each a step on the way to the next (clicked, then bought).

    ```
    features ─ shared trunk ─┬─ tower ─────────────────── head of step 1
                             │      └─ transfer ─┐
                             └─ tower ─ attention ─────── head of step 2
                                        └─ transfer ─ ...
    ```

    `layers.InformationTransfer` has the mathematics. A step's probability that exceeds the previous
    step's is penalised by an added loss (`calibrator` times the excess), which orders the steps
    softly.

    Tasks must all be binary, and declared in the order of the chain.

    Args:
        layers: Widths of the trunk's layers. Default (256,).
        tower: Widths of each task's tower, before the transfer. Default (64,).
        calibrator: Float >= 0, strength of the added loss. Default 0.6.
        stop_gradient: Whether gradients of later steps are stopped before they reach a step.
            Default True.

    References:
        Xi et al.: "Modeling the Sequential Dependence among Audience Multi-step Conversions with
        Multi-task Learning in Targeted Display Advertising", KDD 2021,
        https://arxiv.org/abs/2105.08489.
    """

    identifier = "aitm"

    layers: tuple[int, ...] = (256,)
    tower: tuple[int, ...] = (64,)
    calibrator: float = 0.6
    stop_gradient: bool = True

    def represent(self, embed: Callable[[str], Any], tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        shared = self.multilayer(features, self.layers, "shared")
        steps = {task: self.multilayer(shared, self.tower, f"{task}_tower") for task in tasks}
        before = None
        for task in tasks:
            if before is not None:
                transfer = InformationTransfer(self.stop_gradient, name=f"{task}_transfer")
                steps[task] = transfer(steps[task], before)
            before = steps[task]
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
