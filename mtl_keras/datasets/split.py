"""Splits: training, validation and test rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from mtl_keras.datasets.cells import first_of, place
from mtl_keras.datasets.dates import ISO, find_format, parse_dates
from mtl_keras.datasets.keys import group_names
from mtl_keras.datasets.numbers import parsed
from mtl_keras.errors import Checked, ConfigError, DataError, check, nearest, unknown

STRATEGIES = ("random", "group", "time", "column", "file")
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split(Checked):
    """How the rows are divided into training, validation and test rows.

    Args:
        strategy: `"random"`; `"group"`: rows with the same value of `column` stay together;
            `"time"`: rows are ordered by `column`, the oldest are for training and the newest for
            the test, and rows of the same time stay together; `"column"`: `column` contains
            `train`, `validation` or `test` for each row; or `"file"`: for data in several files,
            the rows of one file stay together. Default `"random"`.
        validation: Share of the rows (with `"group"`, of the groups) on which epochs, thresholds
            and correction factors are chosen. Default 0.15.
        test: Share of the rows, or groups, for the final evaluation; they are used only once.
            Default 0.2.
        stratify: With `"random"`, a column whose values should have the same shares in all parts;
            values with fewer than 4 rows are not stratified. Default: none.
        column: Column with the groups, times or parts, for the strategies that need one.

    Raises:
        ConfigError: if an argument is not as described above.

    Example:

    >>> Split("time", column="ordered_at").test
    0.2
    """

    strategy: str = "random"
    validation: float = 0.15
    test: float = 0.2
    stratify: str | None = None
    column: str | None = None

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ConfigError(unknown("split.strategy", self.strategy, STRATEGIES))
        for name in ("validation", "test"):
            value = getattr(self, name)
            check(0 < value < 1, f"split.{name}", "be between 0 and 1", value)
        total = self.validation + self.test
        check(total < 1, "split.validation + test", "leave rows to train on: be < 1", total)
        if self.strategy in ("group", "time", "column") and self.column is None:
            raise ConfigError(
                f"split.strategy={self.strategy!r} needs `split.column`, the column to split by."
            )
        if self.strategy in ("random", "file") and self.column is not None:
            raise ConfigError(
                f"split.strategy={self.strategy!r} does not read `split.column`. Expected the "
                "strategy 'group', which keeps rows with the same value together, 'time' or "
                f"'column'. Received: column={self.column!r}."
            )
        if self.strategy != "random" and self.stratify is not None:
            raise ConfigError("`split.stratify` works with strategy='random' only.")

    def columns(self) -> list[str]:
        """Columns that the split reads, which are therefore not features."""
        return [self.column] if self.strategy in ("group", "column") and self.column else []

    def groups(self, table: pd.DataFrame) -> np.ndarray | None:
        """Return the group of each row; None if rows are split one by one.

        Args:
            table: Rows; of a single file if rows are split by file.
        """
        if self.strategy == "file":
            return np.full(len(table), table.attrs["source"], dtype=object)
        if self.strategy != "group":
            return None
        return group_names(table[self.column])

    def check_columns(self, columns: Sequence[str]) -> None:
        """Raise a DataError if a column of the split does not exist."""
        for name in (self.column, self.stratify):
            if name is not None and name not in columns:
                raise DataError(
                    f"The table has no column {name!r}, which the split needs."
                    f"{nearest(name, columns)}"
                )

    def parts(self, table: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
        """Return the row positions of `"train"`, `"validation"` and `"test"`, ascending.

        Raises:
            DataError: if a column does not exist, or if a part would be empty.
        """
        self.check_columns(list(map(str, table.columns)))
        if self.strategy == "file":
            raise ConfigError("split.strategy='file' needs data in several files, not one table.")
        if self.strategy == "column":
            return self._stated_parts(table)
        if self.strategy == "time":
            assert self.column is not None
            rest, test = self._latest(table, np.arange(len(table)), self.test)
            train, validation = self._latest(table, rest, self.validation / (1 - self.test))
        else:
            rows = np.arange(len(table))
            rest, test = self._drawn(table, rows, self.test, seed)
            train, validation = self._drawn(table, rest, self.validation / (1 - self.test), seed)
        parts = {"train": train, "validation": validation, "test": test}
        for name, positions in parts.items():
            if len(positions) == 0:
                raise DataError(
                    f"The split of {len(table)} rows leaves no {name} rows. Add rows, or use a "
                    "larger share."
                )
        return {name: np.sort(positions) for name, positions in parts.items()}

    def stated(self, table: pd.DataFrame) -> pd.Series:
        """Return the column of parts, after checking it."""
        stated = table[self.column]
        strange = ~stated.isin(PARTS).to_numpy()
        if strange.any():
            raise DataError(
                f"Column {self.column!r} must contain train, validation or test. Received: "
                f"{first_of(stated, strange)}."
            )
        return stated

    def _stated_parts(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        stated = self.stated(table)
        parts = {part: np.flatnonzero((stated == part).to_numpy()) for part in PARTS}
        for part, positions in parts.items():
            if len(positions) == 0:
                raise DataError(f"Column {self.column!r} contains {part} in no row.")
        return parts

    def _drawn(
        self, table: pd.DataFrame, rows: np.ndarray, share: float, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        if len(rows) < 3:
            where = table.attrs.get("source", "The table")
            raise DataError(
                f"{where} has {len(table)} rows with a label: too few to split into three parts."
            )
        if self.strategy == "group":
            self.refuse_missing(table[self.column], "group")
            groups = self.groups(table.iloc[rows])
            assert groups is not None
            if len(np.unique(groups)) < 2:
                raise DataError(f"Column {self.column!r} has too few groups to split into parts.")
            splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
            first, second = next(splitter.split(rows, groups=groups))
            return rows[first], rows[second]
        strata = None
        if self.stratify is not None:
            strata_of = table[self.stratify].iloc[rows]
            if any(isinstance(value, (list, dict, set, np.ndarray)) for value in strata_of):
                raise DataError(
                    f"Column {self.stratify!r} contains lists; the split stratifies by "
                    "single values."
                )
            codes = pd.factorize(strata_of)[0]  # -1 where missing
            counts = pd.Series(codes).map(pd.Series(codes).value_counts()).to_numpy()
            codes = np.where(counts < 4, -2, codes)
            kinds, sizes = np.unique(codes, return_counts=True)
            if sizes[0] < 4:  # a few rare rows are left over: they join the most common
                codes[codes == kinds[0]] = kinds[sizes.argmax()]
            if len(np.unique(codes)) <= share * len(rows):
                strata = codes
        first, second = train_test_split(rows, test_size=share, random_state=seed, stratify=strata)
        return first, second

    def _latest(
        self, table: pd.DataFrame, rows: np.ndarray, share: float
    ) -> tuple[np.ndarray, np.ndarray]:
        times = self.times(table).iloc[rows].to_numpy()
        order = np.argsort(times, kind="stable")
        starts = 1 + np.flatnonzero(times[order[1:]] != times[order[:-1]])
        if len(starts) == 0:
            raise DataError(f"Column {self.column!r} has too few times to split into parts.")
        wanted = len(rows) - max(1, round(share * len(rows)))
        cut = starts[np.abs(starts - wanted).argmin()]
        return rows[order[:cut]], rows[order[cut:]]

    def times(self, table: pd.DataFrame, form: str | None = None) -> pd.Series:
        """Return the column of times as sortable values; strings in a given or guessed format."""
        column = table[self.column]
        self.refuse_missing(column, "time")
        if column.dtype.kind in "Mmiuf":
            return column
        texts = column.astype(str).str.strip()
        if all(isinstance(value, str) for value in column):
            form = form or find_format(texts)
            if form is not None:
                times = parse_dates(texts, form)
            else:
                numbers, bad = parsed(column)
                times = pd.Series(np.where(bad, np.nan, numbers), column.index)
        else:
            times = pd.to_datetime(texts, errors="coerce", format=ISO)
        if times.isna().any():
            raise DataError(
                f"Column {self.column!r} must contain times to split by: dates in one format, such "
                "as 1997-09-30 or 30.09.1997, or numbers. Received: "
                f"{first_of(column, times.isna().to_numpy())}."
            )
        return times

    def refuse_missing(self, column: pd.Series, what: str) -> None:
        """Raise a DataError for the first row without a value."""
        if column.isna().any():
            row = place(column, int(np.flatnonzero(column.isna())[0]))
            raise DataError(f"Column {self.column!r} has no {what} in {row}; the split needs it.")
