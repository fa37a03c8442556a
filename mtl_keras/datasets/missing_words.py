"""Words that pandas reads as missing values in a CSV file, such as `NA` and `None`."""

import io
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

WORDS = "missing_words"  # key of `attrs`: how often each word counts as missing, by column
CELL = re.compile(rb"#?\bN/?A\b|\b(?:NULL|NaN|None|n/a|nan|null)\b|<NA>")


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
    order = [list(table.columns).index(column) for column in gaps]
    as_written = {**options, "dtype": str, "keep_default_na": False}
    texts = pd.read_csv(io.BytesIO(content), index_col=False, usecols=order, **as_written)
    found = {}
    for column, read in zip(gaps, texts):
        counts = Counter(texts.loc[table[column].isna().to_numpy(), read].str.strip())
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
