"""How pages write scores, in the field's words."""

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

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
    "interval_width": "mean distance between the outer quantiles",
    "conformal_coverage": "coverage",
    "conformal_coverage_se": "coverage: standard error",
    "conformal_width": "mean width of the intervals",
    "conformal_set_size": "mean number of labels in a set",
}
IN_UNITS = {
    *("rmse", "mae", "median_absolute_error", "pinball"),
    *("interval_width", "conformal_width", "mean_residual"),
}
PATH = re.compile(r'"(?:/|~/|\.\.?/|[A-Za-z]:(?:/|\\\\))[^"\n]*?([^"/\\\n]+)"')


def measure(name: str, unit: str = "") -> str:
    """The name of a score, with the unit where it has one.

    Example:

    >>> measure("roc_auc"), measure("rmse", "dollars"), measure("log_loss", "dollars")
    ('ROC AUC', 'RMSE (dollars)', 'log loss')
    """
    written = MEASURES.get(name, name.replace("_", " "))
    return f"{written} ({unit})" if unit and name in IN_UNITS else written


def row_loss(name: str, unit: str = "") -> str:
    """The name of a score of a single row.

    Example:

    >>> row_loss("mae", "dollars"), row_loss("log_loss")
    ('absolute error (dollars)', 'log loss')
    """
    return measure(name, unit).replace("MAE", "absolute error")


def breakable(text: str) -> Markup:
    """A name for a page, which may begin a new line after each of its parts.

    Example:

    >>> breakable("spend_90d <£>")
    Markup('spend_<wbr>90d &lt;£&gt;')
    """
    return Markup(re.sub(r"([_+/])(?=\w)", r"\1<wbr>", str(escape(text))))


def cell(text: str) -> str:
    """A text as it is, in a heading or a cell of a Markdown table.

    Example:

    >>> cell("toys <kids> | games")
    'toys &lt;kids> \\\\| games'
    """
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def in_a_list(names: Sequence[str]) -> str:
    """Names in a sentence.

    Example:

    >>> in_a_list(["spend"]), in_a_list(["churned", "spend", "orders"])
    ('spend', 'churned, spend and orders')
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def capitalised(text: str) -> str:
    """A text that begins with a capital letter, all others as they are.

    Example:

    >>> capitalised("the AUC")
    'The AUC'
    """
    return text[:1].upper() + text[1:]


def without_folders(text: str) -> str:
    """A text of TOML or JSON in which quoted paths are names of files, as a page may be passed on.

    Example:

    >>> without_folders('path = "/home/ann/shop.csv"; unit = "km/h"')
    'path = "shop.csv"; unit = "km/h"'
    """
    return PATH.sub(r'"\1"', text)
