"""Networks that prior features personalise: PEPNet (Chang et al., 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.errors import check
from mtl_keras.layers import Modulation, StopGradient


@dataclass(frozen=True)
class PEPNet(Architecture):
    r"""A network per task, whose units are scaled by gates that see *who* a row is about.

    ```
    domain features ─ gate ──┐
                             │           prior features ─ gate ─┐        gate ─┐
    features ─────────────── × ─┬─ layer of task 1 ──────────── × ─ layer ───── × ─ head of task 1
                                └─ (likewise for task 2)
    ```

    A gate is $2\sigma(W_2\, \mathrm{ReLU}(W_1 [p, \mathrm{stop}(x)] + b_1) + b_2)$, a factor from 0
    to 2 for each unit, where p are the prior features and x are all features; its gradient does not
    reach the embeddings of x. EPNet is the gate of the features, which reads the domain features.
    PPNet consists of the gates of all tasks' hidden layers, after their activation. Embeddings are
    shared between tasks, layers are not.

    Try it if the same features mean different things for different people, shops or products, and
    if columns with not too many values identify these.

    Departure from the paper: the domain features are among those that their gate multiplies.

    Args:
        prior: Names of the features that say who or what a row is about, such as a customer's
            segment or identifier. Default none: all categorical ones.
        domain: Names of the features that say which domain a row is from, such as a shop or a
            page. Default none: no EPNet.
        layers: Widths of each task's layers. Default (256, 128).
        gate: Units of a gate's hidden layer. Default 64.

    References:
        Chang et al.: "PEPNet: Parameter and Embedding Personalized Network for Infusing with
        Personalized Prior Information", KDD 2023, https://arxiv.org/abs/2302.01115.

    Example:

    >>> from mtl_keras import architectures
    >>> architectures.get({"kind": "pepnet", "domain": ["shop"], "layers": [64]}).domain
    ('shop',)
    """

    also_called: ClassVar[str] = "parameter_and_embedding_personalized_network"
    identifier = "pepnet"

    prior: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    layers: tuple[int, ...] = (256, 128)
    gate: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("prior", "domain"):
            names = getattr(self, name)
            good = not isinstance(names, str) and all(isinstance(each, str) for each in names)
            check(good, name, "be a list of names of features", names)
            object.__setattr__(self, name, tuple(names))
        check(self.gate >= 1, "gate", "be >= 1", self.gate)

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        features = embed("shared")
        prior = embed.part(features, self.prior, "prior")
        if self.domain:
            domain = embed.part(features, self.domain, "domain")
            seen = self._seen(domain, features, "domain")
            features = self._gated(features, seen, "domain")
        seen = self._seen(prior, features, "prior")
        streams = {}
        for task in tasks:
            x = features
            for number, width in enumerate(self.layers, start=1):
                name = f"{task}_{number}"
                x = self._gated(self.finish_layer(self.dense(x, width, name), name, x), seen, name)
            streams[task] = x
        return self.towers(streams, (), features)

    def _seen(self, prior: Any, features: Any, name: str) -> Any:
        stopped = StopGradient(name=f"{name}_stop")(features)
        return keras.layers.Concatenate(name=f"{name}_seen")([prior, stopped])

    def _gated(self, x: Any, seen: Any, name: str) -> Any:
        hidden = self.dense(seen, self.gate, f"{name}_gate_hidden", "relu")
        gate = self.dense(hidden, x.shape[-1], f"{name}_gate")
        return Modulation(name=f"{name}_gated")(x, gate)
