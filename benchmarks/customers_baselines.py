"""The default experiment beside linear models, on the same columns and the same rows.

`churned`: logistic regression; `spend` and `orders`: ridge and Poisson regression. The linear
models get numbers plain or as signed logarithms (whichever is better on the validation rows), dates
as days, categories one-hot; how strongly they are regularised is chosen on the validation rows. Run
with `python benchmarks/customers_baselines.py [experiment.toml] [--seeds 3]`.
"""

import argparse
import statistics
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import (
    log_loss,
    mean_poisson_deviance,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from mtl_keras import Experiment, datasets

TARGETS = ["churned", "spend", "orders"]
STRENGTHS = [1e-2, 1.0, 100.0]


def signed_log(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values))


def prepared(table: pd.DataFrame) -> pd.DataFrame:
    features = table.drop(columns=[*TARGETS, "customer_id"])
    days = pd.to_datetime(features["first_order"]) - pd.Timestamp("1997-01-01")
    return features.assign(first_order=days.dt.days, ordered_once=features["ordered_once"] * 1)


def linear(model, table: pd.DataFrame, transform):
    numbers = table.select_dtypes("number").columns
    others = [name for name in table if name not in numbers]
    scaled = make_pipeline(
        SimpleImputer(add_indicator=True), FunctionTransformer(transform), StandardScaler()
    )
    columns = make_column_transformer(
        (scaled, numbers), (OneHotEncoder(handle_unknown="ignore"), others)
    )
    return make_pipeline(columns, model)


def best(candidates, fit, loss):
    """The fitted candidate of lowest validation loss."""
    fitted = [fit(candidate) for candidate in candidates]
    return min(fitted, key=loss)


def baselines(parts: dict[str, pd.DataFrame]) -> dict[str, float]:
    x = {name: prepared(part) for name, part in parts.items()}
    y = {name: part[TARGETS].astype(float) for name, part in parts.items()}
    results = {}

    def run(name, target, make, predict, validation_loss, score):
        candidates = [
            linear(make(strength), x["train"], transform)
            for strength in STRENGTHS
            for transform in (None, signed_log)
        ]
        model = best(
            candidates,
            lambda m: m.fit(x["train"], y["train"][target]),
            lambda m: validation_loss(y["validation"][target], predict(m, x["validation"])),
        )
        results[name] = score(y["test"][target], predict(model, x["test"]))

    def probability(model, rows):
        return model.predict_proba(rows)[:, 1]

    def capped(model, rows):  # an exponential of an outlier: no answer above the largest seen
        predicted = np.asarray(model.predict(rows))
        return np.clip(np.nan_to_num(predicted, posinf=1e9), 1e-9, limit)

    run(
        "churned roc_auc: logistic", "churned",
        lambda c: LogisticRegression(C=1 / c, max_iter=2000), probability, log_loss, roc_auc_score,
    )  # fmt: skip
    for target, score in (("spend", r2_score), ("orders", mean_poisson_deviance)):
        limit = y["train"][target].max()
        measure = "r2" if target == "spend" else "poisson_deviance"
        run(
            f"{target} {measure}: ridge", target, lambda a: Ridge(alpha=a * 100), capped,
            mean_squared_error if target == "spend" else mean_poisson_deviance, score,
        )  # fmt: skip
        run(
            f"{target} {measure}: poisson", target,
            lambda a: PoissonRegressor(alpha=a / 10, max_iter=1000), capped,
            mean_poisson_deviance, score,
        )  # fmt: skip
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[1] / "data" / "customers.toml"
    parser.add_argument("experiment", nargs="?", default=default)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()

    rows: dict[str, list[float]] = {}
    for seed in range(arguments.seeds):
        experiment = Experiment.from_file(arguments.experiment, seed=seed)
        table = datasets.read(experiment.data)
        parts = {
            name: table.iloc[positions]
            for name, positions in experiment.split.parts(table, seed).items()
        }
        run = experiment.run(show=lambda line: print(line, file=sys.stderr))
        measured = {
            "churned roc_auc: mtl_keras": run.evaluation["churned"]["roc_auc"],
            "spend r2: mtl_keras": run.evaluation["spend"]["r2"],
            "orders poisson_deviance: mtl_keras": run.evaluation["orders"]["poisson_deviance"],
            **baselines(parts),
        }
        for name, value in measured.items():
            rows.setdefault(name, []).append(value)

    seeds = " | ".join(f"seed {seed}" for seed in range(arguments.seeds))
    print(f"\n| {'test rows':36} | {seeds} |   mean |")
    print("|" + "-" * 38 + "|-------:" * (arguments.seeds + 1) + "|")
    for name in sorted(rows):
        cells = " | ".join(f"{value:6.4f}" for value in rows[name])
        print(f"| {name:36} | {cells} | {statistics.mean(rows[name]):6.4f} |")


if __name__ == "__main__":
    main()
