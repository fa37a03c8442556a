"""The page of a comparison: did sharing help?"""

import functools
from typing import Any

import pandas as pd

from mtl_keras.report import figures
from mtl_keras.report.section import ENVIRONMENT


def comparison_page(compared: dict[str, Any]) -> str:
    """`comparison.html`: did sharing help?"""
    draw = figures.Drawer()
    results = pd.DataFrame(compared["results"])
    tasks = []
    for name, part in results.groupby("task", sort=False):
        joint = part[part["candidate"] == "joint"].iloc[0]
        tasks.append(
            {
                "name": name,
                "verdict": joint["verdict"],
                "evidence": f"{joint['measure']} {joint['value']:.4f}, gain {joint['gain']:+.4f} "
                f"[{joint['low']:+.4f}, {joint['high']:+.4f}]",
                "figure": draw(
                    f"{name}: gain in {joint['measure']} over single-task models",
                    functools.partial(figures.gains, part=part),
                ),
            }
        )
    return ENVIRONMENT.get_template("comparison.html").render(
        title=f"{compared['name']}: did sharing help?",
        heading=f"{compared['name']}: did sharing help?",
        subheading=f"{compared['seeds']} seeds, {compared['rows']['test']:,} test rows each",
        advice=compared["advice"],
        tasks=tasks,
        results=compared["results"],
        candidates=compared["candidates"],
        seeds=compared["seeds"],
    )
