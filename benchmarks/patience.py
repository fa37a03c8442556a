"""What a shorter patience would save, and what it would cost on the validation rows.

Each table of `benchmarks.quality` is trained on once with `default`, and its curves are read again
with each shorter patience: the epochs that would have been trained, and by how much each task's
best validation loss would have been higher, in hundredths of a constant's loss (points of skill).
The epoch from which a task that overfits is trained no further would change, too, and does not.

Run with `python -m benchmarks.patience --tables known,choosing [--seeds 1] [--patience 12]`.
"""

import argparse
import os
import warnings
from collections.abc import Mapping

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

from .quality.case import Case
from .quality.tables import named


def curves(case: Case, patience: int) -> pd.DataFrame:
    """The validation losses of each task, a row per epoch, in units of the best constant's."""
    import mtl_keras as mtl
    from mtl_keras.runs.build import build
    from mtl_keras.runs.networks import constant_losses, short

    plan = mtl.Experiment(case.kinds, seed=case.seed, training={"patience": patience})
    plan.split = case.split
    rows = plan.prepare(case.table, show=None)
    constants = constant_losses(rows, build(plan, rows))
    logs = short(plan, rows=rows)
    return pd.DataFrame({t: logs[f"val_{t}_loss"] / constants[t] for t in constants})


def stopped(losses: pd.DataFrame, patience: int) -> int:
    """The number of epochs after which training ends: no task improved for `patience` of them."""
    best, improved = np.full(losses.shape[1], np.inf), 0
    for epoch, row in enumerate(losses.to_numpy()):
        if (row < best).any():
            improved = epoch
        best = np.fmin(best, row)
        if epoch - improved >= patience:
            return epoch + 1
    return len(losses)


def cost(losses: pd.DataFrame, patience: int) -> Mapping[str, float]:
    """Points of skill that each task would have lost."""
    return 100 * (losses.iloc[: stopped(losses, patience)].min() - losses.min())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patience", description=__doc__)
    parser.add_argument("--tables", type=lambda text: text.split(","), default=["known"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--patience", type=int, default=12)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    shorter = [p for p in (2, 3, 4, 6, 8, 10) if p < given.patience]
    found = []
    for seed in range(given.seeds):
        for table in named(given.tables):
            losses = curves(Case(table, seed), given.patience)
            for patience in shorter:
                epochs = stopped(losses, patience)
                lost = cost(losses, patience)
                row = {"table": table, "seed": seed, "patience": patience, "epochs": epochs}
                row |= {"of": len(losses), "mean lost": lost.mean(), "most lost": lost.max()}
                found.append(row)
            print(pd.DataFrame(found[-len(shorter) :]).round(3).to_string(index=False), flush=True)
    table = pd.DataFrame(found)
    table["share of the epochs"] = table["epochs"] / table["of"]
    columns = ["share of the epochs", "mean lost", "most lost"]
    summary = table.groupby("patience")[columns].mean()
    summary["most lost"] = table.groupby("patience")["most lost"].max()
    print(summary.round(3).to_string())


if __name__ == "__main__":
    main()
