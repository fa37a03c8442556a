"""What a task says of its labels and answers, for the log and for `inspect`."""

import pandas as pd
import pytest

from mtl_keras import tasks

ROWS = pd.DataFrame({"left": ["no", "yes", None, "no", "no"], "grade": [3, 1, 2, 3, None]})


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (tasks.Binary("left"), "the positive class is 'yes' (25 % of 4 training labels)"),
        (tasks.Binary("left", positive="no"), "the positive class is 'no' (75 % of 4 training"),
        (tasks.Binary("left", threshold=0.25), "), predicted when its probability is at least 0.2"),
        (tasks.Ordinal("grade"), "the order is 1 < 2 < 3"),
        (tasks.Regression("grade"), ""),
    ],
    ids=str,
)
def test_a_task_says_what_to_check(task, words):
    said = task.fit(ROWS).decision
    assert words in said and bool(words) == bool(said)


def test_each_label_has_a_threshold_of_its_own():
    task = tasks.Multilabel("likes", labels=("tea", "jam"))
    assert task.decision == ""
    assert task.but(thresholds=(0.4, 0.31)).decision == (
        "a label is predicted when its probability is at least: tea 0.4, jam 0.31"
    )
