"""What any model has to beat: simple models, one per target, on the same columns and rows."""

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

from mtl_keras.evaluation import constant, measure
from mtl_keras.features import Text
from mtl_keras.features.encoder import Encoder
from mtl_keras.tasks import Quantiles, Task

STRENGTHS = (0.01, 0.1, 0.3, 1.0, 10.0, 100.0)
PIXELS = 64  # components of an image, or of a text for trees

BASELINES = ("constant", "linear", "histogram gradient boosting", "LightGBM")


def available() -> list[str]:
    """Names of the baselines; LightGBM where it is installed."""
    there = importlib.util.find_spec("lightgbm") is not None
    return [name for name in BASELINES if name != "LightGBM" or there]


class Matrices:
    """The encoded rows as matrices that scikit-learn takes.

    Numbers and yes-or-no columns as they are encoded; categories one-hot for linear models, as
    indices for trees; texts as TF-IDF of words and pairs, for trees its 64 main components; images,
    sequences and sets likewise by their main components.

    Args:
        encoder: The fitted encoder.
        rows: The table's rows by part.
        encoded: The encoded rows by part.
    """

    def __init__(
        self,
        encoder: Encoder,
        rows: Mapping[str, pd.DataFrame],
        encoded: Mapping[str, Mapping[str, np.ndarray]],
    ) -> None:
        plain: dict[str, list[np.ndarray]] = {part: [] for part in rows}
        wide: dict[str, list[Any]] = {part: [] for part in rows}
        few: dict[str, list[np.ndarray]] = {part: [] for part in rows}
        own = {f"own_{s}": f for s, f in zip(encoder.slugs, encoder.features)}
        texts = set()
        for group in encoded["train"]:
            for part in rows:
                values = encoded[part][group]
                if group in ("numeric", "binary"):
                    plain[part].append(values)
                elif group == "categorical":
                    few[part].append(values)
                    wide[part].append(_one_hot(values, encoder.category_sizes))
            if group.startswith("own_") and isinstance(own[group], Text):
                name = own[group].source
                if name in texts:
                    continue
                texts.add(name)
                words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
                words.fit(rows["train"][name].fillna("").astype(str))
                found = {p: words.transform(rows[p][name].fillna("").astype(str)) for p in rows}
                width = min(PIXELS, found["train"].shape[1] - 1)
                main = TruncatedSVD(width, random_state=0).fit(found["train"])
                for part in rows:
                    wide[part].append(found[part])
                    few[part].append(main.transform(found[part]))
            elif group.startswith("own_"):
                flat = {p: encoded[p][group].reshape(len(rows[p]), -1) / 255.0 for p in rows}
                width = min(PIXELS, *flat["train"].shape)
                main = PCA(width, random_state=0).fit(flat["train"])
                for part in rows:
                    plain[part].append(main.transform(flat[part]))
        self.linear = {p: sparse.hstack([*plain[p], *wide[p]], format="csr") for p in rows}
        self.trees = {p: np.hstack([*plain[p], *few[p]]) for p in rows}


def predict(
    name: str, task: Task, matrices: Matrices, truths: Mapping[str, Mapping[str, np.ndarray]]
) -> np.ndarray:
    """A baseline's predictions for the test rows, as evaluation reads them.

    How strongly a linear model is regularised is chosen on the validation rows; the trees have
    their library's defaults.
    """
    train = truths["train"][task.name]
    if name == "constant":
        always = np.asarray(constant(task, train))
        return np.broadcast_to(always, (len(truths["test"][task.name]), *always.shape)).copy()
    if task.kind == "multilabel":
        columns = [
            _fitted(name, "binary", (), matrices, {p: truths[p][task.name][:, c] for p in truths})
            for c in range(task.width)
        ]
        return np.column_stack(columns)
    if isinstance(task, Quantiles):
        of_task = {part: truths[part][task.name] for part in truths}
        levels = [_fitted(name, "quantiles", (q,), matrices, of_task) for q in task.levels]
        return np.sort(np.column_stack(levels), axis=1)
    of_task = {part: truths[part][task.name] for part in truths}
    classes = tuple(range(task.width)) if task.kind in ("multiclass", "ordinal") else ()
    kind = "poisson" if "poisson" in (task.kind, getattr(task, "loss", "")) else task.kind
    kind = "poisson" if task.kind == "count" else kind
    return _fitted(name, kind, classes, matrices, of_task, task)


def _fitted(
    name: str,
    kind: str,
    extra: Sequence[Any],
    matrices: Matrices,
    truth: Mapping[str, np.ndarray],
    task: Task | None = None,
) -> np.ndarray:
    x = matrices.linear if name == "linear" else matrices.trees
    there = {part: ~np.isnan(truth[part]) for part in truth}
    x_train, y_train = x["train"][there["train"]], truth["train"][there["train"]]
    if kind == "quantiles":  # a linear program: no more rows than it can take
        x_train, y_train = x_train[:4000], y_train[:4000]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [model.fit(x_train, y_train) for model in _models(name, kind, extra)]
        if len(models) > 1 and task is not None:
            judged = measure(task)
            sign = 1 if judged.higher_is_better else -1
            y = truth["validation"][there["validation"]]
            given = x["validation"][there["validation"]]
            values = [sign * judged.value(y, _answers(m, given, extra)) for m in models]
            models = [models[int(np.nanargmax(values))]]
        return _answers(models[0], x["test"], extra)


def _models(name: str, kind: str, extra: Sequence[Any]) -> list[Any]:
    classes = kind in ("binary", "multiclass", "ordinal")
    if name == "linear":
        if classes:
            return [LogisticRegression(C=1 / s, max_iter=1000) for s in STRENGTHS]
        if kind == "poisson":
            return [PoissonRegressor(alpha=s / 10, max_iter=1000) for s in STRENGTHS]
        if kind == "quantiles":
            return [QuantileRegressor(quantile=extra[0], alpha=1e-3)]
        return [Ridge(alpha=10 * s) for s in STRENGTHS]
    loss = {"poisson": "poisson", "quantiles": "quantile"}.get(kind)
    if name == "LightGBM":
        lightgbm: Any = importlib.import_module("lightgbm")
        common = {"verbose": -1, "n_jobs": os.cpu_count(), "random_state": 0}
        if classes:
            return [lightgbm.LGBMClassifier(**common)]
        alpha = {"alpha": extra[0]} if loss == "quantile" else {}
        return [lightgbm.LGBMRegressor(objective=loss or "regression", **alpha, **common)]
    if classes:
        return [HistGradientBoostingClassifier(random_state=0)]
    quantile = extra[0] if loss == "quantile" else None
    return [
        HistGradientBoostingRegressor(
            loss=loss or "squared_error", quantile=quantile, random_state=0
        )
    ]


def _answers(model: Any, x: Any, extra: Sequence[Any]) -> np.ndarray:
    if not hasattr(model, "predict_proba"):
        return model.predict(x)
    probabilities = model.predict_proba(x)
    if not extra:
        return probabilities[:, -1]
    full = np.full((x.shape[0], len(extra)), 1e-9)  # a class may have no training row
    full[:, model.classes_.astype(int)] = probabilities
    return full


def _one_hot(indices: np.ndarray, sizes: Sequence[int]) -> Any:
    starts = np.cumsum([0, *sizes[:-1]])
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])
    columns = (indices + starts).reshape(-1)
    shape = (len(indices), int(np.sum(sizes)))
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
