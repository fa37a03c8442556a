"""Numbers such as `79.552` in files that have decimal commas, where the point groups digits."""

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.numbers import find_notation
from mtl_keras.errors import shown

GROUPED = r"[-+]?(?:[1-9][0-9]{0,2}\.[0-9]{3}|[0-9]{1,3})"
COMMA = r"[-+]?[0-9.]*,[0-9]+"
SAMPLE = 1000  # cells of a column that show its notation


def with_grouped_digits(
    table: pd.DataFrame,
    path: Path,
    content: bytes,
    options: Mapping[str, Any],
    tell: bool = True,
) -> pd.DataFrame:
    """Return the table, with numbers as they are where a point separates thousands.

    pandas reads `79.552` as 79.552. It is 79,552 in a file with decimal commas: one that separates
    cells by semicolons, or has numbers such as `6,7`, and in which no number has another count of
    digits than three after a point.

    Args:
        table: The table of the file.
        path: The file, for the warning.
        content: The content of the file.
        options: The arguments with which pandas reads it.
        tell: Whether to warn of such numbers. Default True.

    Example:

    >>> content = b"km;hours\\n79.552;6,7\\n950;3,0\\n"
    >>> with warnings.catch_warnings(record=True):
    ...     read = pd.read_csv(io.BytesIO(content), sep=";")
    ...     read = with_grouped_digits(read, Path("cars.csv"), content, {"sep": ";"})
    >>> read["km"].tolist()
    [79552.0, 950.0]
    """
    floats = [name for name in table if table[name].dtype.kind == "f"]
    values = {name: table[name].dropna().to_numpy() for name in floats}
    small = [name for name in floats if _may_be_grouped(values[name])]
    fractions = any((values[name] % 1 != 0).any() for name in floats if name not in small)
    if not small or fractions or not (options["sep"] == ";" or _has_decimal_commas(table)):
        return table
    order = [list(table.columns).index(name) for name in small]
    texts = pd.read_csv(
        io.BytesIO(content), index_col=False, usecols=order, **{**options, "dtype": str}
    )
    texts = texts.set_axis(small, axis=1).apply(lambda column: column.str.strip())
    points = texts.apply(lambda column: column.str.contains(".", regex=False, na=False))
    grouped = [name for name in small if points[name].any()]
    if not all(texts[name].str.fullmatch(GROUPED, na=True).all() for name in grouped):
        return table
    for name in grouped:
        column = texts[name]
        example = column[points[name]].iloc[0]
        number = example.replace(".", "")
        if tell:
            warnings.warn(
                f"{path}: {example} in column {shown(name)} is read as {number}, since the file "
                "appears to have decimal commas; pandas.read_csv does so with decimal=',', "
                "thousands='.'. If the point is a decimal one, save the file with commas between "
                "the cells, or as Parquet.",
                stacklevel=2,
            )
        table[name] = column.str.replace(".", "", regex=False).astype("float64")
    return table


def _may_be_grouped(numbers: np.ndarray) -> bool:
    """Return whether the numbers are below 1000, with at most three decimals."""
    thousands = numbers * 1000
    near = np.abs(thousands - np.round(thousands)) < 1e-6
    return len(numbers) > 0 and bool((near & (np.abs(numbers) < 1000)).all())


def _has_decimal_commas(table: pd.DataFrame) -> bool:
    """Return whether a column contains numbers that can only be read with a decimal comma."""
    for name in table:
        if pd.api.types.is_numeric_dtype(table[name]):
            continue
        cells = table[name].dropna().head(SAMPLE)
        texts = cells[cells.map(lambda cell: isinstance(cell, str))].str.strip()
        if len(texts) and texts.str.fullmatch(COMMA).mean() > 0.5:
            notation = find_notation(texts)
            if notation.name == "1.234,5" and notation.ambiguous is None:
                return True
    return False
