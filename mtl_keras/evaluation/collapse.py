"""Experts that no task uses."""

from collections.abc import Sequence

import pandas as pd

UNUSED = 0.01


def unused_sources(sharing: pd.DataFrame, layers: Sequence[str]) -> list[str]:
    """Return experts that get less than 1% of the weight in every gate that can read them.

    Args:
        sharing: The table from `MultiTaskModel.sharing`.
        layers: Names of the gates.

    Returns:
        Their names. A mixture that uses only a few of its experts is a smaller network than
        intended.

    Example:

    >>> table = pd.DataFrame(
    ...     [("g", "a", "e1", 0.999), ("g", "a", "e2", 0.001)],
    ...     columns=["layer", "reader", "source", "weight"],
    ... )
    >>> unused_sources(table, ["g"])
    ['e2']
    """
    highest = sharing[sharing["layer"].isin(layers)].groupby("source", sort=False)["weight"].max()
    return [str(source) for source in highest[highest < UNUSED].index]
