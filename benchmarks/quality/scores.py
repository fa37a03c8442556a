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
    """For each two models the mean difference of skill, with its 95% interval over tables.

    Targets are averaged within their table. The interval is of the percentiles of means over
    tables drawn with replacement: what another draw of tables might have shown. It knows of seeds
    only what their mean leaves, and there is none for a single table.
    """
    rows = []
    for a, b in itertools.combinations(skills, 2):
        both = (skills[a] - skills[b]).dropna()
        tables = both.groupby("table").mean().to_numpy()
        drawn = np.random.default_rng(0).integers(len(tables), size=(DRAWS, len(tables)))
        low, high = np.percentile(tables[drawn].mean(axis=1), [2.5, 97.5])
        if len(tables) == 1:
            low = high = np.nan
        rows.append(
            {
                "models": f"{a} - {b}",
                "difference": tables.mean(),
                "low": low,
                "high": high,
                "median": np.median(tables),
                "tables ahead": f"{(tables > 0).sum()} of {len(tables)}",
                "targets ahead": f"{(both > 0).sum()} of {len(both)}",
            }
        )
    return pd.DataFrame(rows).set_index("models")


def shared(results: pd.DataFrame) -> pd.DataFrame:
    """The results on the tables and seeds that all models have."""
    case = [results["table"], results["seed"]]
    return results[
        results.groupby(case)["model"].transform("nunique") == results["model"].nunique()
    ]


def report(results: pd.DataFrame, part: str = "test") -> str:
    """Skill per target; and, on what all models have, its means, ranks and differences."""
    unseen = results[results[part].notna()]
    without = sorted({*results["model"]} - {*unseen["model"]})
    results = unseen
    pieces = [f"Trained on the {part} rows, too: {', '.join(without)}"] if without else []
    pieces += [
        f"Percentage of a constant's loss that is removed, {part} rows",
        skill(results, part).round(2).to_string(),
    ]
    common = shared(results)
    if common.empty:
        return "\n\n".join([*pieces, "There is no table and seed that all models have."])
    skills = skill(common, part)
    ranks = skills.rank(axis=1, ascending=False)
    cases = results.drop_duplicates(["model", "table", "seed"])
    summary = pd.DataFrame(
        {
            "mean over targets": skills.mean(),
            "mean over tables": skills.groupby("table").mean().mean(),
            "mean rank": ranks.mean(),
            "first": (ranks == 1).sum(),
            "seconds per table": cases.groupby("model")["seconds"].mean(),
            "results": cases.groupby("model").size(),
        }
    )
    used = common.drop_duplicates(["table", "seed"])
    pieces += [
        f"On the {len(used)} pairs of table and seed that all models have ({len(skills)} targets)",
        summary.sort_values("mean over targets").round(2).to_string(),
    ]
    if len(skills.columns) > 1:
        pieces += [
            "Differences, means over tables with 95% intervals",
            differences(skills).round(2).to_string(),
        ]
    return "\n\n".join(pieces)
