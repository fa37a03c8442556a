"""Targets and splits in the form of scikit-learn."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from mtl_keras.datasets import Split, placeholders
from mtl_keras.errors import DataError

MOST_CLASSES = 20  # up to so many distinct whole numbers


@dataclass(frozen=True)
class Targets:
    """The targets of an estimator, and the form in which they were given.

    Attributes:
        tasks: Tasks or kinds by name.
        names: The columns of `y`.
        dimensions: 2 for a table, 1 for a column.
        is_table: Whether `y` is a DataFrame (or a Series).
    """

    tasks: Any
    names: tuple[str, ...]
    dimensions: int
    is_table: bool

    @classmethod
    def of(cls, y: Any, tasks: Any = None, missing: placeholders.Declared = ()) -> Self:
        """Return the targets in `y`, with declared tasks or, for None, guessed kinds.

        Args:
            y: The labels.
            tasks: Tasks or kinds by name. Default None: guessed.
            missing: Values that stand for a missing label: see `Experiment`. Default: none.

        Raises:
            DataError: if `y` is not a column or table of targets.
        """
        if isinstance(y, pd.DataFrame):
            names = tuple(map(str, y.columns))
        elif isinstance(y, pd.Series):
            names = (str("y" if y.name is None else y.name),)
        else:
            y = np.asarray(y)
            shape = y.shape
            if len(shape) not in (1, 2) or 0 in shape:
                raise DataError(
                    "y must be a table, or an array (rows,) or (rows, targets). Received: an array "
                    f"of shape {shape}."
                )
            count = shape[1] if len(shape) == 2 else 1
            names = ("y",) if count == 1 else tuple(f"y{number}" for number in range(count))
        found = cls(tasks, names, y.ndim, isinstance(y, (pd.DataFrame, pd.Series)))
        if tasks is not None:
            return found
        table = placeholders.applied(found.table(y), missing)
        return cls({name: _kind(table[name]) for name in names}, *list(vars(found).values())[1:])

    def table(self, y: Any) -> pd.DataFrame:
        """Return targets as a table with their names."""
        if isinstance(y, pd.DataFrame):
            return y.rename(columns=str)
        values = np.asarray(y, dtype=object) if isinstance(y, (list, tuple)) else np.asarray(y)
        columns = values.reshape(len(values), -1)
        if columns.shape[1] != len(self.names):
            raise DataError(f"y must have the targets {self.names}. Received: {columns.shape[1]}.")
        return pd.DataFrame(columns, columns=list(self.names)).infer_objects()

    def like(self, answers: dict[str, np.ndarray], index: pd.Index | None) -> Any:
        """Return predictions by task in the form of the targets.

        Args:
            answers: The predictions.
            index: The index of their rows; None for numbers from 0.
        """
        table = pd.DataFrame(answers, index=index)
        if self.dimensions == 1:
            (column,) = answers.values()
            return pd.Series(column, index, name=self.names[0]) if self.is_table else column
        return table if self.is_table else table.to_numpy()


def _kind(column: pd.Series) -> str:
    """Return the kind of task that is assumed for a target."""
    present = column.dropna().infer_objects()
    distinct = present.nunique()
    if pd.api.types.is_numeric_dtype(present.dtype) and present.dtype != bool:
        whole = bool((present == present.round()).all())
        if not whole or distinct > MOST_CLASSES:
            return "regression"
    return "binary" if distinct == 2 else "multiclass"


class Validated(Split):
    """A random split without test rows, in whose place the validation rows are used."""

    def parts(self, table: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
        """Return row positions by part: see `Split.parts`."""
        train, validation = self._drawn(table, np.arange(len(table)), self.validation, seed)
        train, validation = np.sort(train), np.sort(validation)
        return {"train": train, "validation": validation, "test": validation}
