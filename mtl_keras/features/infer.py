"""Guesses the kind of feature for a column, by documented rules."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.cells import first_of
from mtl_keras.datasets.dates import (
    DATED,
    FORMATS,
    ISO,
    MOSTLY,
    find_format,
    other_reading,
    parse_dates,
    stated_dates,
)
from mtl_keras.datasets.lists import first_list, is_list
from mtl_keras.datasets.numbers import almost_all, find_notation, parsed
from mtl_keras.declaring.naming import named_like_identifier
from mtl_keras.errors import shown
from mtl_keras.features.base import Feature
from mtl_keras.features.boolean import WORDS, Boolean
from mtl_keras.features.categorical import Categorical
from mtl_keras.features.categories import Categories
from mtl_keras.features.date import Date
from mtl_keras.features.guesses import IDENTIFIER, Guess, Guesses
from mtl_keras.features.image import Image
from mtl_keras.features.numeric import Numeric
from mtl_keras.features.sequence import Sequence
from mtl_keras.features.text import Text
from mtl_keras.features.vector import Vector

MANY_VALUES = 50
SHORT_YEAR = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(?!\d)"
WITH_UNIT = r"^[-+]?\d[\d.,]*\s*([^\W\d_]+|°[CF]|[^\W\d_]*[²³])$"
IMAGE_NAME = r"(?i).+\.(?:png|jpe?g|gif|bmp)"


def infer(
    table: pd.DataFrame,
    skip: Iterable[str] = (),
    overrides: Mapping[str, Feature | None] | None = None,
) -> Guesses:
    """Guess a feature for each column. The first rule that applies decides:

    1. Columns that the user declared or dropped are used as declared, or dropped.
    2. Bytes, or at least 95% strings that end in .png, .jpg, .jpeg, .gif or .bmp: `Image`. Lists
       of numbers are a `Vector` if all have the same length, else a `Sequence`; arrays with two or
       three axes are an `Image`; lists of strings are `Categories`.
    3. No value, or only one: dropped, since it carries no information.
    4. Booleans, 0 and 1, or a known pair of strings such as no and yes: `Boolean`.
    5. Dates and times, or at least 95% strings in one format, `YYYY-MM-DD`, `31.12.2020`,
       `12/31/2020` or the like, with or without a time: `Date`. Durations are dropped.
    6. Whole numbers without duplicates that are consecutive, or whose column is named like an
       identifier (`id`, `..._id`, `customerID`, `key`, ...): dropped as an identifier. If some
       occur twice, as with copied rows, the column is used, and its guess tells so.
    7. Numbers, or strings that are all numbers, such as `12.5`, `$1,299` or `12 %`: `Numeric`,
       unless they are numbers of pandas' type `category`.
    8. Strings with more than 50 distinct values that are more than half the number of rows: `Text`
       if they have three or more words on average, else dropped as an identifier. Strings without
       duplicates in a column named like an identifier are dropped, too.
    9. Anything else: `Categorical`.

    Args:
        table: The training rows.
        skip: Columns that are not features: labels, weights, groups.
        overrides: Features by column; None to drop a column.

    Returns:
        A guess for each column that is not skipped, in the order of the table.

    Example:

    >>> table = pd.DataFrame({"id": [7, 8, 9], "age": [31.5, 40.0, None], "member": [0, 1, 0]})
    >>> infer(table)
    id: dropped, looks like an identifier: 3 consecutive whole numbers
    age: numeric, numbers
    member: boolean, 0 and 1
    """
    skipped, overrides = set(skip), dict(overrides or {})
    columns = list(table.columns)
    readers: dict[str, list[str]] = {}  # several features may read one column
    for name, feature in overrides.items():
        for column in [name] if feature is None else feature.reads(columns):
            readers.setdefault(column, []).append(name)
    guesses: dict[str, Guess] = {}
    for column in columns:
        for name in readers.get(column, ()):
            feature = overrides[name]
            guesses[name] = Guess(name, feature, "declared" if feature else "as declared")
        if column not in readers and column not in skipped:
            guesses[column] = _guess(str(column), table[column])
    return Guesses(guesses.values())


def _guess(name: str, column: pd.Series) -> Guess:
    if not name:
        return Guess(name, None, "it has no name")
    present = column.dropna()
    if (several := _several(name, present)) is not None:
        return several
    is_text = column.dtype == object or isinstance(
        column.dtype, (pd.StringDtype, pd.CategoricalDtype)
    )
    if is_text:
        texts = present.astype(str).str.strip()
        present, texts = present[texts != ""], texts[texts != ""]
    if (nothing := uninformative(column)) is not None:
        return Guess(name, None, nothing)
    values = pd.unique(texts if is_text else present)

    if is_text and texts.str.fullmatch(IMAGE_NAME).mean() >= MOSTLY:
        return Guess(name, Image(name), f"names of image files, such as {values[0]}")
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
    if column.dtype.kind == "m":
        return Guess(name, None, "durations: to use them, make numbers of them, such as hours")
    if is_text and (form := find_format(texts)) is not None:
        doubt = other_reading(texts, form) or ""
        return Guess(name, Date(name, format=form), _dated(texts, form), doubt)

    kinds = column.cat.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else None
    stated = kinds is not None and pd.api.types.is_numeric_dtype(kinds)
    numbers = None if stated else _numbers(name, texts if is_text else present, is_text)
    if numbers is not None:
        return numbers

    doubt = _doubt(name, texts) if is_text else ""
    if is_text and len(values) == len(present) and named_like_identifier(name):
        return Guess(name, None, f"{IDENTIFIER}: its name, and no value occurs twice")
    if len(values) > MANY_VALUES and len(values) > 0.5 * len(present):
        words = texts.str.count(" ").mean() + 1 if is_text else 1
        if words >= 3:
            doubt = doubt or _almost_identifier(name, len(values), len(present))
            return Guess(name, Text(name), f"texts of {words:.0f} words on average", doubt)
        many = f"{len(values):,} values in {len(present):,} rows"
        # Dates or numbers that are not all readable identify nothing.
        return Guess(name, None, many if doubt else f"{IDENTIFIER}: {many}", doubt)
    why = f"a category of {len(values)} numbers" if stated else f"{len(values)} different values"
    if is_text:
        folded = pd.Series(values).groupby(pd.Series(values).astype(str).str.lower()).agg(list)
        alike = next((texts for texts in folded if len(texts) > 1), None)
        why += f"; {' and '.join(map(repr, alike[:2]))} differ in case only" if alike else ""
    doubt = doubt or _almost_identifier(name, len(values), len(present))
    if not doubt and is_text and len(values) > MANY_VALUES and texts.str.count(" ").mean() >= 2:
        doubt = "to read their words, state --feature " + shlex.quote(f"{name}:text")
    return Guess(name, Categorical(name), why, doubt)


def _doubt(name: str, texts: pd.Series) -> str:
    """Return why a column of strings may be meant as numbers or dates, if not all are."""
    if texts.str.fullmatch(r"0[0-9]+").any():
        return ""  # codes
    others = almost_all(texts)
    if others is not None:
        first, count = others
        return (
            f"all but {count:,} are numbers: if {first!r} means that a number is missing, state "
            f"--missing-value {shlex.quote(f'{name}={first}')}; if it is a mistake, correct it: "
            f"--feature {shlex.quote(f'{name}:numeric')} shows where it is"
        )
    if len(texts) > 1 and texts.str.match(SHORT_YEAR).mean() >= MOSTLY:
        return (
            "they look like dates whose year has two digits: write them as 2021-12-31, or state "
            "the `format`, such as '%d.%m.%y'"
        )
    if len(texts) > 1 and texts.str.match(DATED).mean() >= MOSTLY:
        return _several_formats(texts)
    units = texts.iloc[:2000].str.extract(WITH_UNIT)[0]
    if units.notna().mean() >= MOSTLY and units.nunique() == 1 and texts.nunique() > 10:
        return f"they look like numbers in {units.dropna().iloc[0]}: write the numbers alone"
    return ""


def _several_formats(texts: pd.Series) -> str:
    """Return that dates are in several formats, where, and what to do."""
    counts = {form: parse_dates(texts, form).notna().sum() for form in FORMATS}
    form = max([*FORMATS[1:], ISO], key=counts.__getitem__)
    fits, advice = parse_dates(texts, form).notna().to_numpy(), "write all of them as 2021-12-31"
    told = "they look like dates in several formats"
    if fits.any():
        told += f": {shown(texts[fits].iloc[0])}, but {first_of(texts, ~fits)}"
    if stated_dates(texts, form).notna().all():
        advice += f", or declare a date with the `format` {form!r}, which reads both"
    return f"{told}: {advice}"


def _almost_identifier(name: str, values: int, rows: int, consecutive: bool = False) -> str:
    """Return a warning of a column that would be an identifier if no value occurred twice."""
    if values <= 0.5 * rows or not (consecutive or named_like_identifier(name)):
        return ""
    drop = shlex.quote(name)
    return f"{values:,} values in {rows:,} rows: if they identify rows, leave it out: --drop {drop}"


def _numbers(name: str, present: pd.Series, is_text: bool) -> Guess | None:
    """Return a guess for a column of numbers or numbers in strings; None for other columns."""
    if present.dtype.kind == "c":
        return Guess(name, None, "complex numbers")
    if is_text and present.str.fullmatch(r"0[0-9]+").any():
        return None  # codes such as 00123, which would change as numbers
    written = find_notation(present)
    numbers, bad = parsed(present, written.name, words=True)
    empty = np.isnan(numbers)
    if bad.any() or empty.mean() > 0.5:
        return None
    numbers = numbers[~empty]
    count, doubt = len(np.unique(numbers)), ""
    if np.all(numbers == np.floor(numbers)):
        consecutive = np.ptp(numbers) == count - 1
        if count == len(numbers) and consecutive:
            return Guess(name, None, f"{IDENTIFIER}: {count:,} consecutive whole numbers")
        if count == len(numbers) and named_like_identifier(name):
            return Guess(name, None, f"{IDENTIFIER}: its name, and no value occurs twice")
        doubt = _almost_identifier(name, count, len(numbers), consecutive)
    if not is_text:
        return Guess(name, Numeric(name), "numbers", doubt)
    example = present.iloc[int(np.flatnonzero(~empty)[0])]
    why = f"strings that are numbers, such as {example}"
    doubt = written.doubt or doubt
    if empty.any():
        why += f"; {present.iloc[int(np.flatnonzero(empty)[0])]} as missing"
    return Guess(name, Numeric(name, notation=written.name), why, doubt)


def uninformative(column: pd.Series) -> str | None:
    """Return why a column carries no information (no value, or only one); None if it may.

    Example:

    >>> uninformative(pd.Series(["a", "a ", None])), uninformative(pd.Series([1, 2]))
    ('it is constant: always a', None)
    """
    present = column.dropna()
    if first_list(present) is not None or (len(present) and isinstance(present.iloc[0], dict)):
        return None
    texts = present.astype(str).str.strip()
    values = pd.unique(texts[texts != ""])
    if len(values) == 0:
        return "it has no values"
    return f"it is constant: always {values[0]}" if len(values) == 1 else None


def _several(name: str, present: pd.Series) -> Guess | None:
    """Return a guess for a column with several values per row."""
    lists = [value for value in present[:1000] if is_list(value)]
    first = present.iloc[0] if len(present) else None
    if isinstance(first, dict) and not {"bytes", "path"} & first.keys():
        return Guess(name, None, "dictionaries: make a column of each of their values")
    if isinstance(first, (bytes, dict)):
        return Guess(name, Image(name), "bytes of files")
    if first_list(present) is None:
        return None
    if all(np.ndim(values) in (2, 3) for values in lists):
        return Guess(name, Image(name), "arrays of pixels")
    members = [member for values in lists for member in values]
    if any(isinstance(member, str) for member in members):
        return Guess(name, Categories(name), "lists of strings")
    lengths = {len(values) for values in present if is_list(values)}
    if len(lengths) == 1:
        return Guess(name, Vector(name), f"lists of {max(lengths)} numbers")
    return Guess(name, Sequence(name), f"lists of {min(lengths)} to {max(lengths)} numbers")


def _dated(texts: pd.Series, form: str) -> str:
    """Return why strings are read as dates, with an example that shows day and month, if any."""
    read = parse_dates(texts.iloc[:2000], form)
    shows = read.dt.day > 12
    return (
        f"strings like {texts[shows[shows].index[0] if shows.any() else read.first_valid_index()]}"
    )


def named(declared: Mapping[str, Any], get: Any) -> dict[str, Feature | None]:
    """Return overrides from a mapping of column to kind, config, feature, `"drop"` or None."""
    return {
        name: None if value in (None, "drop") else get(value, name)
        for name, value in declared.items()
    }
