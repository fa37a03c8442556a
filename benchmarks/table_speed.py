"""Rows per second of encoding a table, and of predicting from a CSV file with the exported model.

100,000 rows of 20 columns: 12 numbers (two with gaps), 5 categories, a boolean, a date, an integer.
Run with `python benchmarks/table_speed.py`.
"""

import functools
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import mtl_keras as mtl
from mtl_keras.features.encoder import Encoder

ROWS = 100_000


def table(rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(0)
    columns = {f"number_{i}": random.normal(size=rows).round(4) for i in range(12)}
    for name in ("number_0", "number_1"):
        columns[name][random.random(rows) < 0.1] = np.nan
    for i, size in enumerate((3, 8, 20, 60, 300)):
        columns[f"category_{i}"] = random.choice([f"value {j}" for j in range(size)], rows)
    columns["active"] = random.choice(["yes", "no"], rows)
    days = pd.to_timedelta(random.integers(0, 3000, rows), "D")
    columns["joined"] = (pd.Timestamp("2015-01-01") + days).strftime("%Y-%m-%d")
    columns["visits"] = random.integers(0, 40, rows)
    made = pd.DataFrame(columns)
    made["churned"] = made["number_2"] + random.normal(size=rows) > 0
    made["spend"] = 20 * made["number_3"] + random.normal(size=rows)
    return made


def median_seconds(call, times: int = 5) -> float:
    call()  # traces
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    made = table()
    features = made.drop(columns=["churned", "spend"])
    start = time.perf_counter()
    guesses = mtl.features.infer(features)
    encoder = Encoder([g.feature.fit(features[g.column]) for g in guesses])
    print(f"infer and fit the encoder: {time.perf_counter() - start:.2f} s")
    seconds = median_seconds(lambda: encoder.encode(features))
    print(f"encode {ROWS:,} x {features.shape[1]}: {ROWS / seconds / 1e3:.0f} k rows/s")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        features.to_csv(path, index=False)
        read = median_seconds(lambda: mtl.datasets.read(path))
        print(f"read a CSV file of {ROWS:,} rows: {ROWS / read / 1e3:.0f} k rows/s")
        for preset in ("fast", "default"):
            experiment = mtl.Experiment(
                {"churned": "binary", "spend": "regression"},
                training={"epochs": 1},
                preset=preset,
            )
            experiment.run(made.head(10_000), show=None).export(Path(folder) / preset)
            predictor = mtl.load(Path(folder) / preset)
            seconds = median_seconds(functools.partial(predictor.predict, path))
            print(f"read and answer, preset {preset}: {ROWS / seconds / 1e3:.0f} k rows/s")


if __name__ == "__main__":
    main()
