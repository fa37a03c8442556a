"""Turns encoded columns into one feature vector, the input of every architecture."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from mtl_keras.architectures import bins
from mtl_keras.architectures.base import Architecture
from mtl_keras.errors import ConfigError
from mtl_keras.layers import (
    CategoryEmbedding,
    Members,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
)


def embedder(
    architecture: Architecture,
    inputs: Mapping[str, Any],
    category_sizes: Sequence[int],
    numbers: np.ndarray | None = None,
    labels: Sequence[np.ndarray] | None = None,
    own: Mapping[str, Callable[[Any, str], Any]] | None = None,
) -> Callable[[str], Any]:
    """Make the `embed` argument of `Architecture.represent` from an encoder's inputs.

    Args:
        architecture: Determines how numbers and categories become vectors, and for how many
            members.
        inputs: Input tensors by group (`"numeric"`, `"plain"`, `"categorical"`).
        category_sizes: Number of indices of each categorical column.
        numbers: The training rows' group `"numeric"`, `(rows, columns)`, for the bins.
        labels: The training rows' labels for target-aware bins, NaN where missing: for each task
            `(rows,)` or `(rows, n)`, a column per class if classes have no order
            (`Task.distances`).
        own: For further groups, such as a text, a function from the input and a prefix for layer
            names to a tensor `(rows, n)`.

    Returns:
        A function from a prefix to a tensor `(rows, n)`, or `(rows, members, n)` with several
        members. Each call makes new embeddings.
    """
    kind = architecture.number_embedding
    edges: list[np.ndarray] = []
    if "numeric" in inputs and kind in ("piecewise_linear", "target_aware"):
        if kind == "piecewise_linear" and numbers is not None:
            edges = bins.quantile_edges(numbers, architecture.bins)
        elif numbers is not None and labels is not None:
            edges = bins.tree_edges(numbers, labels, architecture.bins)
        else:
            raise ConfigError(
                f"`number_embedding={kind!r}` needs the training rows' numbers (and labels, if "
                "target-aware) to place its bins. Pass `numbers` and `labels` to `embedder`, or "
                "use number_embedding='periodic' or 'none'."
            )

    def numbers_as_vectors(prefix: str) -> tuple[Any, list[int]]:
        given = inputs["numeric"]
        columns, dimension = given.shape[-1], architecture.number_dimension
        if kind == "none":
            return given, [1] * columns
        name = f"{prefix}_numbers"
        if kind == "periodic":
            layer = PeriodicEmbedding(columns, dimension=dimension, name=name)
            return layer(given), [dimension] * columns
        layer = PiecewiseLinearEmbedding(columns, architecture.bins, dimension, name=name)
        layer.set_edges(edges)
        return layer(given), [dimension] * columns

    def embed(prefix: str) -> Any:
        parts, widths = [], []
        if "numeric" in inputs:
            vectors, each = numbers_as_vectors(prefix)
            parts, widths = [vectors], each
        if "plain" in inputs:
            parts.append(inputs["plain"])
            widths = [*widths, *[1] * inputs["plain"].shape[-1]]
        if "categorical" in inputs:
            layer = CategoryEmbedding(
                category_sizes, architecture.category_dimension, name=f"{prefix}_categories"
            )
            parts.append(layer(inputs["categorical"]))
            widths = [*widths, *layer.widths]
        for group, represent in (own or {}).items():
            parts.append(represent(inputs[group], f"{prefix}_{group}"))
            widths = [*widths, parts[-1].shape[-1]]
        together = keras.layers.Concatenate(name=f"{prefix}_features")
        features = parts[0] if len(parts) == 1 else together(parts)
        if architecture.members == 1:
            return features
        start = "signs" if all(width == 1 for width in widths) else "normal"
        return Members(architecture.members, widths, start, name=f"{prefix}_members")(features)

    return embed
