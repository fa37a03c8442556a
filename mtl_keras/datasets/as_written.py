"""Numbers in a CSV file that mean something else than pandas reads: codes, and thousands."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.numbers import inexact

THOUSANDS = r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}"


def as_written(table: pd.DataFrame, content: bytes, options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table with strings where a number may not be what is written.

    These are codes such as `00123`, which would lose their zeros; whole numbers of 2**53 and more
    in a column with an empty cell, which would lose their last digits; and columns of numbers such
    as `1.234` in a file with semicolons, where this is usually 1234.

    Args:
        table: The table of the file.
        content: The content of the file.
        options: The arguments with which pandas reads it.

    Example:

    >>> content = b"price;code\\n1.234;007\\n999;008\\n"
    >>> table = pd.read_csv(io.BytesIO(content), sep=";")
    >>> as_written(table, content, {"sep": ";"}).to_numpy().tolist()
    [['1.234', '007'], ['999', '008']]
    """
    codes, thousands = _has_leading_zero(content, options["sep"]), options["sep"] == ";"

    def doubtful(column: pd.Series) -> bool:
        kind, present = column.dtype.kind, column.dropna()
        if kind not in "iuf":
            return False
        whole = codes and (present % 1 == 0).all()
        small = thousands and kind == "f" and (present.abs() < 1000).all()
        return bool(whole or small or inexact(column).any())

    columns = [column for column in table.columns if doubtful(table[column])]
    if not columns:
        return table
    order = [list(table.columns).index(column) for column in columns]
    texts = pd.read_csv(
        io.BytesIO(content), index_col=False, usecols=order, **{**options, "dtype": str}
    ).set_axis(table.index)
    for column, read in zip(columns, texts.columns):
        numbers, written = table[column], texts[read].dropna().str.strip()
        code = (numbers.dropna() % 1 == 0).all() and written.str.match(r"[+-]?0[0-9]").any()
        long = inexact(numbers).any() and written.str.fullmatch(r"[+-]?[0-9]+").all()
        fractions = written[written.str.contains(".", regex=False)]
        grouped = thousands and len(fractions) and fractions.str.fullmatch(THOUSANDS).all()
        if code or long or grouped:
            table[column] = texts[read]
    return table


def _has_leading_zero(content: bytes, delimiter: str) -> bool:
    """Return whether any cell begins with a zero and another digit, in a file of any length."""
    characters = np.frombuffer(content, np.uint8)
    zeros = np.flatnonzero(characters[1:-1] == ord("0")) + 1
    zeros = zeros[characters[zeros + 1] - ord("0") < 10]  # unsigned: others are far above
    return bool(np.isin(characters[zeros - 1], list(f'{delimiter}"\r\n '.encode())).any())
