"""Did sharing help, on public tables? `mtl-keras compare` on each, and a trained model beside it.

The tables and their targets are those of `quality` (`pip install -e .[benchmarks]`), at most
16,667 rows of each. Per table the verdicts are printed and `OUT/<table>/` gets the model, its
report and the comparison's page; what was trained is kept and not trained again.

Run with `python benchmarks/sharing.py [--tables telco loans hotel] [--preset fast] [--seeds 3]
[--tune 1] [--also mmoe] [--out /tmp/sharing]`.
"""

import argparse
import os
from pathlib import Path

from quality.table import ROWS
from quality.tables import TABLES

import mtl_keras as mtl
from mtl_keras.runs import rewrite_report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", default=["telco", "loans", "hotel"])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument("--tune", type=int, default=1)
    parser.add_argument("--also", nargs="*", default=["mmoe"])
    parser.add_argument("--out", type=Path, default=Path("/tmp/sharing"))
    given = parser.parse_args()
    for name in given.tables:
        table, kinds = TABLES[name].load(), dict(TABLES[name].targets)
        table = table.sample(min(len(table), ROWS), random_state=0).reset_index(drop=True)
        binary = next((task for task, kind in kinds.items() if kind == "binary"), None)
        experiment = mtl.Experiment(
            tasks=kinds,
            preset=given.preset,
            split=mtl.Split(validation=0.2, test=0.2, stratify=binary),
            name=name,
        )
        folder = given.out / name
        found = experiment.compare(
            table,
            seeds=given.seeds,
            tries=given.tries,
            tune=given.tune,
            also=given.also,
            folder=folder / "comparison",
            workers=os.cpu_count() or 1,
        )
        found.write(folder / "comparison")
        print(f"\n{found}\n", flush=True)
        experiment.run(table, show=None).export(folder)
        print(rewrite_report(folder), flush=True)


if __name__ == "__main__":
    main()
