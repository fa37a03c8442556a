"""Labels as users write them and read them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.categories import other_spellings, undecimal
from mtl_keras.datasets.lists import factorized
from mtl_keras.datasets.numbers import parsed

SHOWN = 10  # number of labels to list


def plain_labels(column: pd.Series) -> np.ndarray:
    """Return labels as Python values, None where missing (NaN, None, ""); 3.0 becomes 3."""
    values = column.astype(object).to_numpy(copy=True)
    values[column.isna().to_numpy()] = None
    numbers = [
        v
        for v in map(undecimal, values)
        if v is not None and not isinstance(v, (str, bool, np.bool_))
    ]
    whole = all(float(v).is_integer() for v in numbers if isinstance(v, (int, float, np.number)))
    labels = np.empty(len(values), object)
    for row, value in enumerate(map(undecimal, values)):
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        if isinstance(value, str):
            labels[row] = value.strip() or None
        elif isinstance(value, (bool, np.bool_)):
            labels[row] = bool(value)
        elif isinstance(value, (int, float, np.number)):
            labels[row] = int(value) if whole else float(value)
        else:
            labels[row] = None if value is None else str(value)
    return labels


def coded_labels(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Return the index of each row's label, -1 where it is missing, and the distinct labels.

    Example:

    >>> codes, labels = coded_labels(pd.Series([3.0, None, 1.0, 3.0]))
    >>> codes.tolist(), labels
    ([0, -1, 1, 0], [3, 1])
    """
    if column.dtype == object:
        codes, labels = pd.factorize(plain_labels(column))
        return codes, list(labels)
    codes, values = factorized(column)  # a few distinct values, many rows
    again, labels = pd.factorize(plain_labels(pd.Series(values)))
    return np.append(again, -1)[codes], list(labels)


def as_in_column(stated: Sequence[Any], labels: Sequence[Any]) -> tuple[Any, ...]:
    """Return given labels as the column has them: a string may mean a number or a boolean.

    Strings may be spelled otherwise: see `other_spellings`.

    Example:

    >>> as_in_column(["2", "1", "3"], [1, 2]), as_in_column(["TRUE"], [False, True])
    ((2, 1, 3), (True,))
    >>> as_in_column(["1.0", "b"], ["1", "2"])
    ('1', 'b')
    """
    booleans = all(isinstance(label, (bool, np.bool_)) for label in labels)
    numbers = not booleans and not any(isinstance(label, (str, bool)) for label in labels)

    def text(label: Any) -> str:
        return str(label).lower() if booleans else str(label)

    def otherwise(label: Any) -> Any:
        value = parsed(pd.Series([label], dtype=object), "1,234.5")[0][0] if numbers else np.nan
        return label if np.isnan(value) else int(value) if value.is_integer() else float(value)

    known = {text(label): label for label in labels}
    known |= {other: known[label] for other, label in other_spellings(known).items()}
    return tuple(known[text(s)] if text(s) in known else otherwise(s) for s in stated)


def some_of(labels: Sequence[Any], separator: str = ", ") -> str:
    """Return the first ten labels as a string, and how many more there are.

    Example:

    >>> some_of("abc"), some_of(range(12), " < ")
    ('a, b, c', '0 < 1 < 2 < 3 < 4 < 5 < 6 < 7 < 8 < 9 < ... (12 in all)')
    """
    first = separator.join(map(str, labels[:SHOWN]))
    more = f"{separator}... ({len(labels):,} in all)" if len(labels) > SHOWN else ""
    return first + more
