"""data/reviews.toml beside linear models on TF-IDF, on the same rows, side by side.

`sentiment` and `topic`: logistic regression; `strength`: ridge; words and pairs of words, sublinear
TF-IDF, the strength of the regularisation chosen on the validation rows. Run with
`python benchmarks/reviews.py [--seeds 3] [--words TEXTS_PER_SECOND_ONLY]`.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, root_mean_squared_error

from mtl_keras import Experiment, datasets

FILE = Path(__file__).parents[1] / "data" / "reviews.toml"


def three_classes(rating: np.ndarray) -> np.ndarray:
    """Negative, neutral, positive: the thirds that the ratings -0.5 and 0.5 cut."""
    return np.digitize(rating, [-0.5, 0.5])


def baselines(rows: dict[str, pd.DataFrame]) -> dict[str, float]:
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    x = {"train": words.fit_transform(rows["train"]["text"])}
    x |= {part: words.transform(rows[part]["text"]) for part in ("validation", "test")}

    def chosen(target, models, score, column=None):
        y = {part: rows[part][target] for part in rows}
        there = {part: y[part].notna().to_numpy() for part in rows}
        fitted = [m.fit(x["train"][there["train"]], y["train"][there["train"]]) for m in models]
        part = "validation"
        best = max(
            fitted, key=lambda m: score(y[part][there[part]], m.predict(x[part][there[part]]))
        )
        return y["test"][there["test"]], best.predict(x["test"][there["test"]])

    logistic = [LogisticRegression(C=c, max_iter=2000) for c in (1, 4, 16)]
    truth, said = chosen("sentiment", logistic, accuracy_score)
    found = {"sentiment accuracy": accuracy_score(truth, said)}
    truth, said = chosen("corpus", logistic, accuracy_score)
    found["topic accuracy"] = accuracy_score(truth, said)
    found["topic macro F1"] = f1_score(truth, said, average="macro")
    ridges = [Ridge(alpha=a) for a in (0.5, 2, 8)]
    truth, said = chosen("rating", ridges, lambda t, p: -root_mean_squared_error(t, p))
    found["strength RMSE"] = root_mean_squared_error(truth, said)
    found["polarity accuracy"] = accuracy_score(three_classes(truth), three_classes(said))
    return found


def ours(experiment: Experiment) -> dict[str, float]:
    run = experiment.run(show=lambda line: print(line, file=sys.stderr))
    rating = run.truths["test"]["strength"]
    said = run.predictions["strength"].reshape(-1)
    return {
        "sentiment accuracy": run.evaluation["sentiment"]["accuracy"],
        "topic accuracy": run.evaluation["topic"]["accuracy"],
        "topic macro F1": run.evaluation["topic"]["macro_f1"],
        "strength RMSE": run.evaluation["strength"]["rmse"],
        "polarity accuracy": accuracy_score(three_classes(rating), three_classes(said)),
        "fit seconds": run.seconds["fit"],
    }


def texts_per_second(table: pd.DataFrame) -> float:
    """How fast texts become indices, in the encoder's own calls; the best of five."""
    from mtl_keras.features import Text
    from mtl_keras.features.encoder import Encoder

    encoder = Encoder([Text("text").fit(table["text"])])
    encoder.encode(table.head(5000))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        encoder.encode(table)
        seconds.append(time.perf_counter() - start)
    return len(table) / min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    tf.config.threading.set_inter_op_parallelism_threads(2)
    results: dict[str, dict[str, list[float]]] = {"TF-IDF, linear": {}, "mtl_keras": {}}
    for seed in range(arguments.seeds):
        experiment = Experiment.from_file(FILE, seed=seed)
        table = datasets.read(experiment.data)
        parts = experiment.split.parts(table, seed)
        rows = {part: table.iloc[positions] for part, positions in parts.items()}
        for name, found in (("TF-IDF, linear", baselines(rows)), ("mtl_keras", ours(experiment))):
            for measure, value in found.items():
                results[name].setdefault(measure, []).append(value)
    print(f"| test rows, {arguments.seeds} seeds | TF-IDF, linear | mtl_keras |\n|---|---|---|")
    for measure in results["mtl_keras"]:
        cells = [
            f"{statistics.mean(found[measure]):.4f}" if measure in found else ""
            for found in results.values()
        ]
        print(f"| {measure} | {cells[0]} | {cells[1]} |")
    print(f"\ntexts encoded per second: {texts_per_second(table):,.0f}")


if __name__ == "__main__":
    main()
