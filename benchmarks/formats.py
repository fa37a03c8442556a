"""Size and latency of a model of `data/customers` in each format, one row at a time.

Run with `python benchmarks/formats.py [ARTIFACT]`; without an artifact one is trained, with the
preset `fast`. The formats answer the same rows alternately, in one process.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.export import encoding_reader
from mtl_keras.export.converters import FORMATS
from mtl_keras.export.formats import encoding_path
from mtl_keras.features.encoder import raw_columns

DATA = Path(__file__).parent.parent / "data"
ROWS, ROUNDS = 40, 25


def trained(folder: Path) -> Path:
    experiment = mtl.Experiment.from_file(DATA / "customers.toml", preset="fast")
    return experiment.run(show=None).export(folder / "customers")


def kilobytes(path: Path) -> float:
    files = [*path.glob("saved_model.pb"), *path.glob("variables/*")] or [path]
    return sum(file.stat().st_size for file in files) / 1000


def milliseconds(calls: dict[str, Callable[[int], Any]]) -> dict[str, float]:
    """The median time of a call, over rows and rounds, alternately."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(ROUNDS + 1):
        for name, call in calls.items():
            for row in range(ROWS):
                start = time.perf_counter()
                call(row)
                if round_:  # the first one warms up
                    seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", nargs="?", type=Path)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        predictor = mtl.load(parser.parse_args().artifact or trained(folder))
        table = pd.read_csv(DATA / "customers.csv").sample(ROWS, random_state=0)
        slugs = predictor.schema["inputs"]
        raw = {slugs[n]: v for n, v in raw_columns(predictor.features, table).items()}
        rows = [{name: v[row : row + 1] for name, v in raw.items()} for row in range(ROWS)]
        tensors = [{name: tf.constant(v) for name, v in row.items()} for row in rows]
        serve = tf.saved_model.load(str(predictor.path)).signatures["serving_default"]
        calls = {"SavedModel": lambda row: serve(**tensors[row])}
        sizes = {"SavedModel": kilobytes(predictor.path)}
        for name, form in FORMATS.items():
            path = folder / f"customers{form.suffix}"
            exported = predictor.export(path, table)
            print(exported)
            answer, sizes[name] = form.loaded(path.read_bytes()), kilobytes(path)
            if not exported.why_encoded:
                calls[name] = lambda row, answer=answer: answer(rows[row])
                continue
            encoding = json.loads(encoding_path(path).read_text(encoding="utf-8"))
            inputs = [encoding_reader.encode(encoding, row) for row in rows]
            calls[name] = lambda row, answer=answer, inputs=inputs: answer(inputs[row])
            calls["encoding_reader"] = lambda row, of=encoding: encoding_reader.encode(
                of, rows[row]
            )
        times = milliseconds(calls)
        print("\n| | KB | ms for one row |\n|---|---:|---:|")
        for name, value in times.items():
            size = f"{sizes[name]:,.0f}" if name in sizes else ""
            print(f"| {name} | {size} | {value:.2f} |")


if __name__ == "__main__":
    main()
