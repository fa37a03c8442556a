"""What results say: skill per target, its mean, and differences between models over tables."""

import itertools

import numpy as np
import pandas as pd

DRAWS = 10_000


def skill(results: pd.DataFrame, part: str) -> pd.DataFrame:
    """The percentage of a constant's loss that is removed, by table and target, for each model.

    Losses are averaged over seeds first.
    """
    means = results.groupby(["table", "target", "model"], sort=False)[[part, f"{part} constant"]]
    means = means.mean()
    return (100 * (1 - means[part] / means[f"{part} constant"])).unstack("model")


def differences(skills: pd.DataFrame) -> pd.DataFrame:
    """For each two models the mean difference of skill, with its 95 % interval over tables.

    Targets are averaged within their table. The interval is of the percentiles of means over
    tables drawn with replacement: what another draw of tables might have shown. It knows of seeds
    only what their mean leaves.
    """
    rows = []
    for a, b in itertools.combinations(skills, 2):
        both = (skills[a] - skills[b]).dropna()
        tables = both.groupby("table").mean().to_numpy()
        drawn = np.random.default_rng(0).integers(len(tables), size=(DRAWS, len(tables)))
        low, high = np.percentile(tables[drawn].mean(axis=1), [2.5, 97.5])
        rows.append(
            {
                "models": f"{a} - {b}",
                "difference": tables.mean(),
                "low": low,
                "high": high,
                "tables ahead": f"{(tables > 0).sum()} of {len(tables)}",
                "targets ahead": f"{(both > 0).sum()} of {len(both)}",
            }
        )
    return pd.DataFrame(rows).set_index("models")


def report(results: pd.DataFrame, part: str = "test") -> str:
    """Skill per target; its means, ranks, firsts and seconds; and the differences."""
    skills = skill(results, part)
    complete = skills.dropna()
    ranks = complete.rank(axis=1, ascending=False)
    cases = results.drop_duplicates(["model", "table", "seed"])
    summary = pd.DataFrame(
        {
            "mean over targets": complete.mean(),
            "mean over tables": complete.groupby("table").mean().mean(),
            "mean rank": ranks.mean(),
            "first": (ranks == 1).sum(),
            "seconds per table": cases.groupby("model")["seconds"].mean(),
            "results": cases.groupby("model").size(),
        }
    )
    pieces = [
        f"Percentage of a constant's loss that is removed, {part} rows",
        skills.round(2).to_string(),
        f"On the {len(complete)} targets that all models have",
        summary.sort_values("mean over targets").round(2).to_string(),
    ]
    if len(skills.columns) > 1:
        pieces += [
            "Differences, means over tables with 95 % intervals",
            differences(skills).round(2).to_string(),
        ]
    return "\n\n".join(pieces)
