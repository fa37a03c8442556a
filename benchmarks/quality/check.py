"""Whether the tables are as declared: rows, columns, kinds, parts, and no column that gives a
target away."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .case import Case, constant, loss
from .table import NUMBER
from .tables import TABLES, division

RARE = 5  # rows of a class in each part of each split
GIVEN_AWAY = 99.0  # percent of a constant's loss that one column alone removes


def check(names: Sequence[str]) -> None:
    """Check the tables and print a line for each.

    Raises:
        SystemExit: if one is not as declared; it says which and in what.
    """
    declared = {name: table.part for name, table in TABLES.items() if table.part != "known"}
    if declared != division():
        raise SystemExit(f"The parts are not as the rule draws them: {division()}")
    wrong = []
    for name in names:
        table = TABLES[name].load()
        found = [*_shape(name, table), *_targets(name, table)]
        if not found:
            closest, found = _closest(name)
            found += _accepted(name)
            kinds = ", ".join(f"{t} ({k})" for t, k in TABLES[name].targets.items())
            features = table.shape[1] - len(TABLES[name].targets) - bool(TABLES[name].group)
            print(f"{name}: {len(table)} rows, {features} features, {kinds}; {closest}", flush=True)
        wrong += [f"{name}: {line}" for line in found]
    if wrong:
        raise SystemExit("\n".join(["Not as declared:", *wrong]))


def _shape(name: str, table: pd.DataFrame) -> list[str]:
    declared = TABLES[name]
    wrong = []
    if len(table) != declared.rows:
        wrong.append(f"{len(table)} rows, not {declared.rows}")
    wrong += [f"no column {c!r}" for c in [*declared.targets] if c not in table]
    if declared.group is not None and declared.group not in table:
        wrong.append(f"no column {declared.group!r}")
    return wrong


def _targets(name: str, table: pd.DataFrame) -> list[str]:
    wrong = []
    for target, kind in TABLES[name].targets.items():
        values = table[target].nunique() if target in table else 0
        fits = {"binary": values == 2, "multiclass": 3 <= values <= 20, NUMBER: values > 5}
        if not fits[kind]:
            wrong.append(f"target {target!r} has {values} values, which is not {kind}")
        if kind == NUMBER and not np.isfinite(table[target].dropna().to_numpy(float)).all():
            wrong.append(f"target {target!r} is not finite")
    return wrong


def _closest(name: str) -> tuple[str, list[str]]:
    """What the best single column tells of each target, and what is wrong with rare classes."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    said, wrong = [], []
    for seed in range(3):
        case = Case(name, seed)
        for target in case.kinds:
            y, classes = case.labels(target)
            rows = case.present(target)
            for part, at in rows.items() if classes else ():
                least = np.bincount(y[at].astype(int), minlength=classes).min()
                if least < RARE:
                    wrong.append(f"a class of {target!r} has {least} {part} rows, seed {seed}")
            if seed or wrong:
                continue
            best = (-np.inf, "")
            for column in case.features:
                tree = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(
                    min_samples_leaf=20, random_state=0
                )
                values = case.features[column]
                if not pd.api.types.is_numeric_dtype(values):
                    values = pd.Series(pd.factorize(values, sort=True)[0])
                values = values.to_numpy(float)[:, None]
                tree.fit(values[rows["train"]], y[rows["train"]])
                predict = tree.predict_proba if classes else tree.predict
                truth = y[rows["validation"]]
                dummy = constant(y[rows["train"]], classes, len(truth))
                ratio = loss(truth, predict(values[rows["validation"]]), classes) / loss(
                    truth, dummy, classes
                )
                best = max(best, (100 * (1 - ratio), column))
            said.append(f"{target} {best[0]:.0f} % by {best[1]}")
            if best[0] > GIVEN_AWAY:
                wrong.append(f"{best[1]!r} alone removes {best[0]:.1f} % of {target!r}")
    return ", ".join(said), wrong


def _accepted(name: str) -> list[str]:
    """What of the features the library reads that is none; it prepares the rows, trains nothing."""
    import mtl_keras as mtl
    from mtl_keras.runs.prepare import prepare

    case = Case(name, 0)
    experiment = mtl.Experiment(tasks=dict(case.kinds), split=case.split)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        features = prepare(experiment, case.table).encoder.features
    extra = {feature.source for feature in features} - set(case.features)
    return [f"{column!r} is read, which is no feature" for column in sorted(extra)]
