"""Models of one target each, from other libraries, and the form that a model has here."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .case import Case, loss
from .packages import needed

JUDGED = ("validation", "test")


@dataclass(frozen=True)
class Answers:
    """Predictions by target and part, for the rows with a label, and the seconds of training."""

    predictions: dict[str, dict[str, np.ndarray]]
    seconds: float


def per_target(fit: Callable) -> Callable[[Case], "Answers"]:
    """A model of one target, fitted for each of a case.

    Args:
        fit: A function of the features and the labels of the rows with a label, each by part, and
            of the number of classes (0: a quantity), that returns a function of features.
    """

    def run(case: Case) -> Answers:
        found, seconds = {}, 0.0
        for target in case.kinds:
            y, classes = case.labels(target)
            rows = case.present(target)
            x = {part: case.features.iloc[at] for part, at in rows.items()}
            begin = time.perf_counter()
            predict = fit(x, {part: y[at] for part, at in rows.items()}, classes)
            seconds += time.perf_counter() - begin
            found[target] = {part: predict(x[part]) for part in JUDGED}
        return Answers(found, seconds)

    return run


def predictor(model, classes):
    """The probabilities of the classes, or the quantity, that the model predicts for rows."""
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
        predicted = predictor(model, classes)(_plain(x["validation"]))
        return loss(y["validation"], predicted, classes)

    best = min(models, key=on_validation)
    return lambda rows: predictor(best, classes)(_plain(rows))


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
    return lambda rows: predictor(model, classes)(_plain(rows))


def categories(x) -> tuple:
    """A function that makes text columns categories of the training rows' values; their names."""
    train = _plain(x["train"])
    values = {name: pd.Index(train[name].unique()) for name in train.select_dtypes(object)}
    values |= {name: pd.Index(train[name].unique()) for name in train.select_dtypes("string")}

    def transform(rows):
        rows = _plain(rows)
        for name, known in values.items():
            rows[name] = pd.Categorical(rows[name], categories=known)
        return rows

    return transform, list(values)


def _lightgbm(x, y, classes, refit=False, **arguments):
    """A LightGBM; with arguments it stops on the validation rows.

    With `refit`, another one is then fitted to these and the training rows, of as many trees.
    """
    lightgbm = needed("lightgbm")
    transform, _ = categories(x)
    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    model = kind(random_state=0, n_jobs=2, verbose=-1, **arguments)
    extra = {}
    if arguments:
        extra = {
            "eval_set": [(transform(x["validation"]), y["validation"])],
            "callbacks": [lightgbm.early_stopping(50, verbose=False)],
        }
    model.fit(transform(x["train"]), y["train"], **extra)
    if refit:
        model = model.set_params(n_estimators=model.best_iteration_)
        both = pd.concat([x["train"], x["validation"]])
        model.fit(transform(both), np.concatenate([y["train"], y["validation"]]))
    return lambda rows: predictor(model, classes)(transform(rows))


def lightgbm_default(x, y, classes):
    return _lightgbm(x, y, classes)


def _lightgbm_settings(random):
    return {
        "n_estimators": 2000,
        "learning_rate": float(np.exp(random.uniform(np.log(0.01), np.log(0.2)))),
        "num_leaves": int(2 ** random.uniform(2, 7)),
        "min_child_samples": int(2 ** random.uniform(1, 7)),
        "subsample": float(random.uniform(0.5, 1)),
        "subsample_freq": 1,
        "colsample_bytree": float(random.uniform(0.4, 1)),
        "reg_lambda": float(10 ** random.uniform(-3, 2)),
    }


def lightgbm_tuned(x, y, classes):
    """Of 20 random configurations within 120 s on two cores the best on the validation rows."""
    _, predict = _best_of(_lightgbm, _lightgbm_settings, x, y, classes, seconds=120)
    return predict


def lightgbm_refit(x, y, classes):
    """The configuration of `lightgbm_tuned`, fitted to training and validation rows."""
    settings, _ = _best_of(_lightgbm, _lightgbm_settings, x, y, classes, seconds=120)
    return _lightgbm(x, y, classes, refit=True, **settings)


def _best_of(model, drawn, x, y, classes, seconds):
    """Of 20 random settings the best on the validation rows, and what it predicts."""
    random, begin, best = np.random.default_rng(0), time.process_time(), (np.inf, {}, None)
    for _ in range(20):
        settings = drawn(random)
        predict = model(x, y, classes, **settings)
        value = loss(y["validation"], predict(x["validation"]), classes)
        best = min(best, (value, settings, predict), key=lambda found: found[0])
        if time.process_time() - begin > 2 * seconds:  # of both cores, whatever else they do
            break
    return best[1:]


def catboost(x, y, classes):
    return _catboost(x, y, classes)


def _catboost_settings(random):
    return {
        "iterations": 1000,
        "learning_rate": float(np.exp(random.uniform(np.log(0.02), np.log(0.2)))),
        "depth": int(random.integers(4, 9)),
        "l2_leaf_reg": float(10 ** random.uniform(0, 1.5)),
        "random_strength": float(random.uniform(0.5, 4)),
        "bagging_temperature": float(random.uniform(0, 1)),
    }


def catboost_tuned(x, y, classes):
    """Of 20 random configurations within 60 s on two cores the best on the validation rows.

    One of them takes 15 s at most: with categories of many values, a few deep trees take minutes.
    """
    _, predict = _best_of(_catboost, _catboost_settings, x, y, classes, seconds=60)
    return predict


@dataclass(frozen=True)
class _Until:
    """Ends a training of CatBoost when the process has taken so many seconds of the processor."""

    seconds: float

    def after_iteration(self, info) -> bool:
        return time.process_time() < self.seconds


def _catboost(x, y, classes, **arguments):
    package = needed("catboost")
    transform, texts = categories(x)

    def rows_of(rows):
        rows = transform(rows)
        return rows.assign(**{n: rows[n].astype(object).fillna("other") for n in texts})

    kind = package.CatBoostClassifier if classes else package.CatBoostRegressor
    model = kind(
        random_seed=0,
        thread_count=2,
        verbose=False,
        allow_writing_files=False,
        cat_features=texts,
        **arguments,
    )
    extra = {}
    if arguments:
        extra = {
            "eval_set": (rows_of(x["validation"]), y["validation"]),
            "early_stopping_rounds": 50,
            "callbacks": [_Until(time.process_time() + 2 * 15)],  # of both cores
        }
    model.fit(rows_of(x["train"]), y["train"], **extra)
    return lambda rows: predictor(model, classes)(rows_of(rows))
