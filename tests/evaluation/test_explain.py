"""What predictions depend on, in the values that the features read."""

import numpy as np
import pandas as pd
import pytest

from mtl_keras import features, tasks
from mtl_keras.evaluation.explain import dependence
from mtl_keras.features.encoder import warn_of_unknown


@pytest.mark.parametrize(
    ("feature", "cells", "shown"),
    [
        (features.Numeric("x", notation="1.234,5"), ["1.234", "2.345", None], [1234.0, 2345.0]),
        (features.Numeric("x", notation="1,234.5"), ["1.234", "2.345", "?"], [1.234, 2.345]),
        (features.Numeric("x"), [1.6, 3.0, np.nan], [1.6, 3.0]),
        (features.Categorical("x"), [3.0, 2.0, 3.0], ["3", "2"]),
        (features.Categorical("x"), ["b", " a", "b "], ["b", "a"]),
        (features.Boolean("x"), [True, False, True], [True, False]),
    ],
)
def test_dependence_shows_the_values_that_the_feature_reads(feature, cells, shown):
    """Numbers in strings were read in the notation that fits the test rows, not the declared."""
    table = pd.DataFrame({"x": cells * 5, "y": np.arange(15.0)})
    task, fitted = tasks.Regression("y").fit(table), feature.fit(table["x"])

    def predict(rows):
        raw = fitted.raw(rows["x"])
        return {"y": np.array([float(cell if cell not in ("a", "b") else 0) for cell in raw])}

    curve = dependence([task], predict, table, fitted)
    assert curve["x"].tolist() == shown
    if "a" not in shown:  # the cells that were tried are those that are shown
        np.testing.assert_allclose(curve["y"], np.array(shown, float))


def test_dependence_on_a_rare_value_does_not_warn():
    """All rows have the value, so a network that does not know it knew none of the rows."""
    table = pd.DataFrame({"x": ["a", "b"] * 15, "y": np.arange(30.0)})
    feature, task = features.Categorical("x", vocabulary=("a", "z")), tasks.Regression("y")

    def predict(rows):
        warn_of_unknown([feature], {"x": feature.raw(rows["x"])[-30:]})  # of the last value, b
        return {"y": np.zeros(len(rows))}

    with pytest.warns(UserWarning, match="known from the training rows"):
        predict(table.assign(x="b"))
    dependence([task.fit(table)], predict, table, feature)  # a warning is an error in tests
