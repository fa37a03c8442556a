"""Does the comparison say what is so? Three planted cases, with the tool's own verdicts.

* *hurt*: two targets of different features, and a trunk of one unit;
* *helped*: one target with few labels beside a related one with many;
* *shuffled*: a target beside copies of it whose labels are shuffled among the rows, ten data sets:
  of the copies, which can be learned neither alone nor together, no difference should be seen.

Run with `python benchmarks/planted.py [--rows 6000] [--seeds 3] [--sets 10]`.
"""

import argparse
from collections import Counter

import numpy as np
import pandas as pd

import mtl_keras as mtl
from mtl_keras.comparison import Comparison


def compared(table: pd.DataFrame, tasks: list[str], width: int, **options) -> Comparison:
    experiment = mtl.Experiment(
        tasks=dict.fromkeys(tasks, "regression"),
        architecture={
            "kind": "shared_bottom",
            "layers": [width],
            "activation": "elu",
            "dropout": 0.0,
            "members": 1,
            "number_embedding": "none",
        },
        training={"epochs": 20, "learning_rate": 0.02, "batch_size": 128},
        split=options.pop("split", mtl.Split()),
        name="planted",
    )
    return experiment.compare(table, tries=0, baselines=False, show=None, **options)


def features(rows: int, columns: int, seed: int) -> tuple[np.random.Generator, pd.DataFrame]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, columns))
    return random, pd.DataFrame(x, columns=[f"x{i}" for i in range(columns)])


def hurt(rows: int, seeds: int) -> Comparison:
    random, table = features(rows, 6, 0)
    table["first"] = table["x0"] + table["x1"] + random.normal(0, 0.3, rows)
    table["second"] = table["x3"] - table["x4"] + random.normal(0, 1.0, rows)  # the weaker one
    return compared(table, ["first", "second"], 1, seeds=seeds)


def helped(rows: int, seeds: int) -> Comparison:
    random, table = features(rows, 24, 1)
    signal = np.tanh(table.iloc[:, :12].sum(axis=1) / 2)
    table["part"] = np.where(np.arange(rows) % 3 == 0, "test", "train")
    table.loc[np.arange(rows) % 12 == 1, "part"] = "validation"
    table["many"] = signal + random.normal(0, 0.1, rows)
    few = (table["part"] != "train") | (random.random(rows) < 100 / rows)
    table["few"] = np.where(few, signal + random.normal(0, 0.1, rows), np.nan)
    split = mtl.Split(strategy="column", column="part")
    return compared(table, ["many", "few"], 8, seeds=seeds, split=split)


def shuffled(rows: int, seeds: int, number: int) -> Comparison:
    random, table = features(rows, 6, 100 + number)
    table["target"] = table["x0"] * table["x1"] + random.normal(0, 0.5, rows)
    table["copy_1"] = random.permutation(table["target"])
    table["copy_2"] = random.permutation(table["target"])
    return compared(table, ["target", "copy_1", "copy_2"], 16, seeds=seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", type=int, default=10)
    given = parser.parse_args()
    for case in (hurt, helped):
        found = case(given.rows, given.seeds)
        for task in found.tasks:
            gain = found.differences["joint"][task]
            print(
                f"{case.__name__}: {task}: {found.verdict(task)} "
                f"({gain.gain:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}])",
                flush=True,
            )
    verdicts: Counter = Counter()
    for number in range(given.sets):
        found = shuffled(given.rows, given.seeds, number)
        for task in found.tasks:
            verdicts[(task, found.verdict(task))] += 1
        print(f"shuffled {number}: {[found.verdict(task) for task in found.tasks]}", flush=True)
    print(dict(verdicts))


if __name__ == "__main__":
    main()
