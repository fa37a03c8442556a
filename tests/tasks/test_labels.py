"""Labels of new rows, in whatever type their table has them."""

import numpy as np
import pandas as pd
import pytest

from mtl_keras.tasks import Binary, Multiclass


@pytest.mark.parametrize(
    ("trained", "labels", "encoded"),
    [
        (["007", "100", "250"], [100, 250], [1, 2]),  # a file without a leading zero
        ([1, 2, 3], ["1", "3", None], [0, 2, np.nan]),  # a file in which another cell is a word
        ([True, False], ["TRUE", "false"], [1, 0]),
        ([1.5, 2.0], [2, 2], [1, 1]),
        (["1", "2", "a"], ["2.0", "1", "1.0"], [1, 0, 0]),  # a file of numbers with an empty cell
        (["1.0", "2.0", "a"], [2, 1], [1, 0]),
    ],
)
def test_a_label_is_known_in_another_type(trained, labels, encoded):
    task = Multiclass("y").fit(pd.DataFrame({"y": trained}))
    found = task.encode(pd.DataFrame({"y": pd.Series(labels)}))
    np.testing.assert_array_equal(found, encoded)
    with pytest.warns(UserWarning, match="the labels other do not occur in the training"):
        assert np.isnan(task.encode(pd.DataFrame({"y": ["other"]})))


@pytest.mark.parametrize("kind", [Binary, Multiclass])
def test_predicted_fractions_are_equal_to_the_labels_of_the_table(kind):
    """As float32, none of them was: a user who compares the two columns found no hit."""
    task = kind("grade", classes=(1.6, 1.1))
    answers = {name: np.asarray(v) for name, v in task.answers(np.eye(2, task.width)).items()}
    assert (
        task.answer_columns(answers)["grade"].tolist() == {1: [1.1, 1.6], 2: [1.6, 1.1]}[task.width]
    )
