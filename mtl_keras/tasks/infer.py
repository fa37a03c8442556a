"""Guesses the kind of task for a column of labels, by documented rules."""

import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.dates import find_format
from mtl_keras.datasets.lists import first_list
from mtl_keras.datasets.numbers import almost_all, find_notation, parsed
from mtl_keras.declaring.naming import named_like_identifier
from mtl_keras.drawing import digits
from mtl_keras.errors import DataError, shown
from mtl_keras.tasks.stated import coded_labels

MANY_CLASSES = 50  # different strings, from which they are no classes if most rows differ
MOST_CLASSES = 1000
FEW_NUMBERS = 20  # up to so many different whole numbers may be names of classes
SMALL = 50  # most counts are smaller
OFTEN_ZERO = 0.05  # whole numbers with at least this share of zeros may be counts


@dataclass(frozen=True)
class TaskGuess:
    """The kind guessed for a column of labels, and why.

    Attributes:
        column: Name of the column.
        kind: The kind.
        why: The reason, in words.
        alternative: Another kind and when it would be right: `("ordinal", "the classes have an
            order")`.
            None if no other is likely.

    Example:

    >>> print(TaskGuess("visits", "count", "whole numbers", ("regression", "it is a quantity")))
    visits: count, whole numbers; if it is a quantity: regression
    """

    column: str
    kind: str
    why: str
    alternative: tuple[str, str] | None = None

    def __str__(self) -> str:
        told = f"{self.column}: {self.kind}, {self.why}"
        if self.alternative is None:
            return told
        kind, when = self.alternative
        return f"{told}; if {when}: {kind}"


class TaskGuesses(list[TaskGuess]):
    """The guesses for several columns: a list of `TaskGuess`, which can be an experiment's `tasks`.

    Args:
        iterable: The guesses. Default: none.

    Example:

    >>> TaskGuesses([TaskGuess("segment", "multiclass", "3 classes")])
    segment: multiclass, 3 classes
    """

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "no columns"


def infer(labels: pd.Series | pd.DataFrame) -> Any:
    """Guess the kind of task for a column of labels, or for each of several.

    The first rule that applies decides:

    1. No label or only one, lists, dates, identifiers (whole numbers without a gap, each once, or
       in a column named like one), or strings that differ in most rows: an error.
    2. Two labels that are not fractions: binary.
    3. An ordered pandas Categorical: ordinal.
    4. Strings that are not numbers: multiclass.
    5. Numbers with fractions: regression, if there are more than ten of them or if they differ in
       most rows.
    6. More than ten whole numbers >= 0, with zero in at least 5% of the rows, almost all below 50
       and the smaller ones without a gap: count.
    7. More than 20 whole numbers: regression.
    8. Other numbers may be classes, grades, counts or quantities: an error that lists these kinds.

    Args:
        labels: The column, or a DataFrame with only such columns; missing labels are ignored.

    Returns:
        The kind, the reason for it, and when another kind would be right; for a DataFrame, a list
        of them, which `mtl_keras.Experiment(tasks=...)` accepts.

    Raises:
        DataError: if the kind is not clear, or there is nothing to predict.

    Example:

    >>> guess = infer(pd.Series(["a", "c", "b", "a"], name="segment"))
    >>> guess.kind, guess.why
    ('multiclass', '3 classes')
    >>> infer(pd.DataFrame({"churned": [True, False, None], "spend": [1.5, 2.5, 3.5]}))
    churned: binary, 2 classes (True, False)
    spend: regression, numbers from 1.50 to 3.50
    """
    if isinstance(labels, pd.DataFrame):
        return TaskGuesses(_guess(labels[name]) for name in labels)
    return _guess(labels)


def _guess(labels: pd.Series) -> TaskGuess:
    name = str(labels.name)
    present = labels.dropna()
    if first_list(present) is not None or (len(present) and isinstance(present.iloc[0], dict)):
        raise _refused(
            name, "its cells contain several values each", "Split it into columns of one value."
        )
    codes, values = coded_labels(present)
    rows = int((codes >= 0).sum())
    if len(values) < 2:
        what = f"it is constant (always {shown(values[0])})" if values else "it has no label"
        raise _refused(name, what, "There is nothing to learn. Name another column.")
    if labels.dtype.kind == "M" or _dates(values):
        raise _refused(
            name, "it contains dates", "Make a number of it, such as the days from a fixed date."
        )
    numbers = _numbers(values)
    whole = numbers is not None and bool((numbers == np.floor(numbers)).all())
    if len(values) == 2 and (numbers is None or whole):
        return TaskGuess(name, "binary", f"2 classes ({shown(values[0])}, {shown(values[1])})")
    if isinstance(labels.dtype, pd.CategoricalDtype) and labels.dtype.ordered:
        return TaskGuess(name, "ordinal", f"{len(values)} classes with an order")
    if numbers is None:
        return _of_texts(name, values, rows, present)
    if not whole:
        return _of_fractions(name, numbers, codes)
    return _of_whole_numbers(name, numbers, codes)


def _of_texts(name: str, values: list[object], rows: int, present: pd.Series) -> TaskGuess:
    count = len(values)
    others = almost_all(present.astype(str)) if count > FEW_NUMBERS else None
    if others is not None:
        first, number = others
        what = f"all but {number:,} of its labels are numbers; the first other one is {first!r}"
        missing = shlex.quote(f"{name}={first}")
        advice = f"If it means that the label is missing, state --missing-value {missing}; "
        advice += f"if they are classes, declare {name}:multiclass; otherwise correct them."
        raise _refused(name, what, advice)
    if count > MOST_CLASSES or count == rows or (count > MANY_CLASSES and count > rows / 2):
        what = f"{count:,} different strings in {rows:,} rows look like identifiers or free text"
        raise _refused(name, what, f"If they are classes nevertheless, declare {name}:multiclass.")
    return TaskGuess(name, "multiclass", f"{count} classes")  # their order would have to be given


def _of_fractions(name: str, numbers: np.ndarray, codes: np.ndarray) -> TaskGuess:
    labels = numbers[codes[codes >= 0]]
    if len(numbers) <= 10 and len(numbers) <= len(labels) / 2:
        raise _unclear(name, numbers)
    zeros = float((labels == 0).mean())
    if zeros >= OFTEN_ZERO and labels.min() == 0:
        why = f"amounts, {100 * zeros:.0f}% of them zero"
        alternative = ("zero_inflated_log_normal", "the others are spread over several magnitudes")
        return TaskGuess(name, "regression", why, alternative)
    return TaskGuess(name, "regression", f"numbers {_span(numbers)}")


def _of_whole_numbers(name: str, numbers: np.ndarray, codes: np.ndarray) -> TaskGuess:
    labels = numbers[codes[codes >= 0]]
    unique = len(labels) == len(numbers) > 2
    if unique and (np.ptp(numbers) == len(numbers) - 1 or named_like_identifier(name)):
        raise _refused(
            name,
            f"{len(numbers):,} whole numbers, each in one row, look like an identifier",
            f"If it is a quantity nevertheless, declare {name}:regression.",
        )
    span = f"whole numbers {_span(numbers)}"
    small, most = np.quantile(labels, (0.5, 0.95))
    gapless = set(range(int(small) + 1)) <= set(numbers.tolist())
    often_zero = (labels == 0).mean() >= OFTEN_ZERO
    if numbers.min() == 0 and len(numbers) > 10 and often_zero and most < SMALL and gapless:
        return TaskGuess(name, "count", span, ("regression", "it is a quantity"))
    if len(numbers) > FEW_NUMBERS:
        alternative = ("count", "it counts events") if numbers.min() >= 0 else None
        return TaskGuess(name, "regression", span, alternative)
    raise _unclear(name, numbers)


def _span(numbers: np.ndarray) -> str:
    return f"from {digits.number(numbers.min())} to {digits.number(numbers.max())}"


def _unclear(name: str, numbers: np.ndarray) -> DataError:
    listed = ", ".join(f"{number:g}" for number in np.sort(numbers)[:6])
    more = ", ..." if len(numbers) > 6 else ""
    kinds = {"multiclass": "names of classes", "ordinal": "grades in ascending order"}
    if numbers.min() >= 0 and (numbers == np.floor(numbers)).all():
        kinds["count"] = "numbers of events"
    kinds["regression"] = "a quantity"
    choice = ", ".join(f"{name}:{kind} for {what}" for kind, what in kinds.items())
    return _refused(name, f"{len(numbers)} different numbers ({listed}{more})", f"State {choice}.")


def _refused(name: str, what: str, advice: str) -> DataError:
    return DataError(f"The kind of target {name!r} is not clear: {what}. {advice}")


def _dates(values: list[object]) -> bool:
    texts = [value.strip() for value in values if isinstance(value, str)]
    return len(texts) == len(values) and find_format(pd.Series(texts, dtype=object)) is not None


def _numbers(values: list[object]) -> np.ndarray | None:
    """Labels as numbers; None if they are booleans, codes such as 00123, or other texts."""
    if any(isinstance(value, bool) for value in values):
        return None
    column = pd.Series(values, dtype=object)
    texts = column[[isinstance(value, str) for value in values]].astype(str)
    if texts.str.fullmatch(r"0[0-9]+").any():
        return None
    numbers, bad = parsed(column, find_notation(column).name)
    return None if bad.any() or np.isnan(numbers).any() else numbers
