"""The interface of a feature: one column of a table in, encoded numbers out."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras import backbones
from mtl_keras.datasets import placeholders
from mtl_keras.declaring.declaration import Declaration
from mtl_keras.drawing.digits import apart
from mtl_keras.errors import ConfigError


@dataclass(frozen=True, repr=False)
class Feature(Declaration, abc.ABC):
    """Base class: one column to predict from.

    Several features may read the same column in different ways: a text as a sequence and as a bag
    of words, or a month as a number and as a category. If they are of the same kind, they share an
    input of the exported model, which is named after the first of them.

    A kind of feature must define `fit` (which learns statistics of the training rows), `raw` (which
    turns a table's column into an input of the exported model) and `layer` (the Keras layer from
    raw to encoded values, by group):

    * `"numeric"`: numbers that are embedded, float32 `(rows, n)`;
    * `"plain"`: numbers that are not embedded, float32 `(rows, n)`;
    * `"categorical"`: indices, int32 `(rows, n)`; see `category_sizes`;
    * `"own"`: anything that the feature's own part of the network reads; see `represent`.

    Args:
        name: Name of the feature, and of the column to read unless `column` names another.
        column: The column to read. Default None: `name`.
        missing_values: Texts and numbers that stand for a missing value, such as `["?", 999]`, in
            addition to those of the experiment. Default: none.
        crossed: Whether automatically chosen crossings may use it (`features.crossings`). Default
            True.

    Example:

    >>> from mtl_keras.features import Numeric
    >>> Numeric("age_squared", column="age").source
    'age'
    """

    rows_per_call: ClassVar[int] = 16_384  # to encode or to predict at once
    shows_dependence: ClassVar[bool] = False
    """Whether explanations may set it to one value in all rows, to see how predictions change."""
    reads_files: ClassVar[bool] = False
    """Whether strings in its column are paths of files, whose bytes the exported model takes."""

    crossable: ClassVar[bool] = False
    """Whether its exact values may be read as categories, alone or in pairs (`Crossing`)."""
    is_moment: ClassVar[bool] = False
    """Whether `observed` returns points in time, so that the column covers a period."""

    column: str | None = field(default=None, kw_only=True)
    missing_values: tuple[placeholders.Value, ...] = field(default=(), kw_only=True)
    crossed: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "missing_values", tuple(placeholders.listed(self.missing_values)))

    # The column

    @property
    def source(self) -> str:
        """The column that it reads."""
        return self.column or self.name

    @property
    def format_of_times(self) -> str | None:
        """The declared format of times that are strings, as for `strptime`. Default: none."""
        return None

    def reads(self, columns: Sequence[str]) -> list[str]:
        """Return the columns that it reads, out of a table's columns; empty if they are missing."""
        return [self.source] if self.source in columns else []

    def lacks(self, columns: Sequence[str]) -> list[str]:
        """Return the columns that it needs, and that are not among a table's columns."""
        return [] if self.reads(columns) else [self.source]

    def select(self, table: pd.DataFrame) -> Any:
        """Return what `fit` and `raw` take: the column, without values that mean missing."""
        return placeholders.masked(table[self.source], self.missing_values)

    @abc.abstractmethod
    def fit(self, column: pd.Series) -> Self:
        """Return a copy with everything that is still None learned from the training rows."""

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
        """Return the exported model's input: float32 (NaN: missing) or strings ("": missing).

        Raises:
            DataError: if a value is not of this kind; the message names the row.
        """

    def observed(self, raw: np.ndarray) -> np.ndarray | None:
        """Return a number or string per row, whose distribution shows if the column has changed.

        Args:
            raw: The result of `raw`.

        Returns:
            Numbers (NaN: missing) or strings (empty: missing). Default None: a row contains more
            than that, and only the share of missing values is monitored.
        """
        return None

    def format_observed(self, observed: Sequence[float]) -> list[str]:
        """Return some `observed` numbers as strings, for a report.

        Default: with as many digits as it takes to tell different numbers from each other.
        """
        return apart(observed)

    def examples(self, observed: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return raw values for `observed` ones, to test a model: its inverse, if it has one.

        Args:
            observed: Numbers (NaN: missing) or strings (empty: missing), `(rows,)`. For a kind
                without `observed`, any number or NaN.
            random: Random generator for everything that `observed` leaves open.
        """
        if self.raw_dtype == "string":
            texts = observed.dtype == object
            return observed if texts else np.where(np.isnan(observed), "", "0").astype(object)
        columns = (1,) * len(self.raw_shape)
        return np.broadcast_to(
            observed.reshape(-1, *columns), (len(observed), *self.raw_shape)
        ).astype("float32")

    def unknown(self, raw: np.ndarray) -> np.ndarray:
        """Return which raw values are present but unknown to the network. Default: none."""
        return np.zeros(len(raw), bool)

    def unreadable(self, column: Any) -> np.ndarray:
        """Return which cells of a selected column `raw` would reject, `(rows,)`. Default: none."""
        return np.zeros(len(column), bool)

    def indistinct(self, column: Any) -> np.ndarray:
        """Return which cells of a selected column may equal others in `raw`. Default: none.

        Only for kinds that are `crossable`, to refuse a crossing of such values.
        """
        return np.zeros(len(column), bool)

    def refuse(self, raw: np.ndarray) -> None:
        """Raise a DataError for the first raw value that the layer cannot handle, if any."""

    # The network

    @abc.abstractmethod
    def layer(self) -> keras.layers.Layer:
        """Return the layer from raw `(rows,)` to a dict of encoded `(rows, n)` by group."""

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """For the group `"categorical"`: number of indices of each column. Default: none."""
        return ()

    def represent(self, encoded: Any, name: str) -> Any:
        """For the group `"own"`: return the tensor `(rows, n)` for the encoded one.

        Args:
            encoded: The encoded rows.
            name: Prefix for names of layers.
        """
        raise NotImplementedError(
            f"{type(self).__name__} is encoded as the group 'own', but does not define `represent`."
        )

    # What the simple models of a comparison read of the group "own"

    def words(self, column: Any) -> pd.Series | None:
        """Return the strings whose words simple models count, if it reads texts. Default None."""
        return None

    def flattened(self, encoded: np.ndarray) -> np.ndarray:
        """Return numbers `(rows, n)` whose principal components they read if `words` is None."""
        return encoded.reshape(len(encoded), -1)


@dataclass(frozen=True, repr=False)
class BackboneFeature(Feature):
    """Base class: a feature that a backbone reads, and a string in the exported model's input.

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

    def vector(self, x: Any, mask: Any, name: str) -> Any:
        """Return the backbone's vectors `(rows, n)` for its input.

        Raises:
            ConfigError: if the backbone fails, or returns something else.
        """
        what = f"The encoder of feature {self.name!r}"
        try:
            vector = self.encoder.represent(x, mask, name)
        except ConfigError as error:
            raise ConfigError(f"{what}: {error}") from error
        except Exception as error:  # of a user's own layers
            why = " ".join(str(error).split())[:300]
            raise ConfigError(
                f"{what} cannot read {self.reads_as} of the shape {tuple(x.shape)} "
                f"({type(error).__name__}: {why}). To read the indices of words with an "
                "embedding of its own, use mtl_keras.backbones.Pretrained(layer=..., "
                "trainable=True)."
            ) from error
        if len(getattr(vector, "shape", ())) != 2:
            raise ConfigError(
                f"{what} must return one vector per row, (rows, n). Received: "
                f"{getattr(vector, 'shape', vector)!r}."
            )
        return vector
