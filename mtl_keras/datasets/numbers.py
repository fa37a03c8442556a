"""Numbers as tables hold them, also as people write them: `$1,299.00`, `12 %`."""

import re

import numpy as np
import pandas as pd

_SIGN, _MONEY = "(?P<sign>[-+\u2212])?", "[$€£¥₹]"
_DIGITS = r"(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]*\.?[0-9]+)"
_WRITTEN = re.compile(rf"{_SIGN}\s*{_MONEY}?\s*{_DIGITS}\s*(?:{_MONEY}|%)?")


def parsed(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """A column's numbers, and which of its values are neither a number nor empty.

    A text may have a currency sign, a per cent sign (12 % is 12) and commas between groups of three
    digits; a decimal comma is no number here.

    Args:
        column: Numbers, texts or both.

    Returns:
        `(values, bad)`: float64 `(rows,)`, NaN where there is no number, and bool `(rows,)`.

    Example:

    >>> parsed(pd.Series(["$1,299.50", "12 %", "", None, "1,5", 3]))[0].tolist()
    [1299.5, 12.0, nan, nan, nan, 3.0]
    """
    if column.dtype.kind in "fiub":
        return column.to_numpy("float64"), np.zeros(len(column), bool)
    values = pd.to_numeric(column, errors="coerce").to_numpy("float64", na_value=np.nan, copy=True)
    left = np.flatnonzero(np.isnan(values) & column.notna().to_numpy())
    bad = np.zeros(len(column), bool)
    for row, text in zip(left, column.iloc[left].astype(str).str.strip()):
        match = _WRITTEN.fullmatch(text)
        if match:
            number = float(match["digits"].replace(",", ""))
            values[row] = number if match["sign"] in (None, "+") else -number
        else:
            bad[row] = text.lower() not in ("", "nan")
    return values, bad
