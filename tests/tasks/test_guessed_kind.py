"""Kinds of targets that are guessed, and those that are not."""

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.errors import DataError
from mtl_keras.tasks import infer

ROWS = 400


def random():
    return np.random.default_rng(0)


def drawn(values, missing=0):
    column = pd.Series(random().choice(np.array(values, object), ROWS)).convert_dtypes()
    column = column.astype(object)
    column.iloc[:missing] = None
    return column


KINDS = {
    "booleans": ([True, False], "binary"),
    "0 and 1": ([0, 1], "binary"),
    "two codes": (["007", "012"], "binary"),
    "two words": (["ja", "nein"], "binary"),
    "classes": (["setosa", "versicolor", "virginica"], "multiclass"),
    "codes": (["0123", "0456", "0789"], "multiclass"),
    "fractions": (random().normal(size=200).round(3).tolist(), "regression"),
    "texts that are numbers": ([f"$1,{n:03d}.50" for n in range(100, 160)], "regression"),
    "ages": (list(range(18, 80)), "regression"),
    "seldom zero": (list(range(40)), "regression"),
    "below zero": (list(range(-30, 30)), "regression"),
    "large amounts": ([0, 0, *range(1000, 3000, 7)], "regression"),
}


@pytest.mark.parametrize("what", KINDS)
def test_a_clear_kind_is_guessed(what):
    values, kind = KINDS[what]
    guess = infer(drawn(values, missing=50).rename("target"))
    assert (guess.column, guess.kind) == ("target", kind)
    assert guess.alternative is None or guess.alternative[0] != kind


def test_counts_are_told_from_quantities_and_from_classes():
    counts = pd.Series(random().geometric(0.12, ROWS) - 1, name="orders", dtype=float)
    counts.iloc[:9] = None
    assert infer(counts).kind == "count" and infer(counts).alternative[0] == "regression"
    assert infer(counts + 10).kind == "regression"
    with pytest.raises(DataError, match="orders:count for numbers of events, orders:regression"):
        infer(counts.clip(upper=4))


def test_an_order_that_is_declared_is_kept():
    sizes = pd.Categorical(["S", "L", "M", "S"], ["S", "M", "L"], ordered=True)
    assert infer(pd.Series(sizes, name="size")).kind == "ordinal"


def test_amounts_that_are_often_zero_may_be_zero_inflated():
    amounts = random().gamma(2, 20, ROWS).round(2)
    amounts = pd.Series(np.where(random().random(ROWS) < 0.4, 0, amounts))
    guess = infer(amounts.rename("gift"))
    assert guess.kind == "regression" and guess.alternative[0] == "zero_inflated_log_normal"


UNCLEAR = {
    "no label": ([None] * ROWS, "it has no label"),
    "constant": (["a"] * ROWS, "it is constant"),
    "grades": ([1, 2, 3, 4, 5] * 80, "ordinal for grades"),
    "two fractions": ([0.5, 1.5] * 200, "2 different numbers"),
    "halves": ([1, 1.5, 2, 2.5] * 100, "4 different numbers (1, 1.5, 2, 2.5)"),
    "numbers of rows": (list(range(ROWS)), "each in one row, look like an identifier"),
    "names": ([f"name {n}" for n in range(ROWS)], "look like identifiers or free text"),
    "dates": ([f"2024-01-{1 + n % 28:02d}" for n in range(ROWS)], "it contains dates"),
    "lists": ([["a"], ["b", "c"]] * 200, "several values each"),
}


@pytest.mark.parametrize("what", UNCLEAR)
def test_an_unclear_kind_is_refused_with_a_choice(what):
    values, message = UNCLEAR[what]
    with pytest.raises(DataError) as error:
        infer(pd.Series(values, name="target", dtype=object))
    text = str(error.value)
    assert text.startswith("The kind of target 'target' is not clear: ") and message in text


def test_an_experiment_takes_the_guesses_for_several_columns():
    table = pd.DataFrame({"left": ["no", "yes"] * 20, "spend": np.arange(40) / 3})
    guesses = infer(table[["spend", "left"]])
    experiment = mtl.Experiment(tasks=guesses)
    assert [(task.name, task.kind) for task in experiment.tasks] == [
        ("spend", "regression"), ("left", "binary"),
    ]  # fmt: skip
    with pytest.raises(DataError, match="'day' is not clear"):
        infer(table[["left"]].assign(day="2021-01-05"))
