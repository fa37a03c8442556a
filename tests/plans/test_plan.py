"""Plans: what is not of its type is refused, overrides are laid over a file, paths stay private."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
import tomli_w

import mtl_keras as mtl
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.plans.file import merged
from mtl_keras.runs.prepare import prepare

GOOD = {"tasks": {"y": "binary"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": "y"},
        {"tasks": mtl.tasks.Binary("y")},
        {"tasks": ["y"]},
        {"tasks": 3},
        {"tasks": None},
        {"features": 3},
        {"features": mtl.features.Numeric("x")},
        {"features": None},
        {"name": 3},
        {"name": ""},
        {"name": "a/b"},
        {"seed": "0"},
        {"seed": 1.5},
        {"seed": -1},
        {"seed": True},
        {"training": 3},
        {"split": "random"},
        {"preset": 3},
        {"data": 3},
        {"data": [1, 2]},
        {"sample_weight": 3},
        {"slices": ["a"]},
        {"intended_use": ["a"]},
        {"crossings": "all"},
        {"crossings": ["a", "b"]},
        {"crossings": [["a"], [1]]},
        {"crossings": [[]]},
        {"architecture": 3},
        {"balancer": 3},
    ],
    ids=str,
)
def test_what_is_not_of_its_type_is_refused_by_name(changes):
    (name,) = changes
    with pytest.raises(ConfigError, match=rf"{name.rstrip('s')}.*Received"):
        mtl.Experiment(**{**GOOD, **changes})


@pytest.mark.parametrize("entry", [{"data": 3}, {"data": True}, {"split": ["test"]}], ids=str)
def test_a_section_of_a_file_that_is_no_table_is_refused(entry):
    with pytest.raises(ConfigError, match=r"(data|split).*Received"):
        mtl.Experiment.from_dict({"tasks": {"bought": "binary"}, **entry})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"training": {"epochs": 2.5}}, r"In \[training\], `epochs` must be a whole number.*2.5"),
        ({"split": {"test": "a"}}, r"In \[split\], `test` must be a number. Received: 'a' \(str\)"),
        ({"data": {"path": 3}}, r"In \[data\], `path` must be a text or a list. Received: 3"),
        ({"architecture": {"layers": ["a"]}}, "`layers.0` must be a whole number. Received: 'a'"),
    ],
)
def test_what_is_not_of_its_type_in_a_file_is_told_in_our_words(entry, message):
    with pytest.raises(ConfigError, match=message):
        mtl.Experiment.from_dict({**GOOD, **entry})


def test_mappings_are_taken_for_what_has_arguments():
    plan = mtl.Experiment(**GOOD, split={"test": 0.3}, architecture={"bins": 400}, seed=np.int64(3))
    assert plan.split == mtl.Split(test=0.3)
    assert plan.architecture.bins == 400
    assert type(plan.architecture) is mtl.architectures.SharedBottom
    assert "seed = 3" in tomli_w.dumps(plan.to_dict())


@pytest.mark.parametrize(
    ("config", "overrides", "expected"),
    [
        ({"features": ["a", "b"]}, {"features": {"b": "drop"}}, {"features": ["a"]}),
        (
            {"features": ["a", {"name": "b", "kind": "numeric"}]},
            {"features": {"b": "categorical", "c": "date"}},
            {
                "features": [
                    "a",
                    {"name": "b", "kind": "categorical"},
                    {"name": "c", "kind": "date"},
                ]
            },
        ),
        (
            {"features": {"a": "drop"}},
            {"features": {"b": "drop"}},
            {"features": {"a": "drop", "b": "drop"}},
        ),
        (
            {"architecture": {"kind": "mmoe", "experts": 8}},
            {"architecture": "mmoe"},
            {"architecture": {"kind": "mmoe", "experts": 8}},
        ),
        (
            {"balancer": {"kind": "dwa", "temperature": 1}},
            {"balancer": "rlw"},
            {"balancer": {"kind": "rlw"}},
        ),
        ({"seed": 1}, {"seed": 0}, {"seed": 0}),
    ],
)
def test_overrides_change_what_they_name_and_nothing_else(config, overrides, expected):
    assert merged(config, overrides) == expected


def test_a_feature_to_drop_that_is_not_listed_is_named():
    with pytest.raises(ConfigError, match=r"Unknown feature to drop 'ag'\. Did you mean 'age'"):
        merged({"features": ["age"]}, {"features": {"ag": "drop"}})


def test_a_file_for_others_holds_no_path_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "saved_models" / "shop"
    inside = mtl.Experiment(**GOOD, data=tmp_path / "data" / "shop.csv")
    assert inside.to_dict(folder)["data"]["path"] == "../../data/shop.csv"
    outside = mtl.Experiment(**GOOD, data="/elsewhere/shop.csv")
    assert outside.to_dict(folder)["data"]["path"] == "shop.csv"


TABLE = pd.DataFrame({"x": np.arange(60.0), "y": ["n", "j"] * 30, "y_probability": np.arange(60.0)})


@pytest.mark.parametrize(
    ("tasks", "names"),
    [
        (
            {"y": "binary", "y_probability": "regression"},
            "'y' and 'y_probability'.*'y_probability'",
        ),
        (
            [mtl.tasks.Quantiles("x"), mtl.tasks.Regression("x_q0.1", column="y_probability")],
            "'x' and 'x_q0.1'",
        ),
        (
            [
                mtl.tasks.Multilabel("both", labels=("y", "z")),
                mtl.tasks.Binary("y"),
            ],
            "'both' and 'y'",
        ),
    ],
)
def test_answers_of_one_name_are_refused_before_anything_is_trained(tasks, names):
    table = TABLE.assign(other=TABLE["x"] % 7, y=[0, 1] * 30, z=[1, 0] * 30)
    with pytest.raises(ConfigError, match=rf"Tasks {names}"):
        prepare(mtl.Experiment(tasks=tasks), table)


WEIGHTED = pd.DataFrame({"x": np.arange(60.0) % 13, "y": [0, 1] * 30})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.inf, "weights from 0 to 1e.18. Received: inf in row"),
        (1e300, "weights from 0 to 1e.18. Received: 1e.300 in row"),
        (-1.0, "weights from 0.* Received: -1.0 in row"),
        (np.nan, "weights from 0.* Received: nan in row"),
        (0.0, "a weight > 0 in some train row of task 'y'. Received: 0 in all"),
        ("much", "weights from 0.* Received: 'much' in row"),
    ],
)
def test_weights_that_nothing_can_be_learned_with_are_refused(weights, message):
    table = WEIGHTED.assign(w=weights)
    with pytest.raises(DataError, match=f"Column 'w' must contain {message}"):
        prepare(mtl.Experiment(tasks={"y": "binary"}, sample_weight="w"), table)


def test_test_rows_need_no_weight():
    parts = ["train", "train", "validation", "validation", "test", "test"] * 10
    table = WEIGHTED.assign(part=parts, w=[1.0, 1.0, 1.0, 1.0, 0.0, 0.0] * 10)
    split = {"strategy": "column", "column": "part"}
    plan = mtl.Experiment(tasks={"y": "binary"}, sample_weight="w", split=split)
    assert not prepare(plan, table).data.weights["test"]["y"].any()


def test_a_refit_weighs_training_and_validation_rows_on_one_scale():
    """Recent rows may all weigh more than older ones."""
    parts = ["train", "train", "validation", "validation", "test", "test"] * 10
    table = WEIGHTED.assign(part=parts, w=[1.0, 3.0, 8.0, 4.0, 1.0, 1.0] * 10)
    split = {"strategy": "column", "column": "part"}
    plan = mtl.Experiment(tasks={"y": "binary"}, sample_weight="w", split=split)
    data = prepare(plan, table).data
    np.testing.assert_allclose(data.weights["validation"]["y"].mean(), 1.0)
    again = data.training_and_validation().weights["train"]["y"]
    np.testing.assert_allclose(again, [0.5, 1.5] * 10 + [4.0, 2.0] * 10)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, dataclasses.replace])
def test_a_copy_of_an_experiment_is_equal_and_another(copied):
    """`preset` sets only what is left open, so that setting it again must change nothing."""
    first = mtl.Experiment(
        tasks={"y": {"kind": "binary", "threshold": 0.3}},
        architecture={"kind": "mmoe", "experts": 3},
        balancer={"kind": "dwa", "temperature": 1.0},
        preset="fast",
        seed=4,
    )
    second = copied(first)
    assert second == first and second.to_dict() == first.to_dict()
    second.seed = 5
    assert first.seed == 4
    if copied is copy.deepcopy:
        second.tasks.clear()
        assert len(first.tasks) == 1
