"""The encoder: the preprocessing of all features as Keras layers, for training and serving."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.datasets.cells import CellError, place
from mtl_keras.declaring.naming import unique_names
from mtl_keras.errors import ConfigError, DataError, nearest, shown
from mtl_keras.features.base import Feature
from mtl_keras.features.crossing import Crossing
from mtl_keras.features.missing_values import MissingValues
from mtl_keras.tasks import Task

RESERVED = ("network", "encoder", "serving")  # names of models within the exported one
GO_ON = (
    "A trained model treats such cells as missing with --bad-cells missing, or in Python with "
    "`load(..., bad_cells='missing')`."
)
FEWEST = 20  # values of which one is usually known
MOST_NAMED = 10  # columns in a message
GROUPS = ("numeric", "plain", "categorical", "crossed")


def raw_columns(features: Sequence[Feature], table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return a table's columns as inputs of the exported model; other columns are ignored.

    Raises:
        DataError: if a column is missing, or has a value that is not of its kind.
    """
    read_columns(features, list(map(str, table.columns)))
    own = input_features(features)
    columns: dict[str, np.ndarray] = {}
    refused: list[str] = []  # reported all at once, so that the user can correct all at once
    for feature in features:
        if own[feature.name] == feature.name:
            try:
                columns[feature.name] = feature.raw(feature.select(table))
            except CellError as error:
                refused.append(str(error))
    if refused:
        raise CellError("\n".join([*refused, GO_ON]))
    return columns


def warn_of_unknown(features: Sequence[Feature], columns: Mapping[str, np.ndarray]) -> None:
    """Warn of columns of which no value is known to the network, which may be written otherwise.

    Args:
        features: Fitted features.
        columns: The result of `raw_columns`. Fewer than 20 values say nothing.

    Example:

    >>> from mtl_keras.features import Categorical
    >>> warn_of_unknown([Categorical("code", vocabulary=("007",))], {"code": np.array(["7"])})
    """
    for feature in features:
        raw = columns.get(feature.name, np.empty(0))
        nothing = max(feature.category_sizes, default=3) <= 2  # is known
        if len(raw) < FEWEST or feature.raw_dtype != "string" or nothing:
            continue
        first = raw[:FEWEST]
        if not feature.unknown(first[first != ""]).all():
            continue  # nearly always, without a look at the others
        present = raw[raw != ""]
        if len(present) >= FEWEST and feature.unknown(present).all():
            warnings.warn(
                f"Feature {feature.name!r}: none of the values, such as {shown(present[0])}, is "
                "known from the training rows. Are they written as they were there?",
                stacklevel=3,
            )


def mask_unreadable(
    features: Sequence[Feature], tasks: Sequence[Task], table: pd.DataFrame
) -> pd.DataFrame:
    """Return a table in which unreadable cells of features and tasks are missing, and warn.

    Args:
        features: Fitted features.
        tasks: Fitted tasks, whose columns may be missing in the table.
        table: The table.

    Example:

    >>> from mtl_keras.features import Numeric
    >>> mask_unreadable([Numeric("age")], [], pd.DataFrame({"age": ["20", "40"]}))["age"].tolist()
    ['20', '40']
    """
    columns, attributes = list(table.columns), dict(table.attrs)
    read: list[tuple[Feature | Task, str]]
    read = [(part, name) for part in features for name in part.reads(columns)]
    read += [(part, name) for part in tasks for name in part.columns if name in columns]
    for part, name in read:
        bad = part.unreadable(table[name])
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            of = f" of {attributes['source']}" if "source" in attributes else ""
            warnings.warn(
                f"Column {name!r}{of}: {int(bad.sum()):,} of {len(bad):,} cells cannot be read "
                f"and count as missing; the first is {shown(table[name].iloc[first])} in "
                f"{place(table, first)}.",
                stacklevel=3,
            )
            table = table.copy(deep=False)
            table[name] = table[name].astype(object).mask(bad, None)
            table.attrs = attributes
    return table


def read_columns(features: Sequence[Feature], columns: Sequence[str]) -> list[str]:
    """Return the columns that features read, out of a table's columns and in their order.

    Raises:
        DataError: if a column is missing.
    """
    missing = [(name, feature.kind) for feature in features for name in feature.lacks(columns)]
    if missing:
        named = ", ".join(f"{name!r} ({kind})" for name, kind in missing[:MOST_NAMED])
        named += f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        whole = [each.source for each in features if each.lacks(columns) == [each.source]]
        hints = "".join(nearest(name, columns) for name in whole)  # not of a number, such as x_7
        raise DataError(
            f"The table lacks columns that the model reads: {named}.{hints} Expected all of its "
            "features as columns; leave cells empty where a value is not known."
        )
    wanted = {column for feature in features for column in feature.reads(columns)}
    return [column for column in columns if column in wanted]


def input_features(features: Sequence[Feature]) -> dict[str, str]:
    """Return, for each feature, the one whose input it reads: the first of its kind and column."""
    first: dict[Any, str] = {}
    return {f.name: first.setdefault((f.source, type(f), f.raw_shape), f.name) for f in features}


def rows_per_call(features: Sequence[Feature]) -> int:
    """Return the number of rows to encode or to predict at once."""
    return min(feature.rows_per_call for feature in features)


def called(layer: keras.layers.Layer, cells: Any) -> dict[str, Any]:
    """Return what a layer makes of a column, which is encoded in training as in predictions.

    A layer of the user's own may have `training=True` as its default, as Keras's augmentation does.
    """
    options = {"training": False} if "training" in signature(layer.call).parameters else {}
    return layer(cells, **options)


class Encoder:
    """Encodes raw columns as the network's inputs.

    `model` is a Functional Keras model from one input per feature, by slug (features of the same
    kind on the same column share the first one's: see `input_features`), to one tensor per group:
    `"numeric"` and `"plain"`, float32 `(rows, n)`, `"categorical"` and `"crossed"`, int32; and to
    `"own_<slug>"` for each feature that the network reads separately, such as a text. The same
    layers encode tables for training and are part of the exported model.

    A slug is the feature's name if it is a plain identifier, and is otherwise made from it
    (`declaring.naming.layer_name`), since TensorFlow does not accept other names.

    Args:
        features: Fitted features.
        crossings: Fitted crossings of them, which become the group `"crossed"`. Default: none.

    Attributes:
        slugs: The features' slugs, in their order.
        input_slugs: For each feature, by name, the slug of the input that it reads.
        columns: For each feature, by name, the indices of its columns in each group.

    Example:

    >>> from mtl_keras.features import Numeric
    >>> table = pd.DataFrame({"age": [20.0, 40.0, None]})
    >>> encoder = Encoder([Numeric("age").fit(table["age"])])
    >>> {group: array.tolist() for group, array in encoder.encode(table).items()}
    {'numeric': [[-1.0], [1.0], [0.0]], 'plain': [[0.0], [0.0], [1.0]]}
    """

    def __init__(self, features: Sequence[Feature], crossings: Sequence[Crossing] = ()) -> None:
        if not features:
            raise ConfigError(
                "There is no feature to predict from. Expected at least one column besides the "
                "targets; declare one in `features` if the columns were dropped."
            )
        self.features, self.crossings = list(features), list(crossings)
        slugs = unique_names((feature.name for feature in self.features), taken=RESERVED)
        self.slugs = list(slugs.values())
        self.input_slugs = {n: slugs[of] for n, of in input_features(self.features).items()}
        raw = {
            slug: keras.Input(feature.raw_shape, dtype=feature.raw_dtype, name=slug)
            for slug, feature in zip(self.slugs, self.features)
            if self.input_slugs[feature.name] == slug
        }
        parts: dict[str, list] = {group: [] for group in GROUPS}
        self.own: dict[str, Callable[[Any, str], Any]] = {}
        self.columns: dict[str, dict[str, range]] = {}
        present: dict[str, Any] = {}  # for each feature, what it encodes
        for slug, feature in zip(self.slugs, self.features):
            cells = raw[self.input_slugs[feature.name]]
            if feature.missing_values:  # slugs contain no point, so no input has this name
                cells = MissingValues(feature.missing_values, name=f"missing.{slug}")(cells)
            present[feature.name] = cells
            layer = feature.layer()
            layer.name = f"encode.{slug}"
            for group, tensor in called(layer, cells).items():
                if group == "own":
                    group = f"own_{slug}"
                    self.own[group] = feature.represent
                earlier = 0 if group in self.own else sum(t.shape[-1] for t in parts[group])
                width = 1 if group in self.own else tensor.shape[-1]  # one vector in the end
                columns = self.columns.setdefault(feature.name, {})
                columns[group] = range(earlier, earlier + width)
                parts.setdefault(group, []).append(tensor)
        for number, crossing in enumerate(self.crossings, start=1):
            layer = crossing.layer()
            layer.name = f"cross.{number}"
            parts["crossed"].append(layer([present[n] for n in crossing.features]))
        outputs = {
            group: tensors[0]
            if len(tensors) == 1
            else keras.layers.Concatenate(dtype=tensors[0].dtype, name=f"encoded.{group}")(tensors)
            for group, tensors in parts.items()
            if tensors
        }
        self.model = keras.Model(raw, outputs, name="encoder")
        inputs = {slug: tf.TensorSpec(t.shape, t.dtype, slug) for slug, t in raw.items()}
        self._encode = tf.function(self.model, [inputs], autograph=False)

    def __reduce__(self) -> tuple[type["Encoder"], tuple[list[Feature], list[Crossing]]]:
        return Encoder, (self.features, self.crossings)  # of which all else follows

    @property
    def category_sizes(self) -> list[int]:
        """Number of indices of each column of the group `"categorical"`."""
        return [size for feature in self.features for size in feature.category_sizes]

    @property
    def crossing_sizes(self) -> list[int]:
        """Number of indices of each column of the group `"crossed"`."""
        return [crossing.category_size for crossing in self.crossings]

    def encode(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return the network's inputs for all rows of a table, by group."""
        raw = {self.input_slugs[n]: v for n, v in raw_columns(self.features, table).items()}
        rows = rows_per_call(self.features)
        try:
            parts = [
                self._encode({s: tf.constant(v[start : start + rows]) for s, v in raw.items()})
                for start in range(0, len(table), rows)
            ]
        except tf.errors.InvalidArgumentError:
            for feature in self.features:
                feature.refuse(raw[self.input_slugs[feature.name]])
            raise
        return {group: np.concatenate([part[group] for part in parts]) for group in parts[0]}

    def inputs(self) -> dict[str, keras.KerasTensor]:
        """Return input tensors for a network that reads encoded rows, by group."""
        return {
            group: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=group)
            for group, tensor in self.model.output.items()
        }
