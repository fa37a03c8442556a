"""The coverage of intervals and sets, declared 0.9, on rows that chose nothing.

Each table is split anew for each seed. `coverage` is that of the intervals and sets as they are
served, learned on the validation rows, which also chose the epoch, the calibration and the
threshold; `fresh` is that of the same network with regions learned on as many test rows instead,
which chose nothing. Both are measured on the same other test rows, so that their difference is the
price of using the validation rows twice. `width` is the mean width of an interval in units, or the
mean number of labels in a set. Means over the seeds, with the standard error of the mean.

With `--joint`, the tasks are declared to hold together with 0.9, and `coverage` is that of all of
them.

Run with `python benchmarks/coverage.py [--seeds 10] [--tables customers diabetes] [--joint]`.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes

import mtl_keras as mtl
from mtl_keras import tasks
from mtl_keras.evaluation import labelled, regions_of

LEVEL = 0.9
CUSTOMERS = Path(__file__).parents[1] / "data" / "customers.csv"


def customers(rows: int | None = None) -> tuple[pd.DataFrame, list[tasks.Task]]:
    table = pd.read_csv(CUSTOMERS).drop(columns="customer_id")
    table["band"] = pd.cut(table["spend"], [-1, 0, 30, 100, np.inf], labels=["0", "1", "2", "3"])
    declared = [
        tasks.Binary("churned", calibration="isotonic"),
        tasks.Regression("spend", loss="poisson"),
        tasks.Regression("log_spend", column="spend", transform="log1p"),
        tasks.ZeroInflatedLogNormal("zero_or_spend", column="spend"),
        tasks.Quantiles("spend_levels", column="spend", levels=(0.05, 0.5, 0.95)),
        tasks.Count("orders"),
        tasks.Ordinal("band", classes=("0", "1", "2", "3")),
    ]
    return table if rows is None else table.sample(rows, random_state=0), declared


def diabetes() -> tuple[pd.DataFrame, list[tasks.Task]]:
    table = load_diabetes(as_frame=True, scaled=False).frame
    table["third"] = pd.qcut(table["target"], 3, labels=["low", "middle", "high"]).astype(object)
    declared = [
        tasks.Regression("progress", column="target"),
        tasks.Quantiles("levels", column="target", levels=(0.05, 0.5, 0.95)),
        tasks.Multiclass("third"),
        tasks.Ordinal("order", column="third", classes=("low", "middle", "high")),
    ]
    return table, declared


TABLES = {
    "customers": customers,
    "customers, 2,000 rows": lambda: customers(2000),
    "diabetes": diabetes,
}


def coverages(run: mtl.Run, seed: int) -> Mapping[str, Mapping[str, float]]:
    """For each task, the coverage as served and of fresh rows, and the width."""
    order = np.random.default_rng(seed).permutation(len(run.test))
    fresh, judged = np.split(order, [min(run.rows["validation"], len(order) // 2)])
    outputs = run.model.predict(run.encoder.encode(run.test), verbose=0)
    again = [
        task.but(conformal_quantile=None).conform(
            task.encode(run.test)[fresh], outputs[task.name][fresh]
        )
        for task in run.tasks
    ]
    served, anew = run.regions, regions_of(again, outputs)
    found = {}
    for task in run.tasks:
        truth = run.truths["test"][task.name]
        rows = judged[labelled(truth[judged])]
        scores, others = (
            task.region_scores(truth[rows], each[task.name][rows]) for each in (served, anew)
        )
        found[f"{task.name} ({type(task).__name__})"] = {
            "coverage": scores["conformal_coverage"],
            "fresh": others["conformal_coverage"],
            "difference": scores["conformal_coverage"] - others["conformal_coverage"],
            "width": scores[task.size_score],
        }
    return found


def trained(table: pd.DataFrame, declared: list[tasks.Task], seed: int, joint: bool) -> mtl.Run:
    experiment = mtl.Experiment(
        declared if joint else [task.with_coverage(LEVEL) for task in declared],
        joint_coverage=LEVEL if joint else None,
        preset="fast",
        split={"validation": 0.2, "test": 0.4},
        seed=seed,
    )
    return experiment.run(table, show=None)


def together(run: mtl.Run) -> Mapping[str, Mapping[str, float]]:
    """The coverage of all tasks at once."""
    joint = run.evaluation.joint
    return {f"all {len(joint.tasks)} together": {"coverage": joint.coverage}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--joint", action="store_true")
    arguments = parser.parse_args()
    columns = ("coverage",) if arguments.joint else ("coverage", "fresh", "difference", "width")
    print("| table | task | validation rows | " + " | ".join(columns) + " |")
    print("|---|---|---:|" + "---:|" * len(columns))
    for name in arguments.tables:
        table, declared = TABLES[name]()
        found = []
        for seed in range(arguments.seeds):
            run = trained(table, declared, seed, arguments.joint)
            found.append(together(run) if arguments.joint else coverages(run, seed))
        for task in found[0]:
            cells = []
            for column in columns:
                values = np.array([each[task][column] for each in found])
                error = values.std(ddof=1) / np.sqrt(len(values))
                cells.append(f"{values.mean():.3f} ± {error:.3f}")
            row = f"| {name} | {task} | {run.rows['validation']:,} | {' | '.join(cells)} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
