"""Boolean features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.datasets import cells
from mtl_keras.datasets.categories import category_text, other_spellings
from mtl_keras.datasets.lists import factorized, refuse_several
from mtl_keras.errors import DataError
from mtl_keras.features.base import Feature
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

NEITHER = 2.0  # of strings: neither yes nor no
TRUTH = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
WORDS = {"no": "yes", "false": "true", "n": "y", "f": "t", "0": "1", "off": "on"}
WORDS |= {"nein": "ja", "falsch": "wahr", "non": "oui", "faux": "vrai", "não": "sim"}
WORDS |= {"nie": "tak", "ne": "ano", "нет": "да", "όχι": "ναι"}


@keras.saving.register_keras_serializable("mtl_keras")
class BooleanEncoding(ArgumentsAsConfig, FullPrecision):
    """Encodes yes as 1, no as -1, and missing or any other value as 0, with an indicator.

    **Shape:** `(rows,)` to `{"plain": (rows, 2)}`: the value, and 1 if it is neither.

    Args:
        values: The raw values of no and yes: two strings or two numbers.

    Example:

    >>> BooleanEncoding(["no", "yes"])(tf.constant(["yes", "no", ""]))["plain"].numpy().tolist()
    [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, values: Sequence[str] | Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.values = tuple(values)

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        no = tf.cast(tf.equal(values, tf.constant(self.values[0], values.dtype)), tf.float32)
        yes = tf.cast(tf.equal(values, tf.constant(self.values[1], values.dtype)), tf.float32)
        return {"plain": tf.stack([yes - no, 1.0 - yes - no], axis=1)}


@dataclass(frozen=True, repr=False)
class Boolean(Feature):
    """A yes-or-no column: booleans, 0 and 1, or two strings such as no and yes.

    *Missing* and *unseen* values are 0, with an indicator. Of strings, `YES` is `yes`, and in a
    known pair True and 1 are yes.

    Args:
        values: The values of no and yes. Learned: False and True or 0 and 1 for numbers; for
            strings, a known pair (`no`/`yes`, `false`/`true`, `n`/`y`, ...), or otherwise the two
            in alphabetical order.

    Example:

    >>> Boolean("active").fit(pd.Series(["Yes", "No", None])).values
    ('No', 'Yes')
    """

    also_called: ClassVar[str] = "bool binary flag yes_no"
    shows_dependence: ClassVar[bool] = True
    crossable: ClassVar[bool] = True

    values: tuple[Any, Any] | None = None

    @property
    def raw_dtype(self) -> str:
        return "string" if self.values and isinstance(self.values[0], str) else "float32"

    def fit(self, column: pd.Series) -> Self:
        if self.values is not None:
            return self
        refuse_several(self.name, self.kind, column)
        values = factorized(column)[1]
        if all(not isinstance(value, str) for value in values):
            if not all(value in (0, 1) for value in values):
                self._refuse(values)
            return self.but(values=(0.0, 1.0))
        texts = sorted({category_text(value) for value in values} - {""}, key=str.lower)
        if len(texts) != 2:
            self._refuse(texts)
        swapped = WORDS.get(texts[1].lower()) == texts[0].lower()
        return self.but(values=(texts[1], texts[0]) if swapped else tuple(texts))

    def raw(self, column: pd.Series) -> np.ndarray:
        refuse_several(self.name, self.kind, column)
        if self.raw_dtype == "string":
            codes, values = factorized(column)
            return np.array([*map(self._text, values), ""], object)[codes]
        numbers = self._numbers(column)
        what = f"Feature {self.name!r} is boolean (0/1, true/false)"
        cells.refuse(what, column, numbers == NEITHER, "Correct the value or leave it empty.")
        return numbers

    def unreadable(self, column: pd.Series) -> np.ndarray:
        if self.raw_dtype == "string":
            return super().unreadable(column)
        return self._numbers(column) == NEITHER

    def _numbers(self, column: pd.Series) -> np.ndarray:
        """Return 1 for yes, 0 for no, NaN where missing, and `NEITHER` for other strings."""
        if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            column = column.astype(object).map(
                lambda v: np.nan if pd.isna(v) or v == "" else TRUTH.get(str(v).lower(), NEITHER)
            )
        return column.to_numpy(np.float32, na_value=np.nan)

    def _text(self, value: Any) -> str:
        """Return which of the two strings a value means, or the value as a string."""
        assert self.values is not None, "fit first"
        no, yes = self.values
        known_pair = WORDS.get(no.lower()) == yes.lower()
        if known_pair and not isinstance(value, (str, bytes)) and value in (0, 1):
            return yes if value else no
        text = category_text(value)
        alike = [known for known in self.values if known.lower() == text.lower()]
        if len(alike) == 1:
            return alike[0]
        return other_spellings({no, yes}).get(text, text)

    def observed(self, raw: np.ndarray) -> np.ndarray:
        return raw

    def unknown(self, raw: np.ndarray) -> np.ndarray:
        if self.raw_dtype != "string":
            return super().unknown(raw)
        return ~pd.Series(raw).isin([*(self.values or ()), ""]).to_numpy()

    def layer(self) -> BooleanEncoding:
        return BooleanEncoding(self.values or (0.0, 1.0))

    def _refuse(self, values: list[Any]) -> None:
        raise DataError(
            f"Feature {self.name!r} is boolean, but has the values {values[:5]}. Expected two. "
            "Declare it as categorical or numeric."
        )
