"""Distributions of columns: what is kept of them, and when others differ by more than chance."""

import numpy as np
import pytest

from mtl_keras.evaluation.distribution import Distribution, level

RANDOM = np.random.default_rng(0)


def texts(*values: str) -> np.ndarray:
    return np.array(values, object)


def test_the_index_is_the_papers_sum_over_bins():
    before = Distribution.of(texts(*["a"] * 60, *["b"] * 40))
    now = texts(*["a"] * 30, *["b"] * 60, *["c"] * 10)
    # Half a row more in each of: missing, a, b, others.
    p, q = np.array([0.5, 60.5, 40.5, 0.5]) / 102, np.array([0.5, 30.5, 60.5, 10.5]) / 102
    assert before.stability_index(now) == pytest.approx(((q - p) * np.log(q / p)).sum())


@pytest.mark.parametrize("rows", [60, 2000])
def test_unchanged_columns_are_rarely_taken_for_changed(rows):
    alarms = 0
    for _ in range(200):
        before = Distribution.of(RANDOM.exponential(size=1000))
        now = RANDOM.exponential(size=rows)
        alarms += level(before.stability_index(now), before.chance(rows)) != "none"
    assert alarms <= 4  # 0.2 are expected; the usual thresholds alone give over 100 for 60 rows


@pytest.mark.parametrize(
    "change",
    [lambda x: x + 1, lambda x: x * 3, lambda x: np.where(np.arange(len(x)) % 3 == 0, np.nan, x)],
    ids=["shifted", "scaled", "missing"],
)
def test_a_column_that_has_changed_is_seen(change):
    before = Distribution.of(RANDOM.normal(size=1000))
    now = change(RANDOM.normal(size=500))
    assert level(before.stability_index(now), before.chance(500)) == "major"


def test_neither_rare_texts_nor_many_are_kept():
    values = [f"person {n}" for n in range(200)] + [f"town {n % 30}" for n in range(600)]
    before = Distribution.of(np.array(values, object))
    assert len(before.values) == 20 and all(value.startswith("town") for value in before.values)
    assert sum(before.counts) == 800


def test_columns_without_values_or_with_one_have_a_distribution():
    nothing = Distribution.of(np.full(50, np.nan))
    assert nothing.counts == (50, 0) and nothing.missing == 1
    assert nothing.stability_index(np.ones(50)) > 1
    constant = Distribution.of(np.full(50, 3.0))
    assert constant.stability_index(np.full(50, 3.0)) == 0
    assert constant.outside(np.array([3.0, 4.0])) == 0.5
    assert Distribution.from_dict(vars(constant)) == constant


def test_a_column_that_is_the_same_in_all_rows_of_a_group_varies_by_chance():
    """Of 10 rows per customer, 97 of 100 unchanged columns seemed to have changed."""
    alarms = np.zeros(2)
    for _ in range(200):
        then, now = np.arange(1000) // 10, np.arange(300) // 10
        values = RANDOM.normal(size=30)[now]
        before = Distribution.of(RANDOM.normal(size=100)[then], then)
        index = before.stability_index(values)
        alarms[0] += index > before.chance(300)
        alarms[1] += index > before.chance(300, before.clustering_of(values, now))
    assert alarms[0] > 100 and alarms[1] <= 12
    rows = RANDOM.normal(size=1000)
    assert Distribution.of(rows, np.arange(1000)).clustering < 1.3, "groups of one row"
    assert Distribution.of(rows, np.zeros(1000)).clustering == 1.0, "nothing is known of one group"


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ([1.0] * 95 + [0.0] * 5, [0.0]),
        ([5.0] * 50 + [4.0] * 45 + [1.0] * 5, [5.0, 1.0]),
        ([1.0] * 50 + [2.0] * 50, [0.0, 2.0]),
        ([1.0] * 50 + [3.0] * 50, [1.0, 2.0]),
    ],
    ids=["yes or no", "rating", "new, below all", "new, between"],
)
def test_numbers_below_a_frequent_one_are_not_in_its_bin(then, now):
    """Nothing seemed to have changed: a number that many rows had was in one bin with others."""
    before = Distribution.of(np.repeat(then, 10))
    values = np.repeat(now, 250)
    assert level(before.stability_index(values), before.chance(len(values))) == "major"
    assert before.stability_index(np.repeat(then, 5)) < 0.01
