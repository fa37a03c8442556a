"""Declarations that make no sense are refused when they are made."""

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import features, tasks
from mtl_keras.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: tasks.Binary("y", weight=np.inf), "`y.weight` must be >= 0 and finite"),
        (lambda: tasks.Binary("y", weight=1e300), "`y.weight` must be >= 0 and finite"),
        (lambda: tasks.Binary("y", classes=("a", "b", "c")), "the negative and the positive"),
        (lambda: tasks.Multiclass("y", classes=("a", "a", "b")), "at least two labels, each once"),
        (lambda: tasks.Multiclass("y", classes=("a",)), "at least two labels, each once"),
        (lambda: tasks.Multilabel("y", labels=("a", "a")), "name each column once"),
        (lambda: tasks.Multilabel("y", labels=("a", "a_probability")), "still differ as"),
        (
            lambda: tasks.Multilabel("y", labels=("tea", "jam"), class_weight={"te": 2.0}),
            "Unknown label 'te'. Did you mean 'tea'",
        ),
        (lambda: tasks.Quantiles("y", levels=(0.1, 0.1000001)), "differ in six digits"),
        (lambda: tasks.Regression("y", scale=0.0), "`y.scale` must be > 0"),
        (lambda: features.Numeric("x", scale=0.0), "`x.scale` must be > 0"),
        (lambda: features.Date("d", format="%Q"), "say where day, month and year are"),
        (lambda: mtl.Training(learning_rate=np.inf), "learning_rate` must be > 0 and finite"),
        (lambda: mtl.Training(jit_compile="maybe"), "be True, False or 'auto'"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(declare, message):
    with pytest.raises(ConfigError, match=message):
        declare()


def test_the_order_of_an_ordinal_task_is_stated_or_known():
    sizes = ["poor", "average", "excellent"]
    table = pd.DataFrame({"quality": sizes * 3, "stars": [3, 1, 2] * 3})
    with pytest.raises(DataError, match=r"State it.*classes = \['average', 'excellent', 'poor'\]"):
        tasks.Ordinal("quality").fit(table)
    assert tasks.Ordinal("stars").fit(table).classes == (1, 2, 3)
    ordered = table.assign(quality=pd.Categorical(table["quality"], sizes, ordered=True))
    assert tasks.Ordinal("quality").fit(ordered).classes == tuple(sizes)
    with pytest.raises(DataError, match="State it"):
        tasks.Ordinal("quality").fit(table.assign(quality=pd.Categorical(table["quality"])))


@pytest.mark.parametrize("kind", ["categorical", "categories", "sequence", "text"])
@pytest.mark.parametrize("words", [["a", "a"], ["a", ""], ["a", 3]], ids=str)
def test_a_stated_vocabulary_names_each_word_once(kind, words):
    with pytest.raises(ConfigError, match=r"x.*vocabulary"):
        features.get({"kind": kind, "vocabulary": words}, "x")


def test_pixels_that_are_no_numbers_are_refused():
    texts, complex_numbers = np.array([["a", "b"]]), np.zeros((4, 4), complex)
    for image in (np.full((4, 4), np.nan), np.zeros((0, 0)), texts, complex_numbers):
        with pytest.raises(DataError, match="array of row 0 is empty or has pixels that are no"):
            features.Image("photo").fit(pd.Series([image]))


def test_true_is_a_white_pixel():
    mask, photo = np.eye(4, dtype=bool), features.Image("photo", white=1)
    pixels = photo.raw(pd.Series([mask, np.uint8(255) * mask, mask.astype(float)]))
    assert pixels[0] == pixels[1] == pixels[2]


@pytest.mark.parametrize(
    "weights", [{"a": np.nan}, {"a": np.inf}, {"a": -1.0}, {"a": "two"}, 3, ["a"]], ids=str
)
def test_weights_of_classes_are_finite_numbers(weights):
    for declare in (
        lambda: tasks.Binary("y", class_weight=weights),
        lambda: tasks.Multiclass("y", class_weight=weights),
        lambda: tasks.Multilabel("y", labels=("a", "b"), class_weight=weights),
    ):
        with pytest.raises(ConfigError, match=r"y\.class_weight` must be 'balanced' or a mapping"):
            declare()


@pytest.mark.parametrize(
    "labels",
    [[1, "1"], [True, 2], [1, "a", 2.5], [10**30, 1], [1e300, 0.5], [0.5, 0.5 + 1e-12]],
    ids=str,
)
def test_labels_that_no_tensor_holds_are_refused_stated_or_found(labels):
    with pytest.raises(ConfigError, match=r"y\.classes` must be all strings, all numbers"):
        tasks.Multiclass("y", classes=labels)
    table = pd.DataFrame({"y": pd.Series(labels * 3, dtype=object)})
    for kind in (tasks.Multiclass, tasks.Binary, tasks.Ordinal):
        with pytest.raises(DataError, match="'y'"):
            kind("y").fit(table)


@pytest.mark.parametrize(
    ("get", "kind", "what"), [(tasks.get, "binary", "Task"), (features.get, "numeric", "Feature")]
)
def test_a_declaration_that_cannot_be_made_is_named(get, kind, what):
    for declared in (
        {"kind": kind, "wieght": 1},
        {"kind": "nothing"},
        3,
        {"kind": kind, "column": 3},
    ):
        with pytest.raises(ConfigError, match=f"{what} 'spend': "):
            get(declared, "spend")


@pytest.mark.parametrize("words", ["no yes", "Nein Ja", "non oui", "не да", "false true"])
def test_the_positive_class_is_the_yes_in_several_languages(words):
    no, yes = words.split()
    column = pd.DataFrame({"left": [yes, no, None, yes, no]})
    assert mtl.tasks.Binary("left").fit(column).classes == (no, yes)


@pytest.mark.parametrize("kind", [tasks.Multiclass, tasks.Binary, tasks.Ordinal])
def test_labels_that_have_lost_their_digits_are_refused(kind):
    """Two identifiers, read from a file with an empty cell, were other whole numbers."""
    labels = [2**53 + 1, 2**53 + 3, None]
    table = pd.DataFrame({"y": labels})
    assert table["y"].dtype == float
    for column in (table["y"], table["y"].astype(object)):
        with pytest.raises(DataError, match=r"'y' contains class labels.*lost its last digits"):
            kind("y").fit(pd.DataFrame({"y": column}))
    exact = kind("y").fit(pd.DataFrame({"y": pd.array(labels, "Int64")}))
    assert exact.classes == (2**53 + 1, 2**53 + 3)


@pytest.mark.parametrize(("labels", "positive"), [([1, 2], 2), ([-1.0, 1.0], 1), (["1", "2"], "1")])
def test_the_positive_class_of_numbers_is_the_larger(labels, positive):
    fitted = tasks.Binary("y").fit(pd.DataFrame({"y": labels}))
    assert fitted.classes[1] == positive


@pytest.mark.parametrize("names", [["val"], ["spend", "val_spend"], ["val", "spend"]], ids=str)
def test_a_task_logs_its_loss_under_a_name_of_its_own(names):
    """The training loss of a task `val` was taken for the validation loss of all."""
    with pytest.raises(ConfigError, match="same name as validation losses"):
        mtl.Experiment(tasks=dict.fromkeys(names, "regression"))
    mtl.Experiment(tasks={"val_spend": "regression", "values": "regression"})


def test_a_factor_without_a_logarithm_is_refused():
    """It had no effect."""
    with pytest.raises(ConfigError, match=r"`y\.factor` must be None without transform='log1p'"):
        tasks.Regression("y", factor=2.0)
