"""The interface of an architecture: encoded features in, one representation per task out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from mtl_keras.errors import check
from mtl_keras.layers import CategoryEmbedding
from mtl_keras.lookup import identifier


@dataclass(frozen=True)
class Architecture:
    """What the tasks share. Subclasses define `represent`."""

    def represent(self, embed: Callable[[str], Any], tasks: Sequence[str]) -> dict[str, Any]:
        """One tensor `(rows, n)` per task, to put its head on.

        Args:
            embed: Makes a vector `(rows, n)` of all features, with embeddings of its own each time
                it is called. Its argument is a prefix for the names of layers.
            tasks: Names of the tasks, fit for names of layers.

        Returns:
            A dict from each task to its representation.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """`kind` and all arguments."""
        arguments = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in vars(self).items()
        }
        return {"kind": identifier(type(self)), **arguments}


def embedder(
    inputs: dict[str, Any], category_sizes: Sequence[int], dimension: int = 8
) -> Callable[[str], Any]:
    """The `embed` argument of `Architecture.represent`, from an encoder's inputs."""

    def embed(prefix: str) -> Any:
        parts = [inputs[group] for group in ("numeric", "binary") if group in inputs]
        if "categorical" in inputs:
            layer = CategoryEmbedding(category_sizes, dimension, name=f"{prefix}_embedding")
            parts.append(layer(inputs["categorical"]))
        if len(parts) == 1:
            return parts[0]
        return keras.layers.Concatenate(name=f"{prefix}_features")(parts)

    return embed


def multilayer(x: Any, units: Sequence[int], activation: str, dropout: float, prefix: str) -> Any:
    """Dense layers with dropout after each."""
    for number, width in enumerate(units, start=1):
        x = keras.layers.Dense(width, activation=activation, name=f"{prefix}_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"{prefix}_{number}_dropout")(x)
    return x


def with_skip(towers: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
    """Each tower with its features beside it."""
    return {
        task: keras.layers.Concatenate(name=f"{task}_with_skip")([tower, features[task]])
        for task, tower in towers.items()
    }


def check_layers(units: Sequence[int], argument: str, least: int = 0) -> tuple[int, ...]:
    """Units as a tuple, checked."""
    good = len(units) >= least and all(isinstance(width, int) and width > 0 for width in units)
    expected = f"list {'at least one' if least else 'any number of'} widths > 0"
    check(good, argument, expected, units)
    return tuple(units)


def check_dropout(dropout: float) -> None:
    check(0 <= dropout < 1, "dropout", "be from 0 up to, not including, 1", dropout)
