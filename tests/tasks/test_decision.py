"""What a task says of its labels and answers, for the log and for `inspect`."""

import pandas as pd
import pytest

from mtl_keras import tasks
from mtl_keras.errors import DataError

ROWS = pd.DataFrame({"left": ["no", "yes", None, "no", "no"], "grade": [3, 1, 2, 3, None]})


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (tasks.Binary("left"), "the positive class is 'yes' (25% of 4 training labels)"),
        (tasks.Binary("left", positive="no"), "the positive class is 'no' (75% of 4 training"),
        (tasks.Binary("left", positive="yes", classes=("yes", "no")), "class is 'yes' (25% of"),
        (tasks.Binary("left", threshold=0.25), "), predicted when its probability is at least 0.2"),
        (tasks.Ordinal("grade"), "the order is 1 < 2 < 3"),
        (tasks.Ordinal("grade", classes=("3", "2", "1")), "the order is 3 < 2 < 1"),
        (tasks.Multiclass("grade"), "the classes are 1, 2, 3; the one with the highest"),
        (tasks.Regression("grade"), ""),
    ],
    ids=str,
)
def test_a_task_says_what_to_check(task, words):
    said = task.fit(ROWS).decision
    assert words in said and bool(words) == bool(said)


def test_a_chosen_threshold_says_what_it_is_best_for():
    priced = tasks.Binary("left", costs={"false_positive": 1.0, "false_negative": 5.0})
    assert tasks.Binary("left").decision_aim == "the highest F1"
    assert priced.decision_aim == "the lowest cost"


def test_each_label_has_a_threshold_of_its_own():
    task = tasks.Multilabel("likes", labels=("tea", "jam"))
    assert task.decision == ""
    assert task.but(thresholds=(0.4, 0.31)).decision == (
        "a label is predicted when its probability is at least: tea 0.400, jam 0.310"
    )


def test_classes_that_are_hardly_learned_are_named():
    rows = pd.DataFrame({"code": ["a"] * 12 + ["b"] * 10 + ["c"] * 3})
    decision = tasks.Multiclass("code").fit(rows).decision
    assert decision.endswith("is predicted; classes with few training labels: c (3)")
    assert tasks.Multiclass("code").fit(rows[:22]).decision.endswith("is predicted")


def test_many_classes_are_counted():
    rows = pd.DataFrame({"code": range(100, 112)})
    assert "108, 109, ... (12 in all)" in tasks.Multiclass("code").fit(rows).decision


def test_a_binary_task_says_how_another_class_and_threshold_are_stated():
    task = tasks.Binary("left or not").fit(ROWS.rename(columns={"left": "left or not"}))
    assert task.decision_options == "--positive 'left or not=no', --threshold 'left or not=0.5'"
    assert tasks.Regression("grade").fit(ROWS).decision_options == ""


def test_stated_labels_are_those_of_the_column():
    rows = pd.DataFrame({"on": [True, False, True], "grade": [1, 2, 3]})
    assert tasks.Binary("on", positive="FALSE").fit(rows).classes == (True, False)
    with pytest.raises(DataError, match=r"has none of the task's `classes`, \['a', 'b'\]. Its l"):
        tasks.Multiclass("grade", classes=("a", "b")).fit(rows)
