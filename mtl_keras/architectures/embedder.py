"""Turns encoded columns into one feature vector, the input of every architecture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from mtl_keras.architectures import bins
from mtl_keras.architectures.base import Architecture, Embed
from mtl_keras.declaring.references import identifier
from mtl_keras.errors import ConfigError, unknown
from mtl_keras.layers import (
    CategoryEmbedding,
    Members,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Select,
)


def embedder(
    architecture: Architecture,
    inputs: Mapping[str, Any],
    category_sizes: Sequence[int],
    numbers: np.ndarray | None = None,
    labels: Sequence[np.ndarray] | None = None,
    own: Mapping[str, Callable[[Any, str], Any]] | None = None,
    features: Mapping[str, Mapping[str, Sequence[int]]] | None = None,
    crossing_sizes: Sequence[int] = (),
) -> Embed:
    """Make the `embed` argument of `Architecture.represent` from an encoder's inputs.

    Args:
        architecture: Determines how numbers and categories become vectors, and for how many
            members.
        inputs: Input tensors by group (`"numeric"`, `"plain"`, `"categorical"`, `"crossed"`).
        category_sizes: Number of indices of each categorical column.
        numbers: The training rows' group `"numeric"`, `(rows, columns)`, for the bins.
        labels: The training rows' labels for target-aware bins, NaN where missing: for each task
            `(rows,)` or `(rows, n)`, a column per class if classes have no order
            (`Task.distances`).
        own: For further groups, such as a text, a function from the input and a prefix for layer
            names to a tensor `(rows, n)`.
        features: For each feature, by name, the indices of its columns in each group, for
            architectures that treat some features differently.
        crossing_sizes: Number of indices of each column of the group `"crossed"`.

    Returns:
        The function that gives an architecture all features as a tensor, and, with `part`, some of
            them.

    Raises:
        ConfigError: if the architecture names a feature that does not exist.

    Example:

    >>> from mtl_keras.architectures import SharedBottom
    >>> inputs = {"plain": keras.Input((3,))}
    >>> embed = embedder(SharedBottom(members=1), inputs, category_sizes=[])
    >>> embed("shared").shape
    (None, 3)
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
    return _Embedder(
        architecture, inputs, category_sizes, edges, own or {}, features or {}, crossing_sizes
    )


@dataclass(frozen=True)
class _Embedder:
    architecture: Architecture
    inputs: Mapping[str, Any]
    category_sizes: Sequence[int]
    edges: Sequence[np.ndarray]
    own: Mapping[str, Callable[[Any, str], Any]]
    features: Mapping[str, Mapping[str, Sequence[int]]]
    crossing_sizes: Sequence[int]
    widths: dict[str, list[int]] = field(default_factory=dict)  # of each group's columns

    def __call__(self, prefix: str, trainable: bool = True) -> Any:
        parts = {}
        if "numeric" in self.inputs:
            parts["numeric"], self.widths["numeric"] = self._numbers(f"{prefix}_numbers")
        if "plain" in self.inputs:
            parts["plain"] = self.inputs["plain"]
            self.widths["plain"] = [1] * self.inputs["plain"].shape[-1]
        for group, sizes, name, initializer in (
            ("categorical", self.category_sizes, "categories", "normal"),
            ("crossed", self.crossing_sizes, "crossings", "zeros"),
        ):
            if group in self.inputs:
                layer = CategoryEmbedding(
                    sizes,
                    self.architecture.category_dimension,
                    initializer,
                    name=f"{prefix}_{name}",
                )
                parts[group] = layer(self.inputs[group])
                self.widths[group] = layer.widths
        for group, represent in self.own.items():
            parts[group] = represent(self.inputs[group], f"{prefix}_{group}")
            self.widths[group] = [parts[group].shape[-1]]
        vectors = list(parts.values())
        together = keras.layers.Concatenate(name=f"{prefix}_features")
        vector = vectors[0] if len(vectors) == 1 else together(vectors)
        if self.architecture.members > 1:
            sections = [width for group in parts for width in self.widths[group]]
            start = "signs" if all(width == 1 for width in sections) else "normal"
            members = Members(self.architecture.members, sections, start, name=f"{prefix}_members")
            vector = members(vector)
        if not trainable:
            keras.Model(list(self.inputs.values()), vector).trainable = False
        return vector

    def _numbers(self, name: str) -> tuple[Any, list[int]]:
        given = self.inputs["numeric"]
        columns, dimension = given.shape[-1], self.architecture.number_dimension
        if self.architecture.number_embedding == "none":
            return given, [1] * columns
        if self.architecture.number_embedding == "periodic":
            layer = PeriodicEmbedding(columns, dimension=dimension, name=name)
        else:
            layer = PiecewiseLinearEmbedding(columns, self.architecture.bins, dimension, name=name)
            layer.set_edges(self.edges)
        return layer(given), [dimension] * columns

    def part(self, vector: Any, features: Sequence[str], name: str) -> Any:
        wanted: dict[str, Sequence[int]] = {}
        if not features:
            wanted["categorical"] = range(len(self.widths.get("categorical", ())))
        for feature in features:
            if feature not in self.features:
                raise ConfigError(unknown("feature", feature, list(self.features)))
            for group, columns in self.features[feature].items():
                wanted[group] = [*wanted.get(group, ()), *columns]
        indices: list[int] = []
        start = 0
        for group, widths in self.widths.items():
            for column, width in enumerate(widths):
                if column in wanted.get(group, ()):
                    indices += range(start, start + width)
                start += width
        if not indices:
            raise ConfigError(
                f"Architecture {identifier(type(self.architecture))!r} finds no categorical "
                f"feature among {', '.join(map(repr, self.features))}. Name the features that it "
                "should treat as such."
            )
        return Select(indices, name=name)(vector)
