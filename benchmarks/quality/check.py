"""Whether the tables are as declared, and no single column gives a target away."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .case import Case, constant, loss
from .table import NUMBER
from .tables import DRAWN, TABLES, division

FEWEST = 5  # rows of each class in each part of each split
GIVEN_AWAY = 99.0  # percent of a constant's loss that one column alone removes
SEEDS = 3


def check(names: Sequence[str]) -> None:
    """Check the tables and print for each what it has, and the best single column per target.

    Raises:
        SystemExit: if something is not as declared; it says what.
    """
    declared = {name: table.part for name, table in TABLES.items() if table.part in DRAWN}
    if declared != division():
        raise SystemExit(f"The parts are not as the rule draws them: {division()}")
    wrong = []
    for name in names:
        table, targets = TABLES[name].load(), TABLES[name].targets
        found = _columns(name, table)
        if not found:
            case = Case(name, 0)
            closest = {target: _closest(case, target) for target in targets}
            found = [*_classes(name), *_features(case)]
            found += [
                f"{column!r} alone removes {value:.1f} % of {target!r}"
                for target, (value, column) in closest.items()
                if value > GIVEN_AWAY
            ]
            told = [
                f"{target} ({kind}; {closest[target][0]:.0f}% by {closest[target][1]})"
                for target, kind in targets.items()
            ]
            columns = f"{len(table)} rows, {case.features.shape[1]} features"
            print(f"{name}: {columns}, {', '.join(told)}", flush=True)
        wrong += [f"{name}: {line}" for line in found]
    if wrong:
        raise SystemExit("\n".join(["Not as declared:", *wrong]))


def _columns(name: str, table: pd.DataFrame) -> list[str]:
    """What is wrong with the number of rows, the columns and the kinds of the targets."""
    declared = TABLES[name]
    wrong = []
    if len(table) != declared.rows:
        wrong.append(f"{len(table)} rows, not {declared.rows}")
    if declared.group is not None and declared.group not in table:
        wrong.append(f"no column {declared.group!r}")
    for target, kind in declared.targets.items():
        values = table[target].nunique() if target in table else 0
        fits = {"binary": values == 2, "multiclass": 3 <= values <= 20, NUMBER: values > 5}
        if not fits[kind]:
            wrong.append(f"target {target!r} has {values} values, which is not {kind}")
        elif kind == NUMBER and not np.isfinite(table[target].dropna().to_numpy(float)).all():
            wrong.append(f"target {target!r} is not finite")
    return wrong


def _classes(name: str) -> list[str]:
    """Classes that have too few rows in a part of a split."""
    wrong = []
    for case in (Case(name, seed) for seed in range(SEEDS)):
        for target in case.kinds:
            y, classes = case.labels(target)
            for part, rows in case.present(target).items():
                least = (
                    min(np.bincount(y[rows].astype(int), minlength=classes)) if classes else None
                )
                if least is not None and least < FEWEST:
                    wrong.append(f"a class of {target!r} has {least} {part} rows, seed {case.seed}")
    return wrong


def _features(case: Case) -> list[str]:
    """What the library reads that is no feature; it prepares the rows and trains nothing."""
    import mtl_keras as mtl
    from mtl_keras.runs.prepare import prepare

    experiment = mtl.Experiment(tasks=dict(case.kinds), split=case.split)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        features = prepare(experiment, case.table).encoder.features
    extra = {feature.source for feature in features} - set(case.features)
    return [f"{column!r} is read, which is no feature" for column in sorted(extra)]


def _closest(case: Case, target: str) -> tuple[float, str]:
    """The skill of a tree on the best single column, on validation rows, and the column."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    y, classes = case.labels(target)
    rows = case.present(target)
    truth = y[rows["validation"]]
    dummy = loss(truth, constant(y[rows["train"]], classes, len(truth)), classes)
    found = []
    for column, values in case.features.items():
        if not pd.api.types.is_numeric_dtype(values):
            values = pd.Series(pd.factorize(values, sort=True)[0])
        x = values.to_numpy(float)[:, None]
        kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
        tree = kind(min_samples_leaf=20, random_state=0).fit(x[rows["train"]], y[rows["train"]])
        predict = tree.predict_proba if classes else tree.predict
        ratio = loss(truth, predict(x[rows["validation"]]), classes) / dummy
        found.append((100 * (1 - ratio), str(column)))
    return max(found)
