"""Features that alone tell a task's label are found, and only these."""

import numpy as np
import pandas as pd

from mtl_keras import tasks
from mtl_keras.evaluation import leaking_features

RANDOM = np.random.default_rng(0)


def test_a_feature_that_is_a_target_in_disguise_is_named():
    n = 600
    grade = RANDOM.integers(0, 4, n)
    spend = RANDOM.exponential(30, n)
    spend[:50] = np.nan
    table = pd.DataFrame({"grade": grade, "spend": spend})
    declared = [tasks.Multiclass("grade"), tasks.Regression("spend")]
    fitted = [task.fit(table) for task in declared]
    sub_grade = grade * 5 + RANDOM.integers(0, 5, n) + 2
    with_tax = np.nan_to_num(np.log(spend), nan=0.0)
    noisy = np.nan_to_num(spend) + RANDOM.normal(0, 10, n)
    x = {
        "categorical": np.stack([sub_grade, RANDOM.integers(0, 9, n)], axis=1).astype("int32"),
        "numeric": np.stack([RANDOM.normal(size=n), with_tax, noisy], axis=1).astype("float32"),
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
