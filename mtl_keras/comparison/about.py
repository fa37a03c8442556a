"""Describes a comparison."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mtl_keras.export import column_statistics
from mtl_keras.plans import Plan
from mtl_keras.report import about
from mtl_keras.runs.columns import guess_features


def about_comparison(
    plan: Plan, source: Any, rows: pd.DataFrame, parts: Mapping[str, int]
) -> dict[str, str]:
    """Return what was compared, when and with what, as strings by heading.

    Args:
        plan: The plan of the joint model.
        source: The source of the table.
        rows: The table.
        parts: Number of rows of each part.
    """
    guesses = guess_features(plan, rows, rows)
    read = [guess.feature for guess in guesses if guess.feature is not None]
    dates = [feature.fit(feature.select(rows)) for feature in read if feature.is_moment]
    facts = {
        "Predicts": about.predicted(plan.tasks),
        "Table": about.table(source),
        "Rows": about.in_parts(parts),
        "Period": "; ".join(about.periods(dates, column_statistics(dates, rows))),
        "Columns": about.columns(read, len(guesses) - len(read)),
        "Compared": about.moment(about.now()),
        "Made with": about.made_with(about.versions()),
        "Intended use": plan.intended_use or about.UNSTATED,
    }
    return {heading: text for heading, text in facts.items() if text}
