"""Units of numbers in tables: currencies and per cent."""

import re
import warnings

import pandas as pd

from mtl_keras.datasets.lists import factorized
from mtl_keras.datasets.numbers import MISSING_WORDS, MONEY

SIGNS = re.compile(rf"{MONEY}|%")
ALIKE = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def mixed_units(column: pd.Series) -> tuple[str, str] | None:
    """Return two cells with different units, which are read as if they had the same; else None.

    These are different currencies, or per cent beside plain numbers. Some currency signs may be
    left out.

    Example:

    >>> mixed_units(pd.Series(["$5", "7", "8 €"])), mixed_units(pd.Series(["5 %", 0.05]))
    (('$5', '8 €'), ('5 %', '0.05'))
    >>> mixed_units(pd.Series(["$5", "7", "USD 8"])), mixed_units(pd.Series([1, 2]))
    (None, None)
    """
    if column.dtype.kind in "fiubmMc":
        return None
    seen: dict[str, str] = {}
    for cell in factorized(column)[1]:
        text = str(cell).strip()
        if text.lower() not in MISSING_WORDS:
            sign = SIGNS.search(text)
            seen.setdefault(ALIKE.get(sign[0], sign[0]) if sign else "", text)
    if "%" not in seen:
        seen.pop("", None)
    first, second, *_ = [*seen.values(), "", ""]
    return (first, second) if len(seen) > 1 else None


def warn_of_mixed_units(name: str, column: pd.Series) -> None:
    """Warn if numbers have different units.

    Args:
        name: What the column is, such as `Feature 'price'`.
        column: The column.
    """
    if (cells := mixed_units(column)) is not None:
        warnings.warn(
            f"{name}: numbers with different units, such as {cells[0]!r} and {cells[1]!r}, are "
            "read as if they had the same. Convert them to one unit.",
            stacklevel=4,
        )
