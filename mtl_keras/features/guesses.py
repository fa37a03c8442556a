"""What was guessed of the columns of a table, and why."""

from dataclasses import dataclass

from mtl_keras.drawing import notebook
from mtl_keras.features.base import Feature

IDENTIFIER = "looks like an identifier"  # the reason for dropping such a column
SHOWN = 30  # guesses of a `repr`


@dataclass(frozen=True)
class Guess:
    """The kind guessed for a column, and why.

    Attributes:
        column: Name of the column.
        feature: The feature; None if the column is dropped.
        why: The reason, in words.
        doubt: What may be wrong with the column, if so that the guess may be wrong. Default: an
            empty string.

    Example:

    >>> import pandas as pd
    >>> from mtl_keras import features
    >>> table = pd.DataFrame({"town": ["Bath", "Ely", "Bath", "Ely"]})
    >>> features.infer(table)[0].feature
    Categorical('town')
    """

    column: str
    feature: Feature | None
    why: str
    doubt: str = ""

    @property
    def is_identifier(self) -> bool:
        """Whether the column is dropped because it looks like an identifier."""
        return self.feature is None and self.why.startswith(IDENTIFIER)

    @property
    def decided(self) -> str:
        """The kind of the feature, or `dropped`."""
        return self.feature.kind if self.feature else "dropped"

    @property
    def because(self) -> str:
        """The reason, and the doubt if there is one."""
        return f"{self.why}; {self.doubt}" if self.doubt else self.why

    def __str__(self) -> str:
        return f"{self.column}: {self.decided}, {self.because}"


class Guesses(list[Guess]):
    """The guesses for the columns: a list of `Guess`, which a notebook shows as a table.

    Args:
        iterable: The guesses. Default: none.

    Example:

    >>> Guesses([Guess("town", None, "it has no values")])
    town: dropped, it has no values
    """

    def __repr__(self) -> str:
        more = [f"and {len(self) - SHOWN:,} more"] if len(self) > SHOWN else []
        return "\n".join([*map(str, self[:SHOWN]), *more]) or "no columns"

    def _repr_html_(self) -> str:
        rows = [(g.column, g.decided, g.because) for g in self]
        return notebook.block("Columns", notebook.table(["column", "type", "because"], rows))
