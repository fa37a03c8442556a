"""Rows per second of an exported signature, and milliseconds for a single raw row.

    python benchmarks/signature_speed.py [EXPERIMENT]

The network as it was trained beside the form in which it is exported (`export/inference.py`),
alternately in one process, with the largest difference between their answers.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import datasets
from mtl_keras.export import serving
from mtl_keras.features.encoder import raw_columns

ROOT = Path(__file__).parents[1]
ROWS, TIMES, TIMES_OF_ONE = 16_384, 20, 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", nargs="?", default=ROOT / "data" / "customers.toml")
    experiment = mtl.Experiment.from_file(parser.parse_args().experiment)
    training = {**experiment.to_dict()["training"], "epochs": 2}
    run = experiment.but(training=training).run(show=None)
    made = {"exported": run.serving_model()}
    kept, serving.for_inference = serving.for_inference, lambda network, tables: network
    made["as trained"] = run.serving_model()
    serving.for_inference = kept

    features, slugs = run.encoder.features, run.encoder.input_slugs
    table = datasets.read(experiment.data).head(ROWS)
    raw = {slugs[name]: tf.constant(v) for name, v in raw_columns(features, table).items()}
    one = {name: values[:1] for name, values in raw.items()}
    signatures, loaded, seconds, answers = {}, [], {}, {}
    for name, model in made.items():
        with tempfile.TemporaryDirectory() as folder:
            serving.write_saved_model(model, Path(folder) / "model")
            size = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())
            loaded.append(tf.saved_model.load(f"{folder}/model"))
        signatures[name] = loaded[-1].signatures["serving_default"]
        answers[name] = signatures[name](**raw)
        seconds[name] = [], []
        print(f"{name}: {size / 1e6:.1f} MB")
    for times, rows, number in ((TIMES, raw, 0), (TIMES_OF_ONE, one, 1)):
        for _ in range(times):
            for name, answer in signatures.items():
                start = time.perf_counter()
                answer(**rows)
                seconds[name][number].append(time.perf_counter() - start)
    for name, (many, single) in seconds.items():
        rate = len(table) / np.median(many)
        print(f"{name}: {rate:,.0f} rows/s, one row in {1e3 * np.median(single):.2f} ms (medians)")
    for name, values in answers["exported"].items():
        if values.dtype.is_floating:
            other = answers["as trained"][name]
            apart = float(tf.reduce_max(tf.abs(values - other) / (1e-6 + tf.abs(other))))
            print(f"{name}: within {apart:.0e} of the size of the answer")


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    main()
