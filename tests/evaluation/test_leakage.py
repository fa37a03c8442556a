"""Features that alone tell a task's label are found, and only these."""

import numpy as np
import pandas as pd
import pytest

from mtl_keras import tasks
from mtl_keras.evaluation import leaking_features


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shares", [(0.5, 0.8, 0.95), (0.9, 0.95, 0.98)])
def test_classes_of_few_rows_by_amount_are_told_by_the_amount(seed, shares):
    random = np.random.default_rng(seed)
    amount = random.lognormal(4, 1.2, 780)
    names = np.array(["small", "medium", "large", "huge"])
    table = pd.DataFrame({"size": names[np.searchsorted(np.quantile(amount, shares), amount)]})
    task = tasks.Multiclass("size").fit(table)
    hint = np.log(amount) + random.normal(0, 0.3, 780)
    x = np.stack([amount, hint, random.normal(size=780)], axis=1).astype("float32")
    parts = {"train": slice(0, 507), "validation": slice(507, 624)}
    found = leaking_features(
        {name: {"numeric": [number]} for number, name in enumerate(("amount", "hint", "noise"))},
        [task],
        {part: {"numeric": x[rows]} for part, rows in parts.items()},
        {part: {"size": task.encode(table)[rows]} for part, rows in parts.items()},
    )
    assert [feature for feature, _, _ in found] == ["amount"]


def test_a_feature_that_is_often_wrong_is_none_even_with_few_rows():
    random = np.random.default_rng(5)  # one of its 80 validation rows is wrong
    age = random.normal(40, 10, 400)
    table = pd.DataFrame({"left": np.where(age + random.normal(size=400) > 40, "yes", "no")})
    task = tasks.Binary("left").fit(table)
    x, parts = (
        age[:, None].astype("float32"),
        {"train": slice(0, 260), "validation": slice(320, 400)},
    )
    found = leaking_features(
        {"age": {"numeric": [0]}},
        [task],
        {part: {"numeric": x[rows]} for part, rows in parts.items()},
        {part: {"left": task.encode(table)[rows]} for part, rows in parts.items()},
    )
    assert not found


def test_a_feature_that_is_a_target_in_disguise_is_named():
    n, random = 600, np.random.default_rng(0)
    grade = random.integers(0, 4, n)
    spend = random.exponential(30, n)
    spend[:50] = np.nan
    table = pd.DataFrame({"grade": grade, "spend": spend})
    declared = [tasks.Multiclass("grade"), tasks.Regression("spend")]
    fitted = [task.fit(table) for task in declared]
    sub_grade = grade * 5 + random.integers(0, 5, n) + 2
    with_tax = np.nan_to_num(np.log(spend), nan=0.0)
    noisy = np.nan_to_num(spend) + random.normal(0, 10, n)
    x = {
        "categorical": np.stack([sub_grade, random.integers(0, 9, n)], axis=1).astype("int32"),
        "numeric": np.stack([random.normal(size=n), with_tax, noisy], axis=1).astype("float32"),
    }
    columns = {
        "sub_grade": {"categorical": range(1)},
        "town": {"categorical": range(1, 2)},
        "date": {"numeric": range(2)},  # one of its columns
        "noisy": {"numeric": range(2, 3)},
    }
    y = {task.name: task.encode(table) for task in fitted}
    parts = {"train": slice(0, 400), "validation": slice(400, n)}
    found = leaking_features(
        columns,
        fitted,
        {part: {g: v[rows] for g, v in x.items()} for part, rows in parts.items()},
        {part: {t: v[rows] for t, v in y.items()} for part, rows in parts.items()},
    )
    assert {(feature, task) for feature, task, _ in found} == {
        ("sub_grade", "grade"),
        ("date", "spend"),
    }
    assert all(share > 0.97 for _, _, share in found)
