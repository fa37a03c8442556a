"""Splits: training, validation and test rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from mtl_keras.datasets.categories import category_texts
from mtl_keras.datasets.cells import first_of, place
from mtl_keras.datasets.dates import ISO, find_format, other_reading, stated_dates
from mtl_keras.datasets.lists import is_list
from mtl_keras.datasets.numbers import parsed
from mtl_keras.errors import Checked, ConfigError, DataError, check, no_column, unknown

FEWEST = 4  # rows of a value that is stratified
RARE = -2  # the stratum of all other values
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
            values with fewer than 4 rows are told and not stratified. Default: none.
        column: Column with the groups, times or parts, for the strategies that need one.
        format: With `"time"`, the format of times that are strings, as for `strptime`. Default
            None: that of a declared `date` feature of the column, or else recognised.

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
    format: str | None = None

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            stratified = str(self.strategy).startswith("stratif")
            instead = "Name the column of the classes in `split.stratify`." if stratified else ""
            raise ConfigError(unknown("split.strategy", self.strategy, STRATEGIES, instead))
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
        if self.strategy != "time" and self.format is not None:
            raise ConfigError(
                f"`split.format` is the format of times, which strategy={self.strategy!r} does not "
                f"read. Received: format={self.format!r}. Leave it out."
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
        return category_texts(table[self.column])

    def groups_in(self, sample: pd.DataFrame) -> np.ndarray | None:
        """Return the group of each row of a sample; None if it is not known, as that of a file."""
        return None if self.strategy == "file" else self.groups(sample)

    def check_columns(self, columns: Sequence[str]) -> None:
        """Raise a DataError if a column of the split does not exist."""
        for name in (self.column, self.stratify):
            if name is not None and name not in columns:
                raise no_column(name, "the split needs", columns)

    def unstratified(self, table: pd.DataFrame) -> str | None:
        """Return how many rows are not stratified, in words; None if all are.

        Raises:
            DataError: if the column does not exist, or has several values per row.
        """
        if self.stratify is None:
            return None
        self.check_columns(list(map(str, table.columns)))
        count = int(_rare(self._texts(table[self.stratify])).sum())
        return (
            f"{count:,} of {len(table):,} rows have a value of {self.stratify!r} that fewer than "
            f"{FEWEST} rows have: they are split at random, not stratified"
            if count
            else None
        )

    def doubt(self, table: pd.DataFrame) -> str | None:
        """Return how times may be meant otherwise, in words; None if there is no doubt.

        Raises:
            DataError: if the column does not exist.
        """
        self.check_columns(list(map(str, table.columns)))
        if self.strategy != "time" or self.format is not None:
            return None
        texts = table[self.column].dropna().astype(str).str.strip()
        form = find_format(texts) if all(isinstance(v, str) for v in table[self.column]) else None
        other = None if form is None else other_reading(texts, form)
        return f"split by time: {other}" if other else None

    def parts(self, table: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
        """Return the row positions of `"train"`, `"validation"` and `"test"`, ascending.

        Raises:
            DataError: if a column does not exist, if its values cannot be stratified, or if a part
                would be empty.
        """
        self.check_columns(list(map(str, table.columns)))
        if self.strategy == "file":
            raise ConfigError(
                "split.strategy='file' needs several files that are read as a stream, not one "
                "table. Leave out `streaming=False`."
            )
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
        column = None if self.stratify is None else table[self.stratify].iloc[rows]
        strata = None if column is None else self._strata(column, share)
        first, second = train_test_split(rows, test_size=share, random_state=seed, stratify=strata)
        return first, second

    def _strata(self, column: pd.Series, share: float) -> np.ndarray:
        """Return the stratum of each row: its value, or one for all rare values together."""
        texts = self._texts(column)
        rare, strata = _rare(texts), pd.factorize(texts.replace("", None))[0]  # -1 where missing
        if rare.all():
            raise DataError(
                f"The split cannot stratify by {self.stratify!r}: each of its values is in fewer "
                f"than {FEWEST} of {len(column):,} rows. Choose a column of a few values, such as "
                "classes or intervals of a number, or leave `stratify` out."
            )
        kinds, sizes = np.unique(strata[~rare], return_counts=True)
        few = rare.sum() < FEWEST  # they join the most common value
        strata[rare] = kinds[sizes.argmax()] if few else RARE
        count, smaller = len(np.unique(strata)), int(min(share, 1 - share) * len(strata))
        if count > smaller:
            raise DataError(
                f"The split cannot stratify by {self.stratify!r}: it has {count:,} values, and a "
                f"part of {len(strata):,} rows would have {smaller:,}. Choose a column of fewer "
                "values, add rows, use a larger share, or leave `stratify` out."
            )
        return strata

    def _texts(self, column: pd.Series) -> pd.Series:
        """Return the values to stratify by, as they are compared; an error if there are lists."""
        if any(isinstance(value, dict) or is_list(value) for value in column):
            raise DataError(
                f"Column {self.stratify!r} contains lists; the split stratifies by single values."
            )
        return pd.Series(category_texts(column))

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
            form = self.format or form or find_format(texts)
            if form is not None:
                times = stated_dates(texts, form)
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
        """Raise a DataError for the first row without a value, or with an empty string."""
        absent = column.isna().to_numpy()
        if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            absent = absent | (category_texts(column) == "")
        if absent.any():
            row = place(column, int(np.flatnonzero(absent)[0]))
            raise DataError(f"Column {self.column!r} has no {what} in {row}; the split needs it.")


def _rare(texts: pd.Series) -> np.ndarray:
    """Return which rows have a value that too few rows have to be stratified."""
    return (texts.map(texts.value_counts()) < FEWEST).to_numpy()
