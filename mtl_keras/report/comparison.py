"""The page of a comparison: did sharing help?"""

import functools
from typing import Any

import pandas as pd
from matplotlib.ticker import MaxNLocator

from mtl_keras.drawing import style
from mtl_keras.drawing.digits import numbers, signed
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import ENVIRONMENT
from mtl_keras.report.wording import measure

REFERENCE, CONSTANT = "single-task", "constant"
FAR = 8.0  # times the joint model's interval, beyond which a candidate is an arrow at the edge
GOOD, BAD = style.COLORS[2], "#cc4433"
COLORS = {"helped": GOOD, "better": GOOD, "hurt": BAD, "worse": BAD}
SENTENCES = {
    "helped": "Sharing helped",
    "hurt": "Sharing hurt",
    "no difference seen": "No difference seen between sharing and training apart",
}


def comparison_page(compared: dict[str, Any]) -> str:
    """`comparison.html`: did sharing help?

    Args:
        compared: What `Comparison.to_dict` returns.

    Returns:
        The page, HTML that needs no other file.

    Example:

    >>> page = comparison_page(experiment.compare().to_dict())  # doctest: +SKIP
    """
    draw = Drawer()
    results = pd.DataFrame(compared["results"])
    seeds = compared["seeds"]
    return ENVIRONMENT.get_template("comparison.html").render(
        title=f"{compared['name']}: did sharing help?",
        heading=f"{compared['name']}: did sharing help?",
        subheading=f"{seeds} seed{'' if seeds == 1 else 's'}, "
        f"{compared['rows']['test']:,} test rows each",
        advice=compared["advice"],
        tasks=[_task(str(name), part, draw) for name, part in results.groupby("task", sort=False)],
        candidates=[_candidate(name, row) for name, row in compared["candidates"].items()],
        seeds=seeds,
    )


def _task(name: str, part: pd.DataFrame, draw: Drawer) -> dict[str, Any]:
    """The joint model's verdict at a task, and all candidates', the best first."""
    joint = part[part["candidate"] == "joint"].iloc[0]
    what = measure(joint["measure"])
    ranked = part.sort_values("gain", ascending=False, kind="stable")
    values = numbers(ranked["value"])
    rows = [
        {
            "candidate": _named(row["candidate"]),
            "joint": row["candidate"] == "joint",
            "value": value,
            "gain": "" if row["candidate"] == REFERENCE else gain,
            "interval": "" if row["candidate"] == REFERENCE else f"{low} to {high}",
            "verdict": "reference" if row["candidate"] == REFERENCE else row["verdict"],
            "numbers": (row["value"], row["gain"]),
        }
        for (_, row), value in zip(ranked.iterrows(), values)
        for gain, low, high in [signed(row[["gain", "low", "high"]])]
    ]
    shown = next(row for row in rows if row["joint"])
    return {
        "name": name,
        "measure": what,
        "verdict": joint["verdict"],
        "sentence": SENTENCES.get(joint["verdict"], joint["verdict"]),
        "evidence": f"gain {shown['gain']} in {what} ({shown['interval']})",
        "rows": rows,
        "figure": draw(
            f"Gain in {what} over single-task models",
            functools.partial(draw_gains, part=part),
            note="Right of the line is better. Lines are 95 % intervals; an arrow stands for a "
            "candidate that is too far off to be drawn.",
        ),
    }


def _candidate(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """A candidate over all tasks, with a gain of which more is better."""
    gain, spread = -row["delta_m"], row["delta_m_sd"]
    return {
        **row,
        "name": _named(name),
        "joint": name == "joint",
        "gain": gain,
        "gain_text": "" if name == REFERENCE else f"{gain + 0.0:+.1f}%".replace("-0.0%", "0.0%"),
        "spread": ""
        if name == REFERENCE or spread is None or spread != spread
        else f"± {spread:.1f}",
        "chosen": "; ".join(dict.fromkeys(filter(None, row["chosen"]))),
    }


def _named(candidate: str) -> str:
    return "baseline (constant)" if candidate == CONSTANT else candidate


def draw_gains(ax: Any, part: pd.DataFrame) -> None:
    """The gain of each candidate over the single-task models on one task, with its interval.

    Args:
        ax: Matplotlib axes.
        part: The rows of a comparison's results for the task.
    """
    shown = part[(part["candidate"] != REFERENCE) & (part["candidate"] != CONSTANT)]
    shown = shown.sort_values("gain", kind="stable")
    # Wide enough for the candidates near the joint model; those far off become arrows at the edge.
    size = shown[["low", "high"]].abs().max(axis=1)
    near = shown[size <= FAR * size[shown["candidate"] == "joint"].max()]
    left, right = min(near["low"].min(), 0.0), max(near["high"].max(), 0.0)
    if not left < right:  # no gain, and no uncertainty of it
        left, right = -1.0, 1.0
    margin = 0.08 * (right - left)
    for place, (index, row) in enumerate(shown.iterrows()):
        color = COLORS.get(str(row["verdict"]), style.MUTED)
        if index in near.index:
            ax.plot([row["low"], row["high"]], [place, place], color=color, lw=2.4)
            ax.plot(row["gain"], place, "o", color=color, ms=6)
            continue
        worse = row["gain"] < 0
        ax.plot(left if worse else right, place, "<" if worse else ">", color=color, ms=7)
        ax.annotate(
            signed([row["gain"]])[0],
            (left + margin if worse else right - margin, place),
            ha="left" if worse else "right",
            va="center",
            fontsize=9,
            color=color,
        )
    ax.set_xlim(left - margin, right + margin)
    names = [style.short(name) for name in shown["candidate"]]
    ax.set_yticks(range(len(shown)), names, fontsize=9)
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.axvline(0, color=style.MUTED, lw=1)
    ax.set_xlabel("← worse · gain · better →")
    ax.xaxis.set_major_locator(MaxNLocator(5))
