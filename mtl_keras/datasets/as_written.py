"""What pandas reads otherwise than a CSV file means it: codes, thousands, and words like `NA`."""

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.numbers import inexact

THOUSANDS = r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}"
WORDS = "missing_words"  # key of `attrs`: how often each word counts as missing, by column
CELL = re.compile(rb"#?\bN/?A\b|\b(?:NULL|NaN|None|n/a|nan|null)\b|<NA>")


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
    for column, texts in read_as_texts(table, columns, content, options).items():
        numbers, written = table[column], texts.dropna().str.strip()
        code = (numbers.dropna() % 1 == 0).all() and written.str.match(r"[+-]?0[0-9]").any()
        long = inexact(numbers).any() and written.str.fullmatch(r"[+-]?[0-9]+").all()
        fractions = written[written.str.contains(".", regex=False)]
        grouped = thousands and len(fractions) and fractions.str.fullmatch(THOUSANDS).all()
        if code or long or grouped:
            table[column] = texts
    return table


def missing_words(
    table: pd.DataFrame, content: bytes, options: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """Return the words that count as missing in columns of strings, where they may be values.

    In a column of numbers, they can mean nothing else.

    Args:
        table: The table of the file.
        content: The content of the file.
        options: The arguments with which pandas reads it.

    Returns:
        The number of cells by word, by column.

    Example:

    >>> content = b"plan,age\\nNone,NA\\npro,30\\n,20\\n"
    >>> missing_words(pd.read_csv(io.BytesIO(content)), content, {})
    {'plan': {'None': 1}}
    """
    gaps = [
        column
        for column in table
        if table[column].dtype.kind not in "biufM" and table[column].isna().any()
    ]
    if not gaps or CELL.search(content) is None:
        return {}
    found = {}
    texts = read_as_texts(table, gaps, content, {**options, "keep_default_na": False})
    for column in gaps:
        counts = Counter(texts.loc[table[column].isna().to_numpy(), column].str.strip())
        del counts[""]
        if counts:
            found[str(column)] = dict(counts)
    return found


def told(words: Mapping[str, Mapping[str, int]]) -> str:
    """Return the words of a table as a line for the user.

    Example:

    >>> told({"plan": {"None": 3}, "town": {"NA": 2}})[:72]
    "cells that count as missing: 'None' in 3 rows of plan, 'NA' in 2 rows of"
    """
    each = (
        f"{word!r} in {count:,} rows of {column}"
        for column, counts in words.items()
        for word, count in counts.items()
    )
    listed = ", ".join(each)
    return f"cells that count as missing: {listed}. If such a word is a value, spell it differently"


def read_as_texts(
    table: pd.DataFrame, columns: Sequence[Any], content: bytes, options: Mapping[str, Any]
) -> pd.DataFrame:
    """Read some columns of a table again, as strings: see `as_written`."""
    places = [list(table.columns).index(column) for column in columns]
    options = {**options, "dtype": str, "index_col": False, "usecols": places}
    texts = pd.read_csv(io.BytesIO(content), **options)
    return texts.set_axis(columns, axis=1).set_axis(table.index)


def _has_leading_zero(content: bytes, delimiter: str) -> bool:
    """Return whether any cell begins with a zero and another digit, in a file of any length."""
    characters = np.frombuffer(content, np.uint8)
    zeros = np.flatnonzero(characters[1:-1] == ord("0")) + 1
    zeros = zeros[characters[zeros + 1] - ord("0") < 10]  # unsigned: others are far above
    return bool(np.isin(characters[zeros - 1], list(f'{delimiter}"\r\n '.encode())).any())
