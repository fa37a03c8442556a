"""Scores beside those of a constant."""

import numpy as np
import pandas as pd

from mtl_keras.evaluation import evaluate
from mtl_keras.tasks import Binary


def test_a_constant_gets_the_accuracy_of_the_commoner_label_and_the_f1_of_the_positive():
    """Whatever threshold the model has: each is the best that a constant can do."""
    table = pd.DataFrame({"y": ["yes"] * 3 + ["no"] * 7})
    task = Binary("y").fit(table)
    truth = task.truth(table)
    always = task.constant(truth)
    for threshold in (0.2, 0.4):
        judged = task.but(threshold=threshold)
        found = evaluate([judged], {"y": truth}, {"y": truth * 0.5}, {"y": always})
        baseline = found.to_dict()["y"]["baseline"]
        assert baseline["accuracy"] == 0.7
        np.testing.assert_allclose(baseline["f1"], 2 * 0.3 / 1.3)
        assert found["y"]["accuracy"] == 1.0
