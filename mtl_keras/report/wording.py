"""How pages write scores and numbers: the field's names, and no more digits than tell anything."""

import re
from collections.abc import Iterable

import numpy as np

MEASURES = {
    "auc": "AUC",
    "roc_auc": "ROC AUC",
    "mean_auc": "mean ROC AUC",
    "brier": "Brier score",
    "f1": "F1",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "rmse": "RMSE",
    "mae": "MAE",
    "mape": "MAPE",
    "r2": "R²",
    "poisson_deviance": "Poisson deviance",
    "pinball": "pinball loss",
    "quadratic_kappa": "quadratic weighted kappa",
    "classes_off": "mean number of classes off",
    "coverage": "share between the outer quantiles",
    "interval_width": "mean distance of the outer quantiles",
    "conformal_coverage": "coverage",
    "conformal_coverage_se": "coverage: standard error",
    "conformal_width": "mean width of the intervals",
    "conformal_set_size": "mean number of labels in a set",
}
IN_UNITS = {
    *("rmse", "mae", "median_absolute_error", "pinball"),
    *("interval_width", "conformal_width", "mean_residual"),
}
DIGITS = 3
PATH = re.compile(r'"(?:/|~/|\.\.?/|[A-Za-z]:(?:/|\\\\))[^"\n]*?([^"/\\\n]+)"')


def measure(name: str, unit: str = "") -> str:
    """The name of a score, with the unit where it has one.

    Example:

    >>> measure("roc_auc"), measure("rmse", "dollars"), measure("log_loss", "dollars")
    ('ROC AUC', 'RMSE (dollars)', 'log loss')
    """
    written = MEASURES.get(name, name.replace("_", " "))
    return f"{written} ({unit})" if unit and name in IN_UNITS else written


def numbers(values: Iterable[float | None], digits: int = DIGITS) -> list[str]:
    """Numbers to be compared with each other, all with the decimals that suit the largest.

    None and NaN are a dash.

    Args:
        values: The numbers.
        digits: Significant digits of the largest, which has all digits before its point anyway, and
            one more from 0.1 to 1, where shares are. Default 3.

    Example:

    >>> numbers([95.4084, 139.6324]), numbers([0.5331, -1.8e-06]), numbers([5157.4, None])
    (['95.4', '139.6'], ['0.533', '0.000'], ['5,157', '–'])
    """
    listed = [None if value is None else float(value) for value in values]
    known = [abs(value) for value in listed if value is not None and np.isfinite(value)]
    largest = max(known, default=0.0)
    if 0 < largest < 1e-4 or largest >= 1e9:
        return [_or_dash(value, f".{digits - 1}e") for value in listed]
    if largest >= 1000 or not largest:
        decimals = 0
    elif 0.1 <= largest <= 1:
        decimals = digits
    else:
        decimals = max(digits - 2, digits - 1 - int(np.floor(np.log10(largest))))
    return [_or_dash(value, f",.{decimals}f") for value in listed]


def number(value: float | None) -> str:
    """A number alone.

    Example:

    >>> number(0.76727), number(3156.57), number(12), number(float("nan"))
    ('0.767', '3,157', '12', '–')
    """
    if value is not None and np.isfinite(value) and float(value).is_integer() and abs(value) < 1e9:
        return f"{value:,.0f}"
    return numbers([value])[0]


def signed(values: Iterable[float | None]) -> list[str]:
    """Differences: like `numbers`, with two significant digits, and the sign of those above 0.

    Example:

    >>> signed([0.0123, -0.004, 0.0])
    ['+0.012', '-0.004', '0.000']
    """
    listed = list(values)
    return [
        f"+{text}" if value is not None and value > 0 and re.search("[1-9]", text) else text
        for value, text in zip(listed, numbers(listed, DIGITS - 1))
    ]


def share(value: float) -> str:
    """A share in per cent.

    Example:

    >>> share(0.0), share(0.0001), share(0.1672)
    ('0%', 'below 0.1%', '16.7%')
    """
    return "0%" if value == 0 else "below 0.1%" if 0 < value < 0.001 else f"{value:.1%}"


def without_folders(text: str) -> str:
    """A text of TOML or JSON in which quoted paths are names of files, as a page may be passed on.

    Example:

    >>> without_folders('path = "/home/ann/shop.csv"; unit = "km/h"')
    'path = "shop.csv"; unit = "km/h"'
    """
    return PATH.sub(r'"\1"', text)


def _or_dash(value: float | None, form: str) -> str:
    if value is None or not np.isfinite(value):
        return "–"
    text = format(value, form)
    return text if re.search("[1-9]", text) else text.lstrip("-")
