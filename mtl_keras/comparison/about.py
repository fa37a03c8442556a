"""Describes a comparison."""

from collections.abc import Mapping
from typing import Any

from mtl_keras.plans import Plan
from mtl_keras.report import about
from mtl_keras.runs import Run


def about_comparison(
    plan: Plan, source: Any, parts: Mapping[str, int], joint: Mapping[str, str]
) -> dict[str, str]:
    """Return what was compared, when and with what, as strings by heading.

    Args:
        plan: The plan of the joint model.
        source: The source of the table.
        parts: Number of rows of each part.
        joint: What `about_training` returns for the joint model.
    """
    facts = {
        "Predicts": about.predicted(plan.tasks),
        "Table": about.table(source),
        "Rows": about.in_parts(parts),
        **joint,
        "Compared": about.moment(about.now()),
        "Made with": about.made_with(about.versions()),
        "Intended use": plan.intended_use or about.UNSTATED,
    }
    return {heading: text for heading, text in facts.items() if text}


def about_training(run: Run) -> dict[str, str]:
    """The period of the training rows and the columns that a model reads, by heading."""
    features = run.encoder.features
    left_out = sum(guess.feature is None for guess in run.guesses)
    return {
        "Period of the training rows": "; ".join(about.periods(features, run.statistics)),
        "Columns": about.columns(features, left_out),
    }
