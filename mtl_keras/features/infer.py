"""Which kind of feature a column is, guessed by rules that are written down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.features.base import Feature
from mtl_keras.features.boolean import WORDS, Boolean
from mtl_keras.features.categorical import Categorical
from mtl_keras.features.date import Date
from mtl_keras.features.numeric import Numeric

MOSTLY = 0.95
MANY_VALUES = 50
ID_WORDS = ("id", "key", "uuid", "guid", "index", "number", "no", "code")


@dataclass(frozen=True)
class Guess:
    """What a column was taken for, and why.

    Attributes:
        column: Name of the column.
        feature: The feature; None if the column is dropped.
        why: The reason, for people.
    """

    column: str
    feature: Feature | None
    why: str

    def __str__(self) -> str:
        kind = self.feature.kind if self.feature else "dropped"
        return f"{self.column}: {kind}, {self.why}"


def infer(
    table: pd.DataFrame,
    skip: Iterable[str] = (),
    overrides: Mapping[str, Feature | None] | None = None,
) -> list[Guess]:
    """Guess a feature for each column. The first rule that holds decides:

    1. A column that the user declared is what she says; one that she drops is dropped.
    2. No value, or only one: dropped, it can tell nothing.
    3. Booleans, 0 and 1, or a known pair of texts such as no and yes: `Boolean`.
    4. Dates and times, or at least 95 % texts that start with `YYYY-MM-DD`: `Date`.
    5. Whole numbers, each in one row only, that are consecutive or whose column is named like an
       identifier (`id`, `..._id`, `customerID`, `key`, ...): dropped as an identifier.
    6. Numbers, or only texts that are numbers: `Numeric`.
    7. Texts with more than 50 values, more than half of the rows' number: dropped, as an
       identifier or, if they have three or more words on average, as free text.
    8. All else: `Categorical`.

    Args:
        table: The training rows.
        skip: Columns that are no features: labels, weights, groups.
        overrides: Features by column; None to drop a column.

    Returns:
        A guess for each column that is not skipped, in the order of the table.

    Example:

    >>> table = pd.DataFrame({"id": [7, 8, 9], "age": [31.5, 40.0, None], "member": [0, 1, 0]})
    >>> for guess in infer(table): print(guess)
    id: dropped, looks like an identifier: 3 consecutive whole numbers
    age: numeric, numbers
    member: boolean, 0 and 1
    """
    skipped, overrides = set(skip), dict(overrides or {})
    guesses = []
    for name in table.columns:
        if name in skipped:
            continue
        if name in overrides:
            feature = overrides[name]
            why = "declared" if feature is not None else "as declared"
            guesses.append(Guess(name, feature, why))
        else:
            guesses.append(_guess(str(name), table[name]))
    return guesses


def _guess(name: str, column: pd.Series) -> Guess:
    present = column.dropna()
    is_text = column.dtype == object or isinstance(
        column.dtype, (pd.StringDtype, pd.CategoricalDtype)
    )
    if is_text:
        texts = present.astype(str).str.strip()
        present, texts = present[texts != ""], texts[texts != ""]
    values = pd.unique(texts if is_text else present)
    if len(values) == 0:
        return Guess(name, None, "it has no values")
    if len(values) == 1:
        return Guess(name, None, f"it is constant: always {values[0]!s}")

    if column.dtype.kind == "b" or column.dtype == "boolean":
        return Guess(name, Boolean(name), "booleans")
    if len(values) == 2:
        low, high = sorted(str(value).lower() for value in values)
        if {low, high} in ({"0", "1"}, {"0.0", "1.0"}):
            return Guess(name, Boolean(name), "0 and 1")
        if is_text and (WORDS.get(low) == high or WORDS.get(high) == low):
            return Guess(name, Boolean(name), f"{low} and {high}")

    if column.dtype.kind == "M":
        return Guess(name, Date(name), "dates")
    if is_text and texts.str.match(r"\d{4}-\d{2}-\d{2}").mean() >= MOSTLY:
        return Guess(name, Date(name), "texts like 1997-09-30")

    numbers = pd.to_numeric(texts, errors="coerce") if is_text else present
    if not numbers.isna().any():
        numbers = numbers.to_numpy(float)
        whole = np.all(numbers == np.floor(numbers))
        if whole and len(np.unique(numbers)) == len(numbers):
            if np.ptp(numbers) == len(numbers) - 1:
                why = f"looks like an identifier: {len(numbers)} consecutive whole numbers"
                return Guess(name, None, why)
            if _named_like_id(name):
                why = "looks like an identifier: its name, and no number twice"
                return Guess(name, None, why)
        return Guess(name, Numeric(name), "numbers" if not is_text else "texts that are numbers")

    if len(values) > MANY_VALUES and len(values) > 0.5 * len(present):
        words = texts.str.count(" ").mean() + 1 if is_text else 1
        if words >= 3:
            return Guess(name, None, f"looks like free text: {words:.0f} words on average")
        why = f"looks like an identifier: {len(values)} values in {len(present)} rows"
        return Guess(name, None, why)
    return Guess(name, Categorical(name), f"{len(values)} texts")


def _named_like_id(name: str) -> bool:
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name.replace("ID", "Id"))
    words = "".join(c if c.isalnum() else " " for c in spaced).lower().split()
    return bool(words) and (words[-1] in ID_WORDS or words[0] in ("id", "uuid"))


def named(declared: Mapping[str, Any], get: Any) -> dict[str, Feature | None]:
    """Overrides from a mapping of column to kind, config, feature, `"drop"` or None."""
    return {
        name: None if value in (None, "drop") else get(value, name)
        for name, value in declared.items()
    }
