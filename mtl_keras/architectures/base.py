"""The interface of an architecture: encoded features in, one representation per task out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import keras

from mtl_keras.declaring.declaration import Configurable
from mtl_keras.declaring.references import identifier
from mtl_keras.errors import ConfigError, check
from mtl_keras.layers import BatchEnsembleDense
from mtl_keras.tasks import Task

NORMALISATIONS = {
    "none": None,
    "batch": keras.layers.BatchNormalization,
    "layer": keras.layers.LayerNormalization,
}
NUMBER_EMBEDDINGS = ("none", "piecewise_linear", "target_aware", "periodic")


class Embed(Protocol):
    """A callable from which an architecture gets the features; `embedder` makes one."""

    def __call__(self, prefix: str, trainable: bool = True) -> Any:
        """All features as a tensor `(rows, [members,] n)`, with new embeddings on each call.

        Args:
            prefix: A prefix for the names of layers.
            trainable: Whether the embeddings are trained. Default True.
        """

    def part(self, vector: Any, features: Sequence[str], name: str) -> Any:
        """Some features of a vector that a call returned.

        Args:
            vector: The tensor `(rows, [members,] n)`.
            features: Names of features; none stands for all categorical ones.
            name: A name for the layer.

        Raises:
            ConfigError: if there is no such feature.
        """


@dataclass(frozen=True, kw_only=True)
class Architecture(Configurable):
    """Base class: what the tasks share, and how the network's layers are built.

    Subclasses define `represent`. It should use only layers that work on the last axis, so that it
    accepts plain features, `(rows, n)`, and those of an ensemble's members, `(rows, members, n)`.

    Args:
        activation: Name of a Keras activation. Default "relu".
        dropout: Fraction of units dropped after each layer in training. Default 0.1.
        normalisation: `"none"`, `"batch"` or `"layer"`, before each activation. Default "none".
        residual: Whether a layer's output is added to its input if both have the same width.
            Default False.
        skip: Whether each head also reads the features directly, so that the network contains a
            simple model of each task ("wide and deep"). Default False.
        members: Number of ensemble members. They share almost all weights
            (`layers.BatchEnsembleDense`), and their outputs are averaged. 1 is a plain network.
            Default 8.
        number_embedding: How numbers are embedded: `"piecewise_linear"` (bins with equal numbers of
            rows), `"target_aware"` (bins from small trees), `"periodic"`, or `"none"` (no
            embedding). Default "piecewise_linear".
        bins: Maximum number of bins per column. Default 48.
        number_dimension: Length of the embedding of a number. Default 12.
        category_dimension: Maximum length of the embedding of a category. Default 16.

    Raises:
        ConfigError: if an argument is not as described above.

    Example:

    >>> import keras
    >>> class OneLayer(Architecture):
    ...     '''A layer that all tasks share.'''
    ...     def represent(self, embed, tasks):
    ...         shared = self.multilayer(embed("shared"), (8,), "shared")
    ...         return self.towers(dict.fromkeys(tasks, shared), (), shared)
    >>> rows = keras.Input((3,))
    >>> parts = OneLayer(dropout=0.0).represent(lambda prefix: rows, ["churned", "spend"])
    >>> parts["spend"].shape
    (None, 8)
    """

    without_effect: ClassVar[tuple[str, ...]] = ()
    """Arguments of a base class that it does not use, and refuses."""

    activation: str = "relu"
    dropout: float = 0.1
    normalisation: str = "none"
    residual: bool = False
    skip: bool = False
    members: int = 8
    number_embedding: str = "piecewise_linear"
    bins: int = 48
    number_dimension: int = 12
    category_dimension: int = 16

    def __post_init__(self) -> None:
        check(0 <= self.dropout < 1, "dropout", "be from 0 up to, not including, 1", self.dropout)
        one_of("normalisation", self.normalisation, NORMALISATIONS)
        one_of("number_embedding", self.number_embedding, NUMBER_EMBEDDINGS)
        for name in ("members", "bins", "number_dimension", "category_dimension"):
            check(getattr(self, name) >= 1, name, "be >= 1", getattr(self, name))
        for name in ("layers", "tower"):
            if hasattr(self, name):
                units = getattr(self, name)
                good = all(isinstance(width, int) and width > 0 for width in units)
                check(good, name, "list widths > 0", units)
                object.__setattr__(self, name, tuple(units))
        if hasattr(self, "layers") and getattr(type(self), "layers", None) != ():
            check(len(self.layers) > 0, "layers", "list at least one width", self.layers)

    def represent(self, embed: Embed, tasks: Sequence[str]) -> dict[str, Any]:
        """Return one tensor `(rows, [members,] n)` per task, which is the input of its head.

        Args:
            embed: Makes a vector of all features, with new embeddings on each call, or selects
                features from one.
            tasks: Names of the tasks, valid as parts of layer names.

        Returns:
            A dict from each task to its representation.
        """
        raise NotImplementedError

    def connect(self, outputs: dict[str, Any]) -> dict[str, Any]:
        """The outputs of the heads, linked as the architecture requires; unchanged by default."""
        return outputs

    def check_tasks(self, tasks: Sequence[Task]) -> None:
        """Raise a ConfigError if the architecture does not suit these tasks."""

    # Parts that subclasses build from

    def dense(self, x: Any, units: int, name: str, activation: str | None = None) -> Any:
        """A dense layer, for one network or for all members."""
        return self.dense_layer(x, units, name, activation=activation)(x)

    def dense_layer(self, x: Any, units: int, name: str, **arguments: Any) -> Any:
        """The layer behind `dense`, to be called on `x` and on tensors of the same shape."""
        kind = BatchEnsembleDense if len(x.shape) == 3 else keras.layers.Dense
        return kind(units, name=name, **arguments)

    def finish_layer(self, linear: Any, name: str, x: Any = None) -> Any:
        """Normalisation, activation and dropout; `x` is the layer's input, for the residual."""
        linear = self.normalise(linear, name)
        y = keras.layers.Activation(self.activation, name=f"{name}_{self.activation}")(linear)
        if self.dropout:
            y = keras.layers.Dropout(self.dropout, name=f"{name}_dropout")(y)
        if self.residual and x is not None and x.shape[-1] == y.shape[-1]:
            y = keras.layers.Add(name=f"{name}_residual")([x, y])
        return y

    def normalise(self, x: Any, name: str) -> Any:
        """The normalisation, if there is one."""
        kind = NORMALISATIONS[self.normalisation]
        return x if kind is None else kind(name=f"{name}_norm")(x)

    def multilayer(self, x: Any, units: Sequence[int], prefix: str) -> Any:
        """A stack of layers."""
        for number, width in enumerate(units, start=1):
            name = f"{prefix}_{number}"
            x = self.finish_layer(self.dense(x, width, name), name, x)
        return x

    def parallel(
        self, streams: dict[str, Any], units: Sequence[int], mix: Callable[[int], Any]
    ) -> dict[str, Any]:
        """A trunk per stream; the layer `mix(number)` mixes the outputs of the trunks' layers."""
        for number, width in enumerate(units, start=1):
            layers = [
                self.finish_layer(self.dense(x, width, f"{name}_{number}"), f"{name}_{number}", x)
                for name, x in streams.items()
            ]
            streams = dict(zip(streams, mix(number)(layers)))
        return streams

    def towers(self, parts: dict[str, Any], units: Sequence[int], features: Any) -> dict[str, Any]:
        """A tower for each task on its tensor, with `features` appended if `skip`.

        Args:
            parts: One tensor per task.
            units: Widths of the towers' layers.
            features: The features: a tensor for all tasks, or a dict by task.
        """
        towers = {
            task: self.multilayer(part, units, f"{task}_tower") for task, part in parts.items()
        }
        if not self.skip:
            return towers
        seen = features if isinstance(features, dict) else dict.fromkeys(towers, features)
        return {
            task: keras.layers.Concatenate(name=f"{task}_with_skip")([tower, seen[task]])
            for task, tower in towers.items()
        }


def one_of(argument: str, value: Any, options: Any) -> None:
    check(value in options, argument, f"be one of {', '.join(map(repr, options))}", value)


def check_chain(architecture: Architecture, tasks: Sequence[Task]) -> None:
    """Raise a ConfigError unless the tasks are a chain of at least two binary ones."""
    wrong = [task.name for task in tasks if not task.single_probability]
    if wrong or len(tasks) < 2:
        raise ConfigError(
            f"Architecture {identifier(type(architecture))!r} is for a chain of at least two "
            "binary tasks, each a step on the way to the next (such as clicked, then bought), "
            f"declared in that order. Received: {', '.join(f'{t.name} ({t.kind})' for t in tasks)}."
        )
