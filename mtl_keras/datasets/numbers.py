"""Numbers in tables, including those written as `$1,299.00`, `1.299,00 €`, `12 %`."""

import re
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd

from mtl_keras.datasets.lists import factorized
from mtl_keras.errors import check

_SIGN = "(?P<sign>[-+\u2212])?"
MONEY = "(?:[$€£¥₹]|EUR|USD|GBP|CHF|JPY)"
_SPACES = " \u00a0\u202f"
_DIGITS = {
    "1,234.5": r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]*\.?[0-9]+|[0-9]+\.",
    "1'234.5": r"[1-9][0-9]{0,2}(?:['’][0-9]{3})+(?:\.[0-9]+)?|[0-9]*\.?[0-9]+",
    "1.234,5": r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]+)?|[0-9]*,?[0-9]+",
    "1 234,5": rf"[1-9][0-9]{{0,2}}(?:[{_SPACES}][0-9]{{3}})+(?:,[0-9]+)?|[0-9]*,?[0-9]+",
    "1 234.5": rf"[1-9][0-9]{{0,2}}(?:[{_SPACES}][0-9]{{3}})+(?:\.[0-9]+)?|[0-9]*\.?[0-9]+",
}
NOTATIONS = tuple(_DIGITS)
"""Number formats, each shown by an example: how thousands and decimals are separated."""
_WRITTEN = {
    notation: re.compile(
        rf"(?P<debt>\()?\s*{_SIGN}\s*{MONEY}?\s*{_SIGN.replace('sign', 'inner')}"
        rf"(?P<digits>{digits})\s*(?:{MONEY}|%)?\s*(?P<after>-)?(?(debt)\))"
    )
    for notation, digits in _DIGITS.items()
}
MISSING_WORDS = frozenset(("", "nan", "?", "-", "--", ".", "n/a", "na", "null", "none", "unknown"))


LOST_DIGITS = (
    "As a float, it has lost its last digits, as whole numbers do if a cell of their column is "
    "empty. Store them as strings: in a CSV file, with a letter before the digits."
)


class Notation(NamedTuple):
    """The number format of a column.

    Attributes:
        name: One of `NOTATIONS`.
        ambiguous: A string that another notation reads as a different number, if both fit the whole
            column; None if only one fits.
        other: That notation. Default None: only one fits.
    """

    name: str
    ambiguous: str | None
    other: str | None = None

    @property
    def doubt(self) -> str:
        """How that string is read, in words; "" if there is none.

        Example:

        >>> find_notation(pd.Series(["1,234"])).doubt
        "'1,234' is read as 1234, not as 1.234: if that is wrong, state notation = '1.234,5'"
        """
        if self.ambiguous is None:
            return ""
        cell = pd.Series([self.ambiguous], dtype=object)
        one, another = (f"{parsed(cell, name)[0][0]:.15g}" for name in (self.name, self.other))
        return (
            f"{self.ambiguous!r} is read as {one}, not as {another}: if that is wrong, state "
            f"notation = {self.other!r}"
        )


def find_notation(column: pd.Series) -> Notation:
    """Return the first notation that fits all strings of a column, or otherwise the most.

    Example:

    >>> find_notation(pd.Series(["1.234,50", "17", None]))
    Notation(name='1.234,5', ambiguous=None, other=None)
    >>> find_notation(pd.Series(["1,234", "17,500"])), find_notation(pd.Series(["0,123"])).name
    (Notation(name='1,234.5', ambiguous='1,234', other='1.234,5'), '1.234,5')
    """
    texts = [text for text in _distinct_texts(column) if text.lower() not in MISSING_WORDS]
    read = {name: [_number(text, name) for text in texts] for name in NOTATIONS}
    counts = {name: sum(value is not None for value in values) for name, values in read.items()}
    best = max(NOTATIONS, key=counts.__getitem__)
    fitting = [name for name in NOTATIONS if counts[name] == counts[best] and name != best]
    for other in fitting:
        for text, one, another in zip(texts, read[best], read[other]):
            if one != another:
                return Notation(best, text, other)
    return Notation(best, None)


def almost_all(texts: pd.Series, share: float = 0.95) -> tuple[str, int] | None:
    """Return the first string that is not a number, and their count, if almost all are numbers.

    Half of them are enough if there are more than ten numbers and all others are one string, which
    probably means that the number is missing.

    Args:
        texts: Texts.
        share: Minimum share of numbers. Default 0.95.

    Returns:
        None if all of them are numbers, or fewer than this share.

    Example:

    >>> almost_all(pd.Series(["1.5"] * 99 + ["1.2.3"])), almost_all(pd.Series(["1", "one"]))
    (('1.2.3', 1), None)
    >>> almost_all(pd.Series([*map(str, range(20)), "not given", "not given"]))
    ('not given', 2)
    """
    numbers, bad = parsed(texts, find_notation(texts).name, words=True)
    if not bad.any():
        return None
    others = texts[bad]
    if others.nunique() == 1 and len(np.unique(numbers[~np.isnan(numbers)])) > 10:
        share = min(share, 0.5)
    return (others.iloc[0], len(others)) if bad.mean() <= 1 - share + 1e-9 else None


def coarse_step(values: np.ndarray) -> float | None:
    """Return the step of float32 at the size of some numbers, if it hides how they differ.

    Args:
        values: Numbers, float64, none missing.

    Returns:
        The difference between adjacent float32 numbers there, if it is more than a tenth of the
            standard deviation; else None.

    Example:

    >>> seconds = np.arange(60.0)
    >>> coarse_step(seconds), coarse_step(1.7e9 + seconds)
    (None, 128.0)
    """
    step = float(np.spacing(np.float32(np.abs(values).max())))
    return step if step > values.std() / 10 > 0 else None


def warn_of_resolution(name: str, values: np.ndarray) -> None:
    """Warn if a feature's numbers are so large that they hardly differ in float32.

    Args:
        name: Name of the feature.
        values: The numbers, float64, none missing.
    """
    step = coarse_step(values) if len(values) else None
    if step is not None:
        warnings.warn(
            f"Feature {name!r}: the numbers vary by only {values.std():.3g} (standard deviation) "
            f"around {values.mean():.10g}, where the network, which reads float32, sees multiples "
            f"of {step:g}. Subtract a constant, such as {values.min():.10g}, from the column, or "
            "declare it as categorical.",
            stacklevel=4,
        )


def inexact(column: pd.Series) -> np.ndarray:
    """Return which cells are floats that may stand for several whole numbers.

    These are floats of 2**53 or more; of 2**24 in a column of float32, and of 2**11 in one of
    float16.

    Example:

    >>> inexact(pd.Series([2.0**53, 0.5, None])).tolist(), inexact(pd.Series([2**53])).tolist()
    ([True, False, False], [False])
    """
    if column.dtype == object:
        column = column.where(column.map(lambda cell: isinstance(cell, float))).astype("float64")
    if column.dtype.kind != "f":
        return np.zeros(len(column), bool)
    size = column.abs().to_numpy(float, na_value=np.nan)
    digits = {2: 11, 4: 24}.get(column.dtype.itemsize, 53)
    return (size >= 2**digits) & np.isfinite(size)


def parsed(
    column: pd.Series, notation: str | None = None, words: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return a column's numbers, and a mask of values that are neither numbers nor empty.

    A string may contain a currency sign, a per cent sign (12 % is 12), separators of thousands, or
    brackets for a negative number.

    Args:
        column: Numbers, strings or both.
        notation: One of `NOTATIONS`. Default None: the one that fits the column, see
            `find_notation`.
        words: Whether words for a missing value (`?`, `unknown`, `n/a`, `-`) count as empty.
            Default False.

    Returns:
        `(values, bad)`: float64 `(rows,)`, NaN where there is no number, and bool `(rows,)`.

    Example:

    >>> parsed(pd.Series(["$1,299.50", "12 %", "", None, "(5)", 3]))[0].tolist()
    [1299.5, 12.0, nan, nan, -5.0, 3.0]
    >>> parsed(pd.Series(["1.299,50 €", "0,5"]))[0].tolist()
    [1299.5, 0.5]
    """
    check(notation is None or notation in NOTATIONS, "notation", f"be one of {NOTATIONS}", notation)
    if column.dtype.kind in "fiub":
        return column.to_numpy("float64"), np.zeros(len(column), bool)
    if column.dtype.kind in "mMc":  # timestamps, durations and complex numbers
        return np.full(len(column), np.nan), column.notna().to_numpy()
    notation = notation or find_notation(column).name
    codes, cells = factorized(column)  # for the code -1: missing
    empty = MISSING_WORDS if words else {"", "nan"}
    numbers, wrong = np.full(len(cells) + 1, np.nan), np.zeros(len(cells) + 1, bool)
    for index, cell in enumerate(cells):
        number = _number(cell.strip(), notation) if isinstance(cell, str) else _plain(cell)
        if number is not None:
            numbers[index] = number
        else:
            wrong[index] = str(cell).strip().lower() not in empty
    return numbers[codes], wrong[codes]


def _number(text: str, notation: str) -> float | None:
    match = _WRITTEN[notation].fullmatch(text)
    if match is None:
        return _plain(text) if notation in ("1,234.5", "1'234.5", "1 234.5") else None
    digits = re.sub(rf"['’{_SPACES}]", "", match["digits"])
    if notation == "1,234.5":
        digits = digits.replace(",", "")
    elif notation in ("1.234,5", "1 234,5"):
        digits = digits.replace(".", "").replace(",", ".")
    signs = [match[part] for part in ("debt", "sign", "inner", "after") if match[part]]
    if len(signs) > 1:
        return None
    return float(digits) if signs in ([], ["+"]) else -float(digits)


def _plain(cell: object) -> float | None:
    """Return what Python parses as a real number, such as 1e-5; else None."""
    if isinstance(cell, str) and not re.match(r"([-+.0-9]|inf)[^_]*$", cell, re.IGNORECASE):
        return None  # also 1_2, which Python reads as 12
    if isinstance(cell, (str, bool, int, float, np.number, np.bool_)) or hasattr(cell, "__float__"):
        try:
            return float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
    return None


def _distinct_texts(column: pd.Series) -> list[str]:
    if column.dtype.kind in "fiubmMc":
        return []
    return [cell.strip() for cell in factorized(column)[1] if isinstance(cell, str)]
