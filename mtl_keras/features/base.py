"""The interface of a feature: one column of a table in, encoded numbers out."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras import backbones
from mtl_keras.declaring.declaration import Declaration


@dataclass(frozen=True, repr=False)
class Feature(Declaration, abc.ABC):
    """Base class: one column to predict from, the column `name` unless `column` is stated.

    Several features may read one column, each in its own way: a text as a sequence and as a bag of
    words, a month as a number and as a category. Features of the same kind share an input of the
    exported model, named after the first of them.

    A kind of feature must define `fit` (statistics of the training rows), `raw` (a table's column
    as an input of the exported model) and `layer` (the Keras layer from raw to encoded values, by
    group):

    * `"numeric"`, numbers that get embeddings, float32 `(rows, n)`;
    * `"plain"`, numbers that the network takes as they are, float32 `(rows, n)`;
    * `"categorical"`, indices, int32 `(rows, n)`: see `category_sizes`;
    * `"own"`, anything that the feature's own part of the network reads: see `represent`.

    Args:
        name: Name of the feature, and of its column unless `column` says otherwise.
        column: The column that is read. Default: the one called `name`.
        crossed: Whether it may be part of a crossing that is chosen (`features.crossings`).
            Default True.

    Example:

    >>> from mtl_keras.features import Numeric
    >>> Numeric("age_squared", column="age").source
    'age'
    """

    rows_per_call: ClassVar[int] = 16_384  # encoded, or predicted for, at once
    shows_dependence: ClassVar[bool] = False
    """Whether an explanation may set it to one value in all rows, to see how the answers change."""
    reads_files: ClassVar[bool] = False
    """Whether a text in its column is the path of a file, whose bytes the exported model takes."""

    crossable: ClassVar[bool] = False
    """Whether its raw values may be read exactly, alone or with another feature's (`Crossing`)."""
    is_moment: ClassVar[bool] = False
    """Whether `observed` tells a moment, so that the column has a period."""

    column: str | None = field(default=None, kw_only=True)
    crossed: bool = field(default=True, kw_only=True)

    # The column

    @property
    def source(self) -> str:
        """The column that it reads."""
        return self.column or self.name

    def reads(self, columns: Sequence[str]) -> list[str]:
        """The columns that it reads, out of a table's columns; empty if they are missing."""
        return [self.source] if self.source in columns else []

    def select(self, table: pd.DataFrame) -> Any:
        """What `fit` and `raw` take: the column."""
        return table[self.source]

    @abc.abstractmethod
    def fit(self, column: pd.Series) -> Self:
        """A copy in which everything left open is learned from the training rows."""

    # The exported model's input

    @property
    def raw_dtype(self) -> str:
        """`"float32"` or `"string"`: the type of this column in the exported model's signature."""
        return "float32"

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of one row's value in that signature."""
        return ()

    @abc.abstractmethod
    def raw(self, column: pd.Series) -> np.ndarray:
        """The column as input of the exported model: float32 (NaN: missing) or text ("": missing).

        Raises:
            DataError: if a value does not suit this kind; the row is named.
        """

    def observed(self, raw: np.ndarray) -> np.ndarray | None:
        """A number or text per row, whose distribution tells whether the column has changed.

        Args:
            raw: What `raw` returns.

        Returns:
            Numbers (NaN: missing) or texts (empty: missing). Default None: rows hold more than
            that, and only the share of missing ones is watched.
        """
        return None

    def shown(self, observed: float) -> str:
        """One of the `observed` numbers in words, for a report. Default: with four digits."""
        return f"{observed:,.4g}" if abs(observed) < 1e4 else f"{observed:,.0f}"

    def examples(self, observed: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Raw values of which `observed` tells this, to try a model on: its inverse, if it has one.

        Args:
            observed: Numbers (NaN: missing) or texts (empty: missing), `(rows,)`; where `observed`
                tells nothing, any number or NaN.
            random: For all that it leaves open.
        """
        if self.raw_dtype == "string":
            texts = observed.dtype == object
            return observed if texts else np.where(np.isnan(observed), "", "0").astype(object)
        columns = (1,) * len(self.raw_shape)
        return np.broadcast_to(
            observed.reshape(-1, *columns), (len(observed), *self.raw_shape)
        ).astype("float32")

    def unknown(self, raw: np.ndarray) -> np.ndarray:
        """Which raw values are present, but mean nothing to the network. Default: none."""
        return np.zeros(len(raw), bool)

    def unreadable(self, column: Any) -> np.ndarray:
        """Which cells of what `select` gives `raw` would refuse, bool `(rows,)`. Default: none."""
        return np.zeros(len(column), bool)

    def refuse(self, raw: np.ndarray) -> None:
        """Raise a DataError for the first raw value that the layer cannot handle, if any."""

    # The network's part

    @abc.abstractmethod
    def layer(self) -> keras.layers.Layer:
        """The layer from raw `(rows,)` to a dict of encoded `(rows, n)` by group."""

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """For the group `"categorical"`: number of indices of each of its columns. Default none."""
        return ()

    def represent(self, encoded: Any, name: str) -> Any:
        """For the group `"own"`: the network's tensor `(rows, n)` from the encoded one.

        Args:
            encoded: The encoded rows.
            name: Prefix for names of layers.
        """
        raise NotImplementedError(
            f"{type(self).__name__} is encoded as the group 'own', but does not define `represent`."
        )

    # What the simple models of a comparison read of the group "own"

    def words(self, column: Any) -> pd.Series | None:
        """The texts whose words simple models count, for a column of texts. Default None."""
        return None

    def flattened(self, encoded: np.ndarray) -> np.ndarray:
        """The numbers `(rows, n)` whose principal components they read, if there are no `words`."""
        return encoded.reshape(len(encoded), -1)


@dataclass(frozen=True, repr=False)
class BackboneFeature(Feature):
    """Base class: a feature that a backbone reads, and that is text to the exported model.

    Args:
        encoder: The backbone: its name, a mapping, an object or a Keras layer. The default depends
            on the kind.
    """

    reads_as: ClassVar[str]  # "sequences" or "images"
    encoder: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "encoder", backbones.get(self.encoder, self.reads_as))

    @property
    def raw_dtype(self) -> str:
        return "string"

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoder": self.encoder.get_config()}
