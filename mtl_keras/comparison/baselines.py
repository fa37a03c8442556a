"""The baselines: simple models, one per target, on the same columns and rows."""

import importlib
import importlib.util
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, QuantileRegressor, Ridge

from mtl_keras.features import Feature
from mtl_keras.features.encoder import Encoder
from mtl_keras.tasks import Task
from mtl_keras.tasks.problem import Problem

STRENGTHS = (0.01, 0.1, 0.3, 1.0, 10.0, 100.0)
COMPONENTS = 64  # principal components of an image, or of a text for trees
MOST_ROWS = {"quantile": 4000}  # a linear program cannot handle more

BASELINES = ("constant", "linear", "histogram gradient boosting", "LightGBM")


def available() -> list[str]:
    """Return the names of the baselines, including LightGBM if it is installed."""
    installed = importlib.util.find_spec("lightgbm") is not None
    return [name for name in BASELINES if name != "LightGBM" or installed]


class Matrices:
    """The encoded rows as matrices for scikit-learn.

    Numbers stay as they are encoded. Categories are one-hot for linear models, and indices for
    trees. A feature of the group `"own"` is represented by the TF-IDF of its `words` and word pairs
    (for trees, by 64 principal components of these) or, if it has none, by 64 principal components
    of its `flattened` numbers.

    Args:
        encoder: The fitted encoder.
        rows: The table's rows by part.
        encoded: The encoded rows by part.

    Attributes:
        linear: A sparse matrix for linear models, by part.
        trees: An array for trees, by part.
    """

    def __init__(
        self,
        encoder: Encoder,
        rows: Mapping[str, pd.DataFrame],
        encoded: Mapping[str, Mapping[str, np.ndarray]],
    ) -> None:
        self.rows, self.encoded = rows, encoded
        columns: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []  # for linear models, trees
        read: set[str] = set()  # columns of texts; features that share one have the same words
        own = {f"own_{slug}": f for slug, f in zip(encoder.slugs, encoder.features)}
        indices = {"categorical": encoder.category_sizes, "crossed": encoder.crossing_sizes}
        for group in encoded["train"]:
            if group in own:
                texts = own[group].words(own[group].select(rows["train"]))
                if texts is None:
                    components = self._components(group, own[group])
                    wide = {part: sparse.csr_matrix(v) for part, v in components.items()}
                    columns.append((wide, components))
                elif own[group].source not in read:
                    read.add(own[group].source)
                    columns.append(self._words(own[group]))
                continue
            values = {part: encoded[part][group] for part in rows}
            sizes = indices.get(group, [])
            wide = {
                part: _one_hot(v, sizes) if sizes else sparse.csr_matrix(v)
                for part, v in values.items()
            }
            columns.append((wide, values))
        self.linear = {p: sparse.hstack([c[p] for c, _ in columns], format="csr") for p in rows}
        self.trees = {p: np.hstack([c[p] for _, c in columns]) for p in rows}

    def _words(self, feature: Feature) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        texts: dict[str, Any] = {
            part: feature.words(feature.select(rows)) for part, rows in self.rows.items()
        }
        counter = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        try:
            counter.fit(texts["train"])
        except ValueError:  # no word occurs in two texts
            nothing = {part: np.zeros((len(rows), 1)) for part, rows in self.rows.items()}
            return {part: sparse.csr_matrix(each) for part, each in nothing.items()}, nothing
        words = {part: counter.transform(each) for part, each in texts.items()}
        width = min(COMPONENTS, words["train"].shape[1] - 1)
        if width == 0:
            return words, {part: each.toarray() for part, each in words.items()}
        main = TruncatedSVD(width, random_state=0).fit(words["train"])
        return words, {part: main.transform(each) for part, each in words.items()}

    def _components(self, group: str, feature: Feature) -> dict[str, np.ndarray]:
        flat = {part: feature.flattened(self.encoded[part][group]) for part in self.rows}
        width = min(COMPONENTS, *flat["train"].shape)
        main = PCA(width, random_state=0).fit(flat["train"])
        return {part: main.transform(each) for part, each in flat.items()}


def predict(
    name: str, task: Task, matrices: Matrices, truths: Mapping[str, Mapping[str, np.ndarray]]
) -> np.ndarray:
    """Return a baseline's predictions for the test rows.

    The regularisation of a linear model is chosen on the validation rows; trees use the defaults of
    their library.

    Args:
        name: The baseline, one of `available()`.
        task: A fitted task.
        matrices: The rows.
        truths: The labels by part and task, as `Task.truth` returns them.
    """
    if name == "constant":
        constant = task.constants(truths["train"][task.name])[task.measure.name]
        return np.broadcast_to(constant, (len(truths["test"][task.name]), *constant.shape)).copy()
    rows = matrices.linear if name == "linear" else matrices.trees
    answers = []
    for problem in task.simple_problems():
        labels = {part: problem.labels(truths[part][task.name]) for part in truths}
        answers.append(_solved(name, problem, rows, labels))
    return task.from_simple_problems(answers)


def _solved(
    name: str, problem: Problem, rows: Mapping[str, Any], labels: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the predictions for the test rows."""
    chosen = {part: np.flatnonzero(~np.isnan(labels[part])) for part in ("train", "validation")}
    some = np.random.default_rng(0).permutation(chosen["train"])  # the table may be in an order
    chosen["train"] = np.sort(some[: MOST_ROWS.get(problem.loss)])
    x, y = ({part: each[part][chosen[part]] for part in chosen} for each in (rows, labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        untrained = {"linear": _linear, "LightGBM": _lightgbm}.get(name, _trees)(problem)
        models = [m.fit(x["train"], y["train"]) for m in untrained]
        if len(models) > 1:
            sign = 1 if problem.measure.higher_is_better else -1
            values = [
                sign * problem.measure.value(y["validation"], _answers(m, x["validation"], problem))
                for m in models
            ]
            known = np.isfinite(values).any()  # not if all validation rows have one class
            models = [models[int(np.nanargmax(values)) if known else len(models) // 2]]
        return _answers(models[0], rows["test"], problem)


def _linear(problem: Problem) -> list[Any]:
    return {
        "log_loss": [LogisticRegression(C=1 / s, max_iter=1000) for s in STRENGTHS],
        "squared_error": [Ridge(alpha=10 * s) for s in STRENGTHS],
        "poisson": [PoissonRegressor(alpha=s / 10, max_iter=1000) for s in STRENGTHS],
        "quantile": [QuantileRegressor(quantile=problem.level, alpha=1e-3)],
    }[problem.loss]


def _trees(problem: Problem) -> list[Any]:
    if problem.loss == "log_loss":
        return [HistGradientBoostingClassifier(random_state=0)]
    quantile = problem.level if problem.loss == "quantile" else None
    return [HistGradientBoostingRegressor(loss=problem.loss, quantile=quantile, random_state=0)]


def _lightgbm(problem: Problem) -> list[Any]:
    lightgbm: Any = importlib.import_module("lightgbm")
    options: dict[str, Any] = {"verbose": -1, "n_jobs": os.cpu_count(), "random_state": 0}
    if problem.loss == "log_loss":
        return [lightgbm.LGBMClassifier(**options)]
    if problem.loss == "quantile":
        options["alpha"] = problem.level
    objective = "regression" if problem.loss == "squared_error" else problem.loss
    return [lightgbm.LGBMRegressor(objective=objective, **options)]


def _answers(model: Any, x: Any, problem: Problem) -> np.ndarray:
    if problem.loss != "log_loss":
        return model.predict(x)
    probabilities = model.predict_proba(x)
    if problem.classes is None:
        return probabilities[:, -1]
    of_all = np.full((x.shape[0], problem.classes), 1e-9)  # a class may have no training rows
    of_all[:, model.classes_.astype(int)] = probabilities
    return of_all


def _one_hot(indices: np.ndarray, sizes: Sequence[int]) -> Any:
    starts = np.cumsum([0, *sizes[:-1]])
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])
    columns = (indices + starts).reshape(-1)
    shape = (len(indices), int(np.sum(sizes)))
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
