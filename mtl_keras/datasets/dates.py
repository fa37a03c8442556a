"""Dates in tables, including strings in one of the usual formats."""

import re

import pandas as pd

ISO = "ISO8601"
DAYS = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d")
FORMATS = [ISO, *(day + time for day in DAYS for time in ("", " %H:%M", " %H:%M:%S"))]
MOSTLY = 0.95
OFFSET = re.compile(r"(:\d\d(?:\.\d+)?)\s*(?:[Zz]|[+-]\d\d(?::?\d\d)?)$")  # of a time of day
NUMBERS = {"%Y": "([0-9]{4})", **dict.fromkeys(("%m", "%d", "%H", "%M", "%S"), "([0-9]{2})")}
TIMES = [[], ["%H", "%M"], ["%H", "%M", "%S"]]
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
    return max(_fitting(texts), key=lambda f: parse_dates(texts, f).notna().mean(), default=None)


def other_reading(texts: pd.Series, form: str) -> str | None:
    """Return what strings may mean if day and month are the other way round, in words.

    Args:
        texts: The strings.
        form: The format in which they are read.

    Returns:
        None if no other format fits as many of them.

    Example:

    >>> other_reading(pd.Series(["01/02/2021", "01/03/2021"]), "%m/%d/%Y")
    "'01/02/2021' is read as 2021-01-02; if it is 2021-02-01, state the `format` '%d/%m/%Y'"
    >>> other_reading(pd.Series(["01/02/2021", "31/03/2021"]), "%d/%m/%Y") is None
    True
    """
    read = parse_dates(texts, form)
    for other in _fitting(texts):
        again = parse_dates(texts, other)
        differ = (again != read) & again.notna()
        if differ.any() and again.notna().sum() >= read.notna().sum():
            place = int(differ.to_numpy().argmax())
            return (
                f"{texts.iloc[place]!r} is read as {read.iloc[place].date()}; if it is "
                f"{again.iloc[place].date()}, state the `format` {other!r}"
            )
    return None


def _fitting(texts: pd.Series) -> list[str]:
    some = texts.iloc[:2000]  # a few rule out most formats
    return [form for form in FORMATS if parse_dates(some, form).notna().mean() >= MOSTLY]


def parse_dates(texts: pd.Series, form: str) -> pd.Series:
    """Parse strings in one format as timestamps, NaT where a string does not fit.

    Example:

    >>> parse_dates(pd.Series(["31.12.2020", "soon"]), "%d.%m.%Y").isna().tolist()
    [False, True]
    """
    moments = pd.to_datetime(texts, errors="coerce", format=form, utc=form == ISO)
    return moments.dt.tz_localize(None) if form == ISO else moments


def stated_dates(texts: pd.Series, form: str) -> pd.Series:
    """Parse strings in one format, and those that do not fit it as ISO dates.

    The stated format is the first, as 2021-02-01 may be in January.

    Example:

    >>> stated_dates(pd.Series(["31.12.2020", "2021-01-01"]), "%d.%m.%Y").dt.day.tolist()
    [31, 1]
    """
    moments = parse_dates(texts, form)
    return moments if form == ISO else moments.fillna(parse_dates(texts, ISO))


def without_offsets(texts: pd.Series) -> pd.Series:
    """Return strings without the offsets of their times; the same object if none has any.

    Example:

    >>> without_offsets(pd.Series(["2021-06-01 00:00:00+02:00", "2021-06-02"])).tolist()
    ['2021-06-01 00:00:00', '2021-06-02']
    """
    if not any(map(OFFSET.search, texts)):
        return texts
    return texts.str.replace(OFFSET, r"\1", regex=True)


def iso_rewriting(form: str | None) -> tuple[str, str] | None:
    """Return a pattern of the strings in a format, and how its groups are written as an ISO date.

    The strings must have two digits for day, month, hour, minute and second.

    Args:
        form: The format.

    Returns:
        None if the format is ISO, if such strings could be ISO dates, or if the format has other
            parts than these numbers, such as the name of a month.

    Example:

    >>> pattern, rewriting = iso_rewriting("%d.%m.%Y")
    >>> re.sub(pattern, rewriting, "31.12.2020"), iso_rewriting("%d %B %Y")
    ('2020-12-31', None)
    """
    if form is None or form == ISO or form.startswith("%Y-"):
        return None
    pieces = re.split("(%.)", form)
    parts = pieces[1::2]
    times = [part for part in ("%H", "%M", "%S") if part in parts]
    if sorted(parts) != sorted(["%Y", "%m", "%d", *times]) or times not in TIMES:
        return None
    places = {part: rf"\{number}" for number, part in enumerate(parts, start=1)}
    pattern = "".join(NUMBERS.get(piece) or re.escape(piece) for piece in pieces)
    day = "-".join(places[part] for part in ("%Y", "%m", "%d"))
    time = ":".join(places[part] for part in times)
    return f"^{pattern}$", f"{day} {time}".strip()
