"""Dates in tables, including strings in one of the usual formats."""

import pandas as pd

ISO = "ISO8601"
DAYS = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d")
FORMATS = [ISO, *(day + time for day in DAYS for time in ("", " %H:%M", " %H:%M:%S"))]
MOSTLY = 0.95
DATED = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?!\d)"  # how a date looks in all of them


def find_format(texts: pd.Series) -> str | None:
    """Return the first format that fits at least 95% of strings: for `strptime`, or `"ISO8601"`.

    Example:

    >>> find_format(pd.Series(["31.12.2020", "1.2.2021"])), find_format(pd.Series(["soon"]))
    ('%d.%m.%Y', None)
    """
    looks = texts.str.match(DATED)
    if len(texts) == 0 or looks.mean() < MOSTLY:
        return None
    some = texts.iloc[:2000]  # a few rule out most formats
    good = [form for form in FORMATS if parse_dates(some, form).notna().mean() >= MOSTLY]
    return max(good, key=lambda form: parse_dates(texts, form).notna().mean(), default=None)


def parse_dates(texts: pd.Series, form: str) -> pd.Series:
    """Parse strings in one format as timestamps, NaT where a string does not fit.

    Example:

    >>> parse_dates(pd.Series(["31.12.2020", "soon"]), "%d.%m.%Y").isna().tolist()
    [False, True]
    """
    moments = pd.to_datetime(texts, errors="coerce", format=form, utc=form == ISO)
    return moments.dt.tz_localize(None) if form == ISO else moments
