"""Crossings: which are chosen, and how they are read."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtl_keras.errors import DataError
from mtl_keras.features import Categorical, Crossing, Numeric, crossings
from mtl_keras.features.crossing import CrossingEncoding
from mtl_keras.features.encoder import Encoder

TRAINING, ROWS = 3000, 4500


def chosen(table, *labels, kinds=None):
    """The crossings of a table that are chosen for labels, kinds given where not categorical."""
    features = [
        (kinds or {}).get(name, Categorical)(name).fit(table[name][:TRAINING]) for name in table
    ]
    raw = {feature.name: feature.raw(table[feature.name]) for feature in features}
    encoder = Encoder(features)
    return crossings.choose(raw, encoder.encode(table), encoder.category_sizes, labels, TRAINING)


def drawn(columns=8, values=10, seed=0):
    random = np.random.default_rng(seed)
    codes = random.integers(0, values, (ROWS, columns))
    return codes, pd.DataFrame(codes, columns=[f"c{n}" for n in range(columns)]).astype(str), random


def test_a_combination_is_taken_and_what_columns_tell_one_by_one_is_not():
    codes, table, random = drawn()
    noise = random.normal(size=ROWS)
    additive = random.normal(size=10)[codes[:, 0]] + random.normal(size=10)[codes[:, 1]]
    together = random.normal(size=(10, 10))[codes[:, 2], codes[:, 5]]
    assert chosen(table, additive + noise) == []
    assert chosen(table, additive + noise, together + noise) == [("c2", "c5")]
    assert chosen(table, additive + noise + np.where(np.arange(ROWS) < TRAINING, together, 0)) == []
    again = table.assign(c6=table["c2"], c7=table["c5"])  # what tells the same is taken once
    assert len(chosen(again, together + noise)) == 1


def test_what_explains_little_of_a_task_is_not_taken_though_it_is_much_of_what_is_left():
    codes, table, random = drawn()
    strong = 10 * random.normal(size=10)[codes[:, 0]] + random.normal(size=ROWS)
    together = 0.5 * random.normal(size=(10, 10))[codes[:, 2], codes[:, 5]]
    assert chosen(table, strong + together) == []  # a fifth of the rest, .2% of the label
    assert chosen(table, strong / 10 + together) == [("c2", "c5")]


def test_noise_is_seldom_taken():
    taken = 0
    for seed in range(3):
        _, table, random = drawn(seed=seed)
        few = table[: TRAINING + 250]
        heavy = random.standard_t(4, len(few))
        taken += len(chosen(few, random.normal(size=len(few)), heavy))
    assert taken <= 1  # of 216 tests


def test_values_of_one_number_are_taken_where_it_is_a_code_and_not_where_it_is_a_quantity():
    random = np.random.default_rng(1)
    number = random.integers(0, 200, ROWS)
    table = pd.DataFrame({"n": number * 0.5 + 7, "other": random.normal(size=ROWS)})
    kinds = {"n": Numeric, "other": Numeric}
    noise = random.normal(size=ROWS)
    assert chosen(table, random.normal(size=200)[number] + noise, kinds=kinds) == [("n",)]
    assert chosen(table, np.sin(number / 40) + noise, kinds=kinds) == []


def test_what_trees_find_as_well_is_not_taken():
    random = np.random.default_rng(3)
    levels = random.integers(-6, 6, (ROWS, 2))
    table = pd.DataFrame({"a": levels[:, 0] / 2, "b": levels[:, 1] / 2})
    labels = levels[:, 0] * levels[:, 1] + 5 * random.normal(size=ROWS)
    assert chosen(table, labels, kinds={"a": Numeric, "b": Numeric}) == []


def test_rows_of_one_group_teach_nothing_where_the_split_keeps_groups_together():
    random = np.random.default_rng(2)
    group = np.arange(ROWS) // 6  # who it is shows in two columns together
    table = pd.DataFrame({"street": group % 30, "house": group // 30}).astype(str)
    labels = random.normal(size=ROWS)[group] + random.normal(size=ROWS) / 4
    assert chosen(table, labels) == []
    mixed = random.permutation(ROWS)
    assert chosen(table.iloc[mixed], labels[mixed]) == [("street", "house")]
    place = np.argsort(np.arange(ROWS) % 6 >= 4, kind="stable")  # four rows of each to train on
    assert chosen(table.iloc[place], labels[place]) == []  # are too few


def test_tasks_with_gaps_many_columns_or_nothing_to_judge_by():
    codes, table, random = drawn(columns=3)
    noise = random.normal(size=ROWS)
    together = random.normal(size=(10, 10))[codes[:, 0], codes[:, 1]] + noise
    gaps = np.where(random.random(ROWS) < 0.5, np.nan, together)
    wide = np.where(np.isnan(gaps)[:, None], np.nan, random.normal(size=(ROWS, 20)))
    wide[:, 3] += 5 * gaps
    few = np.where(np.arange(ROWS) < TRAINING + 200, together - noise, np.nan)
    unjudged = np.where(np.arange(ROWS) < TRAINING + 199, together - noise, np.nan)
    for labels in (gaps, wide, few):
        assert chosen(table, np.full(ROWS, np.nan), labels)[0] == ("c0", "c1")
    assert chosen(table, unjudged) == []


def test_unseen_rare_and_missing_values_have_their_places():
    towns = np.array(["Ely"] * 5 + ["Bath"] * 6 + ["Wells", "", "", "", "", ""], object)
    codes = np.float32([7.5] * 5 + [np.nan] * 6 + [7.5] * 6)
    fitted = Crossing(("town", "code")).fit([towns, codes])
    assert fitted.category_size == 2 + 3
    layer = CrossingEncoding.from_config(json.loads(json.dumps(fitted.layer().get_config())))
    wanted = [
        ("Ely", 7.5, 3),
        ("Bath", np.nan, 4),
        ("", 7.5, 2),
        ("", np.nan, 0),
        ("Wells", 7.5, 1),  # rare
        ("Ely", 8.0, 1),
        ("Ely", np.nan, 1),
        ("York", 7.5, 1),
    ]
    texts, numbers, _ = zip(*wanted)
    found = layer([tf.constant(texts), tf.constant(numbers)])
    known = {index: place for index, (*_, place) in zip(found.numpy()[:, 0], wanted)}
    assert [known[index] for index in found.numpy()[:, 0]] == [place for *_, place in wanted]
    assert set(known) == {0, 1, 2, 3, 4}
    assert found[3] == 0 and found[4] == 1


def test_the_most_frequent_combinations_are_kept():
    fitted = Crossing(("n",), max_size=1).fit([np.float32([1] * 6 + [2] * 9)])
    assert (fitted.values, fitted.category_size) == (((2.0,),), 3)
    with pytest.raises(DataError, match=r"'n' has no combination .* 5 training rows"):
        Crossing(("n",)).fit([np.float32([1, 2, 3])])


def test_a_part_that_is_missing_in_all_known_combinations():
    texts, numbers = np.array(["a"] * 6, object), np.array([""] * 6, object)
    layer = Crossing(("a", "b")).fit([texts, numbers]).layer()
    found = layer([tf.constant(["a", "a", ""]), tf.constant(["", "new", ""])])
    assert found.numpy().tolist() == [[2], [1], [0]]


def test_an_encoder_that_another_process_gets_reads_crossings_too():
    table = pd.DataFrame({"town": ["Ely", "Bath"] * 5, "size": np.arange(10) // 2 % 2})
    features = [Categorical("town").fit(table["town"]), Numeric("size").fit(table["size"])]
    raw = [feature.raw(table[feature.name]) for feature in features]
    encoder = Encoder(features, [Crossing(("town", "size"), min_frequency=2).fit(raw)])
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.encode(table)["crossed"], encoder.encode(table)["crossed"])
