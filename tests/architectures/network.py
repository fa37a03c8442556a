"""A built model as numbers, and in NumPy the layers that all papers build from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Streams = dict[str, np.ndarray]


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


ACTIVATIONS = {"relu": relu, "tanh": np.tanh}


class Network:
    """The weights of a built model, one batch, and the layers that all papers build from.

    Args:
        settings: The architecture's arguments.
        weights: The value of each weight by its path.
        rows: A batch of inputs.
        training: Whether batch normalisation takes the batch's own mean and variance.

    Attributes:
        losses: What a reading adds to the losses of the tasks.
        unread: Paths of the weights that nothing was computed from.
        places: Where in the vector of all features each feature is.
    """

    def __init__(
        self,
        settings: Any,
        weights: Mapping[str, np.ndarray],
        rows: Mapping[str, np.ndarray],
        training: bool,
    ) -> None:
        self.settings, self.rows, self.training = settings, rows, training
        self.activation = ACTIVATIONS[settings.activation]
        self.losses: list[float] = []
        self.unread = set(weights)
        numbers = rows["numeric"].shape[1]
        self.places = {"sizes": [0, 2], "age": [1], "kind": [numbers, numbers + 1]}
        self._weights = weights

    def __getitem__(self, path: str) -> np.ndarray:
        assert path in self._weights, f"the model has no weight {path!r}"
        self.unread.discard(path)
        return self._weights[path]

    def features(self, owner: str) -> np.ndarray:
        """Numbers as they are, the category's vector, and the scales by which members see them."""
        vectors = self[f"{owner}_categories/table"][self.rows["categorical"][:, 0]]
        x = np.concatenate([self.rows["numeric"], vectors], axis=-1)
        if self.settings.members == 1:
            return x
        return x[:, None] * self[f"{owner}_members/scale"]

    def dense(self, x: np.ndarray, width: int, name: str) -> np.ndarray:
        """W x + b; for members ((x * r) W) * s + b, where all but W is a member's own."""
        kernel, bias = self[f"{name}/kernel"], self[f"{name}/bias"]
        assert kernel.shape[-1] == width, f"{name} is {kernel.shape[-1]} wide, not {width}"
        if x.ndim == 2:
            return x @ kernel + bias
        scaled = (x * self[f"{name}/input_scale"]) @ kernel
        return scaled * self[f"{name}/output_scale"] + bias

    def batch_norm(self, x: np.ndarray, name: str) -> np.ndarray:
        seen = tuple(range(x.ndim - 1))
        mean, variance = self[f"{name}/moving_mean"], self[f"{name}/moving_variance"]
        if self.training:  # and the moving ones are only moved
            mean, variance = x.mean(seen), x.var(seen)
        return (x - mean) / np.sqrt(variance + 1e-3) * self[f"{name}/gamma"] + self[f"{name}/beta"]

    def layer_norm(self, x: np.ndarray, name: str) -> np.ndarray:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + 1e-3) * self[f"{name}/gamma"] + self[f"{name}/beta"]

    def normalise(self, x: np.ndarray, name: str) -> np.ndarray:
        kinds = {"none": lambda x, _: x, "batch": self.batch_norm, "layer": self.layer_norm}
        return kinds[self.settings.normalisation](x, f"{name}_norm")

    def finish(self, linear: np.ndarray, name: str, x: np.ndarray | None = None) -> np.ndarray:
        """Normalisation, activation, and the layer's input once more if it is `residual`."""
        y = self.activation(self.normalise(linear, name))
        same_width = x is not None and x.shape[-1] == y.shape[-1]
        return y + x if self.settings.residual and same_width else y

    def mlp(self, x: np.ndarray, widths: Sequence[int], name: str) -> np.ndarray:
        for number, width in enumerate(widths, start=1):
            x = self.finish(self.dense(x, width, f"{name}_{number}"), f"{name}_{number}", x)
        return x

    def gate(self, x: np.ndarray, name: str, sources: Sequence[np.ndarray]) -> np.ndarray:
        """Sum of the sources, weighed by softmax((W x + b) / temperature)."""
        logits = x @ self[f"{name}/logits/kernel"]
        if getattr(self.settings, "gate_bias", False):
            logits = logits + self[f"{name}/logits/bias"]
        return weighed(softmax(logits / getattr(self.settings, "temperature", 1.0)), sources)

    def answers(
        self, parts: Streams, features: np.ndarray | Streams, tower: Sequence[int] | None = None
    ) -> Streams:
        """Each task's tower, the features beside it if `skip`, and a unit with a sigmoid."""
        found = {}
        for task, part in parts.items():
            z = self.mlp(part, self.settings.tower if tower is None else tower, f"{task}_tower")
            if self.settings.skip:
                seen = features[task] if isinstance(features, dict) else features
                z = np.concatenate([z, seen], axis=-1)
            kernel = self[f"{task}_head/kernel"]  # of each member's own: (members, n, 1)
            linear = z @ kernel if z.ndim == 2 else np.einsum("bmn,mno->bmo", z, kernel)
            found[task] = sigmoid(linear + self[f"{task}_head/bias"])
        return found


def weighed(weights: np.ndarray, sources: Sequence[np.ndarray]) -> np.ndarray:
    """Sum of the sources, each times its weight of the weights' last axis."""
    return np.einsum("...i,...in->...n", weights, np.stack(sources, axis=-2))
