"""The page of a comparison: did it help to train the tasks together?"""

from typing import Any

import pandas as pd

from mtl_keras.drawing.digits import numbers, signed
from mtl_keras.report.intervals import picture
from mtl_keras.report.section import ENVIRONMENT
from mtl_keras.report.wording import measure

REFERENCE, CONSTANT = "single-task", "constant"
SENTENCES = {
    "helped": "Sharing helped.",
    "hurt": "Sharing hurt.",
    "no difference seen": "No difference was seen between sharing and training apart.",
}


def comparison_page(compared: dict[str, Any]) -> str:
    """`comparison.html`: did sharing help?

    Args:
        compared: What `Comparison.to_dict` returns.

    Returns:
        The page, HTML that needs no other file.

    Example:

    >>> import mtl_keras as mtl
    >>> experiment = mtl.Experiment.from_file("data/customers.toml")
    >>> compared = experiment.compare(seeds=2)  # doctest: +SKIP
    >>> page = comparison_page(compared.to_dict())  # doctest: +SKIP
    """
    results = pd.DataFrame(compared["results"])
    seeds = compared["seeds"]
    name = f"{compared['name']}: did sharing help?"
    return ENVIRONMENT.get_template("comparison.html").render(
        title=name,
        heading=name,
        subheading=f"{len(compared['candidates'])} candidates, {seeds} "
        f"seed{'' if seeds == 1 else 's'}, {compared['rows']['test']:,} test rows each",
        facts=compared["about"],
        advice=compared["advice"],
        tasks=[
            _task(str(task), part, compared["units"][task], compared["higher_is_better"][task])
            for task, part in results.groupby("task", sort=False)
        ],
        candidates=[_candidate(name, row) for name, row in compared["candidates"].items()],
        seeds=seeds,
    )


def _task(name: str, part: pd.DataFrame, unit: str, higher: bool) -> dict[str, Any]:
    """The joint model's verdict at a task, and all candidates', the best first."""
    ranked = part.sort_values("gain", ascending=False, kind="stable").reset_index(drop=True)
    shown = ranked[ranked["candidate"] != CONSTANT]  # it would be an arrow in nearly every picture
    rivals = shown[shown["candidate"] != REFERENCE].reset_index(drop=True)
    joint = rivals.index[rivals["candidate"] == "joint"][0]
    drawn = picture(list(rivals[["gain", "low", "high"]].itertuples(index=False)), joint)
    bars = dict(zip(rivals["candidate"], drawn.bars))
    ends = list(ranked.loc[ranked["candidate"] != REFERENCE, ["low", "high"]].to_numpy())
    values = numbers(ranked["value"], intervals=ends)
    rows = []
    for value, (_, row) in zip(values, ranked.iterrows()):
        gain, low, high = signed(row[["gain", "low", "high"]], ends)
        is_reference = row["candidate"] == REFERENCE
        rows.append(
            {
                "candidate": _named(row["candidate"]),
                "joint": row["candidate"] == "joint",
                "value": value,
                "gain": "" if is_reference else gain,
                "interval": "" if is_reference else f"{low} to {high}",
                "verdict": "reference" if is_reference else row["verdict"],
                "numbers": (row["value"], row["gain"]),
                "bar": bars.get(row["candidate"]),
            }
        )
    own = next(row for row in rows if row["joint"])
    what = measure(ranked["measure"][0])
    in_units = f" {unit}" if unit else ""
    return {
        "name": name,
        "measure": what,
        "in_units": f"{what} ({unit})" if unit else what,
        "better": "higher is better" if higher else "lower is better",
        "verdict": own["verdict"],
        "sentence": SENTENCES.get(own["verdict"], own["verdict"]),
        "evidence": f"gain in {what}: {own['gain']}{in_units} ({own['interval']})",
        "rows": rows,
        "picture": drawn,
    }


def _candidate(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """A candidate over all tasks, with a gain of which more is better."""
    gain, spread = -row["delta_m"], row["delta_m_sd"]
    return {
        **row,
        "name": _named(name),
        "joint": name == "joint",
        "gain": gain,
        "gain_text": "reference" if name == REFERENCE else f"{gain:+z.1f}%",
        "spread": ""
        if name == REFERENCE or spread is None or spread != spread
        else f"± {spread:.1f}",
        "chosen": "; ".join(dict.fromkeys(filter(None, row["chosen"]))),
    }


def _named(candidate: str) -> str:
    return "baseline (constant)" if candidate == CONSTANT else candidate
