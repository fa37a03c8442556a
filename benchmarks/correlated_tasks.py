"""Shared bottom, MMoE and PLE on the synthetic data of the MMoE paper, by task correlation.

100 features, two regressions; as in the paper MMoE has 8 experts of 16 units and towers of 8, and
the others about as many parameters. Printed: mean test MSE of both tasks, in units of the labels'
variance, over the seeds. Run with `python benchmarks/correlated_tasks.py [--seeds 5]`.
"""

import argparse

import numpy as np

import mtl_keras as mtl
from mtl_keras.datasets import correlated_tasks

PLAIN = {"members": 1, "number_embedding": "none", "dropout": 0.0}
ARCHITECTURES = {
    "shared_bottom": {"layers": [113], "tower": [8]},
    "mmoe": {"experts": 8, "layers": [16], "tower": [8]},
    "ple": {"levels": 1, "task_experts": 3, "shared_experts": 2, "layers": [16], "tower": [8]},
}


def error(kind: str, correlation: float, seed: int, rows: int, epochs: int) -> float:
    table = correlated_tasks(rows, correlation, seed=seed)
    experiment = mtl.Experiment(
        tasks={"y1": "regression", "y2": "regression"},
        architecture={"kind": kind, **PLAIN, **ARCHITECTURES[kind]},
        training={"epochs": epochs, "patience": epochs, "average": 0.0, "weight_decay": 0.0},
        seed=seed,
    )
    run = experiment.run(table, show=None)
    return float(np.mean([1 - run.evaluation[task]["r2"] for task in ("y1", "y2")]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    print("| correlation | " + " | ".join(ARCHITECTURES) + " |")
    print("|---:|" + "---:|" * len(ARCHITECTURES))
    for correlation in (0.0, 0.5, 0.8, 1.0):
        cells = []
        for kind in ARCHITECTURES:
            values = [
                error(kind, correlation, seed, arguments.rows, arguments.epochs)
                for seed in range(arguments.seeds)
            ]
            cells.append(f"{np.mean(values):.4f} ± {np.std(values):.4f}")
        print(f"| {correlation} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
